"""What the units run, from the program that `prepare` has saved. Exit codes are the answer; words go to the journal.

    may-run ID CONTAINER     0 or 1, and nothing else: systemd would repeat a 255 for ever
    tidy ID CONTAINER        removes what a loss of power or a killed monitor has left; holds back what ends too often
    wait-for ID CONTAINER    waits for the containers that this one comes after
    run ID CONTAINER         becomes podman
    done ID CONTAINER        records that a job has ended well
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Mapping, Optional

from ..host_error import HostError
from . import instances, paths
from .instances import RUNNING, Instance

# Who runs this long is well again.
SETTLED_SECONDS = 10
FREE_FAILURES = 2
MAX_DELAY_SECONDS = 30
POLL_SECONDS = 0.5


def may_run(id: str, name: str) -> int:
    try:
        instance = instances.read_instance(id)
        container = instance.container(name) if instance else None
        if instance is None or container is None or not instance.is_current or instance.wanted != RUNNING:
            return 1
        is_done = container["is_job"] and instance.is_done(name)
        return 1 if is_done or instance.order["fence"] != "none" else 0
    except Exception as error:  # whatever it is, 255 must not come of it
        print("may-run: %s" % error, file=sys.stderr)
        return 1


def tidy(id: str, name: str) -> int:
    from . import storage

    hold_back(id, name)
    container = paths.container_name(id, name)
    if storage.may_have_container(container):
        from . import podman

        podman.remove_containers(lambda found: found == container)
    return 0


def hold_back(id: str, name: str) -> None:
    """Waits longer the more often a container has ended soon after its start, up to half a minute."""
    path = os.path.join(paths.RUN, paths.container_name(id, name) + ".json")
    before = instances.read_json(path) or {"failures": 0, "started_at": -SETTLED_SECONDS}
    has_settled = time.monotonic() - before["started_at"] >= SETTLED_SECONDS
    failures = 0 if has_settled else before["failures"] + 1
    delay = 0 if failures <= FREE_FAILURES else min(MAX_DELAY_SECONDS, 2 ** (failures - FREE_FAILURES))
    if delay > 0:
        print("%s has ended %d times soon after its start; it is started again in %d s" % (name, failures, delay))
        sys.stdout.flush()
        time.sleep(delay)
    os.makedirs(paths.RUN, mode=0o700, exist_ok=True)
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump({"failures": failures, "started_at": time.monotonic()}, file)
    os.replace(path + ".new", path)


def wait_for(id: str, name: str) -> int:
    from .units import AFTER_SECONDS

    deadline = time.monotonic() + AFTER_SECONDS
    while True:
        instance, container = require(id, name)
        missing = next((each for each in container["after"] if not is_met(instance, each)), None)
        if missing is None:
            return 0
        if time.monotonic() > deadline:
            raise HostError("%s waited %d s for %s to be %s" % (name, AFTER_SECONDS, *missing.values()))
        time.sleep(POLL_SECONDS)


def is_met(instance: Instance, after: Mapping[str, str]) -> bool:
    """Returns whether a container is as another one needs it. Throws `HostError` where it will not become so."""
    from .. import systemd

    name, condition = after["container"], after["condition"]
    other = instance.container(name)
    if other is not None and other["is_job"]:
        if instance.is_done(name):
            return True
        state = systemd.show(paths.unit_name(instance.id, name), "ActiveState").get("ActiveState")
        if state == "failed":
            raise HostError("the job %s has failed" % name)
        return condition == "started" and state in ("active", "activating")
    if condition == "healthy" and any(check["container"] == name for check in instance.order["checks"]):
        return is_healthy(instance, name)
    return systemd.show(paths.unit_name(instance.id, name), "ActiveState").get("ActiveState") == "active"


def is_healthy(instance: Instance, name: str) -> bool:
    """Returns whether the warden has seen each critical check of a container succeed, in this generation."""
    report = instances.read_json(paths.WARDEN_REPORT) or {}
    for found in report.get("instances", []):
        if found["instance"] == instance.id and found["generation"] == instance.generation:
            return healthy_in(instance.order, found, name)
    return False


def healthy_in(order: Mapping[str, Any], found: Mapping[str, Any], name: str) -> bool:
    """Returns whether the checks in a report say so. They stand there in the order's order."""
    checks = list(zip(order["checks"], found.get("checks", [])))
    own = [seen for wanted, seen in checks if wanted["container"] == name and wanted["is_critical"]]
    running = any(each["name"] == name and each["state"] == "running" for each in found.get("containers", []))
    return running and len(checks) == len(order["checks"]) and all(seen["state"] == "success" for seen in own)


def run(id: str, name: str) -> int:
    from .podman import has_cgroups
    from .podman_run import run_command

    instance, container = require(id, name)
    command = run_command(instance.order, container, has_cgroups())
    if not container["is_job"]:
        # The container has an output of its own. What podman prints here is its id, which is no line of the log.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)
    os.execvp(command[0], command)


def done(id: str, name: str) -> int:
    from .store import write_done

    instance, _ = require(id, name)
    write_done(id, instance.generation, name)
    return 0


def require(id: str, name: str) -> tuple[Instance, Mapping[str, Any]]:
    instance: Optional[Instance] = instances.read_instance(id)
    container = instance.container(name) if instance else None
    if instance is None or container is None:
        raise HostError("this host has no container %s of instance %s" % (name, id))
    return instance, container


STEPS = {"may-run": may_run, "tidy": tidy, "wait-for": wait_for, "run": run, "done": done}


def main(step: str, id: str, container: str) -> int:
    return STEPS[step](id, container)
