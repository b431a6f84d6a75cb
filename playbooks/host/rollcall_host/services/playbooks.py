"""Instances that a playbook makes: it runs as present with a start, and as absent when the instance goes.

A generation keeps all that its runs need in its folder, so that it can be taken away when the server and the tools have
other versions, or nothing of it any more.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from typing import IO, Any, Iterator, Mapping, Optional

from .. import files, systemd
from ..ansible import AnsibleRun
from ..collections import collection_folder
from ..groups import ProcessGroups, to_exit_code
from ..host_error import HostError
from ..jobs import AnsibleJob
from ..run import temporary_folders
from . import instances, paths
from .instances import Instance
from .step_error import START_FAILED, STOP_FAILED, StepError

PRESENT, ABSENT = "present", "absent"
VARIABLES_FILE = "variables.json"
COLLECTION = "collection"
# Two runs, and the time that units take, are within what the server waits for a step.
RUN_SECONDS = 600
STOP_SECONDS = 150
MAX_LINE_BYTES = 256 * 1024
MAX_TASKS = 200
MAX_TASK_LENGTH = 200
MAX_FAILURE_LENGTH = 800
FAILED = "instance.step_failed"

Order = Mapping[str, Any]


def keep(playbook: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Puts what runs of a playbook need into the folder of a generation. Returns the playbook without its variables."""
    files.write_file(os.path.join(folder, VARIABLES_FILE), json.dumps(playbook["variables"]).encode())
    if playbook["collection"] is not None:
        source = collection_folder(playbook["collection"]["name"], playbook["collection"]["version"])
        if not os.path.isdir(source):
            raise HostError("The playbook %s is not on this host. Prepare the instance again." % playbook["name"])
        shutil.copytree(source, os.path.join(folder, COLLECTION))
    return {name: value for name, value in playbook.items() if name != "variables"}


def goes_on(former: Order, order: Order) -> bool:
    """Tells whether a generation goes on with what the one before has laid out, which is then not taken away."""
    before, after = former["playbook"], order.get("playbook")
    return after is not None and (before["name"], before["unit"]) == (after["name"], after["unit"])


def run(id: str, generation: int, state: str) -> list[str]:
    """Runs the playbook of a generation. Returns its tasks, in words. Throws `StepError` where it fails."""
    order = instances.read_order(id, generation)
    if order is None:
        raise HostError("Generation %d of instance %s is not on this host." % (generation, id))
    playbook = order["playbook"]
    job = to_job(playbook, paths.generation_folder(id, generation), state)
    events = Events(str(job.nonce))
    exit_code = execute(job, events)
    if exit_code != 0:
        code = START_FAILED if state == PRESENT else FAILED
        why = events.failure or "it ended with %d, and names no task" % exit_code
        raise StepError(code, "The playbook %s (%s) failed: %s" % (playbook["name"], state, why))
    systemd.systemctl("daemon-reload")
    check_unit(playbook, state)
    return events.tasks


def to_job(playbook: Mapping[str, Any], folder: str, state: str) -> AnsibleJob:
    with open(os.path.join(folder, VARIABLES_FILE), encoding="utf-8") as file:
        variables = json.load(file)
    return AnsibleJob(
        playbook=playbook["file"],
        project=os.path.join(folder, COLLECTION) if playbook["collection"] is not None else None,
        extra_vars={**variables, playbook["state_variable"]: state},
        nonce=secrets.token_hex(16),
        check=False,
        diff=False,
        expected_digest=None,
        timeout=RUN_SECONDS,
    )


def execute(job: AnsibleJob, events: "Events") -> int:
    """Runs Ansible to its end, at most `RUN_SECONDS`. Returns its exit code."""
    with temporary_folders() as (private, scratch):
        ansible = AnsibleRun(private, scratch, is_own=False)
        ansible.write_variables(job)
        groups = ProcessGroups()
        groups.end_on_signal()
        groups.end_after(RUN_SECONDS)
        child = ansible.start(job, groups, check=False, diff=False, stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child.stdout as output:
            for line in read_lines(output):
                events.take(line)
        return to_exit_code(child.wait())


def read_lines(output: IO[bytes]) -> Iterator[bytes]:
    """Yields lines; one that is too long comes in pieces, which no event is."""
    while True:
        line = output.readline(MAX_LINE_BYTES)
        if not line:
            return
        yield line


class Events:
    """What a run tells of its tasks, bounded."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self.tasks: list[str] = []
        self.failure: Optional[str] = None

    def take(self, line: bytes) -> None:
        try:
            event = json.loads(line.decode("utf-8", "replace"))
        except ValueError:
            return
        if not isinstance(event, dict) or event.get("nonce") != self._nonce or event.get("event") != "result":
            return
        name, status = str(event.get("name")), str(event.get("status"))
        if status in ("failed", "unreachable") and not event.get("ignored"):
            said = "what it says is hidden" if event.get("hidden") else str(event.get("message"))
            self.failure = ("%s: %s" % (name, said))[:MAX_FAILURE_LENGTH]
        if status != "skipped" and len(self.tasks) < MAX_TASKS:
            self.tasks.append(("%s: %s" % (status, name))[:MAX_TASK_LENGTH])


def check_unit(playbook: Mapping[str, Any], state: str) -> None:
    """Throws `StepError` where a playbook has not made the unit that it is to make, or leaves it running."""
    unit = playbook["unit"]
    if unit is None:
        return
    shown = systemd.show(unit, "LoadState", "ActiveState")
    if state == PRESENT and shown.get("LoadState") != "loaded":
        raise StepError(START_FAILED, "The playbook %s has made no unit %s." % (playbook["name"], unit))
    if state == ABSENT and shown.get("ActiveState") not in ("inactive", "failed"):
        raise StepError(FAILED, "The playbook %s leaves %s running where it is absent." % (playbook["name"], unit))


def take_away(id: str) -> None:
    """Runs the playbooks of all generations that are on the disk as absent, the newest first."""
    for generation in reversed(instances.list_generations(id)):
        order = instances.read_order(id, generation)
        if order is not None and order.get("playbook") is not None:
            run(id, generation, ABSENT)


def require_unit(instance: Instance) -> str:
    """Returns the unit of an instance. Throws `StepError` where its playbook names none."""
    unit: Optional[str] = instance.order["playbook"]["unit"]
    if unit is None:
        text = "A playbook makes %s and names no unit that could be stopped."
        raise StepError(STOP_FAILED, text % instance.order["name"])
    return unit


def stop(instance: Instance) -> None:
    """Stops the unit of an instance. Throws `StepError` where it has none, or does not stop."""
    unit = require_unit(instance)
    if systemd.show(unit, "LoadState").get("LoadState") != "loaded":
        return
    systemd.systemctl("stop", unit, check=False, timeout=STOP_SECONDS)
    if systemd.show(unit, "ActiveState").get("ActiveState") not in ("inactive", "failed"):
        raise StepError(STOP_FAILED, "%s does not stop. Look at `systemctl status` on the host." % unit)
