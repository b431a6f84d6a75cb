"""Starts, stops, restarts and removes instances, always a named generation of one. Every step may be repeated."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, Mapping, Optional, Sequence

from .. import files, systemd
from . import (
    images, instances, journal, paths, playbooks, podman, states, storage, store, units, warden_unit,
)
from .instances import RUNNING, STOPPED, Instance
from .playbooks import ABSENT, PRESENT
from .podman_run import grace_seconds, image_reference
from .prepare import old_text
from .step_error import GENERATION_OLD, IMAGE_MISSING, START_FAILED, STOP_FAILED, UNKNOWN, StepError

Order = Mapping[str, Any]

START_SECONDS = 60
POLL_SECONDS = 0.2
STOP_MARGIN_SECONDS = 60


def start(id: str, generation: int) -> dict[str, Any]:
    """Makes a prepared generation the one in force and starts its units. Throws `StepError` where one does not run."""
    with store.locked(id):
        instance = require(id, generation)
        order = instances.read_order(id, generation)
        if order is None:
            raise StepError(UNKNOWN, "Generation %d of instance %s is not prepared on this host." % (generation, id))
        require_images(order)
        if instance.is_current and instance.generation != generation:
            leave(instance, order)
        return begin(order)


def leave(former: Instance, order: Order) -> None:
    """Ends what the generation before runs, but for what a playbook goes on with."""
    if former.is_playbook:
        if not playbooks.goes_on(former.order, order):
            playbooks.run(former.id, former.generation, ABSENT)
        return
    stop_units(former)
    if not order["containers"]:
        units.delete(units.written(former.id))
        remove_parts(former.id, former.order["network"])


def require_images(order: Order) -> None:
    """Throws `StepError` where an image was removed since `prepare`: nothing is pulled while a unit starts."""
    for container in order["containers"]:
        if images.inspect(image_reference(container["image"]["digest"])) is None:
            text = "podman has not %s any more. Prepare the instance again."
            raise StepError(IMAGE_MISSING, text % images.describe(container["image"]))


def begin(order: Order, is_restart: bool = False) -> dict[str, Any]:
    id, generation = order["instance"], order["generation"]
    tasks = [] if is_restart else lay_out(order)
    store.write_state(id, generation, RUNNING)
    instance = instances.read_instance(id)
    if instance is None:
        raise StepError(UNKNOWN, "Instance %s is not on this host any more." % id)
    forget_failures(instance)
    warden_unit.ensure()
    names = list_units(instance)
    if names:
        systemd.systemctl("reset-failed", *names, check=False)
        systemd.systemctl("start", "--no-block", *names)
    state = wait(instance)
    store.drop_generations(id, generation)
    if order["containers"]:
        remove_secret_variables(id, generation)
    return {"state": state, "generation": generation, **({"tasks": tasks} if tasks else {})}


def lay_out(order: Order) -> Sequence[str]:
    """Makes the units of an instance, its containers' or by its playbook. Returns the tasks of a playbook, in words."""
    if not order["containers"]:
        return playbooks.run(order["instance"], order["generation"], PRESENT)
    units.write(order, podman.has_cgroups(), shutil.which("podman") or "/usr/bin/podman")
    return []


def list_units(instance: Instance) -> list[str]:
    each = [instances.unit_of(instance.id, container) for container in instance.containers]
    return [unit for unit in each if unit is not None]


def wait(instance: Instance) -> str:
    """Waits until the units that wait for nothing else run. Returns the state. Throws `StepError` where one has failed.

    What systemctl says of a start proves nothing: it is well as soon as podman's monitor runs.
    """
    deadline = time.monotonic() + START_SECONDS
    awaited = [each["name"] for each in instance.containers if not each["is_job"] and not each["after"]]
    while True:
        shown = show(instance)
        each = {one["name"]: states.container_state(instance, one, shown[one["name"]]) for one in instance.containers}
        failed = [name for name, state in each.items() if state == "failed"]
        if failed:
            raise StepError(START_FAILED, "%s does not start: %s" % (failed[0], why(instance, failed[0], shown)))
        if all(each[name] != "starting" for name in awaited) or time.monotonic() > deadline:
            stopped = [name for name in awaited if each[name] == "stopped"]
            if stopped:
                raise StepError(START_FAILED, "%s does not run: %s" % (stopped[0], why(instance, stopped[0], shown)))
            return states.instance_state(instance, each)
        time.sleep(POLL_SECONDS)


def show(instance: Instance) -> dict[str, dict[str, str]]:
    """Returns what systemd says of each container's unit."""
    names = {each["name"]: instances.unit_of(instance.id, each) for each in instance.containers}
    shown = systemd.show_all(list_units(instance), *states.PROPERTIES)
    return {name: dict(states.find_shown(unit, shown)) for name, unit in names.items()}


def why(instance: Instance, container: str, shown: Mapping[str, Mapping[str, str]]) -> str:
    """Returns why a unit does not run: what podman has said of it, else how it has ended."""
    own = next(each for each in instance.containers if each["name"] == container)
    said = journal.last_error(instances.unit_of(instance.id, own) or "")
    unit = shown[container]
    ended = "%s, exit code %s" % (unit.get("Result", "unknown"), unit.get("ExecMainStatus", "unknown"))
    return "%s (%s). Look at its logs." % (said, ended) if said else "it ended: %s. Look at its logs." % ended


def stop(id: str, generation: int) -> dict[str, Any]:
    """Stops an instance that is at this generation or an older one, also for boots to come. Volumes stay."""
    with store.locked(id):
        instance = require(id, generation)
        stopped = [playbooks.require_unit(instance)] if instance.is_playbook else units.written(id)
        if instance.is_current:
            store.write_state(id, instance.generation, STOPPED)
            systemd.systemctl("disable", *stopped, check=False)
        if instance.is_current or instance.is_playbook:
            stop_units(instance)
        return {"state": "stopped", "generation": instance.generation}


def restart(id: str, generation: int) -> dict[str, Any]:
    """Stops and starts the generation in force, its jobs too."""
    with store.locked(id):
        instance = require(id, generation)
        if not instance.is_current or instance.generation != generation:
            raise StepError(UNKNOWN, "Generation %d of instance %s was not started on this host." % (generation, id))
        stop_units(instance)
        store.forget_done(id, generation)
        return begin(instance.order, is_restart=instance.is_playbook)


def remove(id: str, generation: int, volumes: Sequence[str] = ()) -> dict[str, Any]:
    """Removes all of an instance but its named volumes, and of those the given ones that were made for its project."""
    with store.locked(id):
        instance = instances.read_instance(id)
        if instance is not None:
            if instance.newest > generation:
                raise StepError(GENERATION_OLD, old_text(id, generation, instance.newest))
            if instance.is_current:
                store.write_state(id, instance.generation, STOPPED)
            if instance.is_current and not instance.is_playbook:
                stop_units(instance)
            playbooks.take_away(id)
        units.delete(units.written(id))
        # A host without podman has nothing of it, and may have what playbooks make.
        if shutil.which("podman") or (instance is not None and not instance.is_playbook):
            remove_parts(id, None if instance is None else instance.order["network"])
            remove_volumes(volumes, None if instance is None else instance.order["project"])
        # The order comes last: with it, a step that was broken off can be repeated.
        store.remove_orders(id, generation)
        shutil.rmtree(paths.instance_folder(id), ignore_errors=True)
        warden_unit.remove_unneeded()
        files.remove_file(os.path.join(paths.RUN, id + ".lock"))
    return {"state": "gone"}


def remove_parts(id: str, network: Any) -> None:
    """Removes what podman has of an instance, by names with its id, and its network where nobody else is in it."""
    prefix = paths.container_name(id, "")
    podman.remove_containers(lambda name: name.startswith(prefix))
    for volume in podman.list_volumes():
        if volume.startswith(prefix):
            podman.podman("volume", "rm", volume)
    remove_secret_variables(id, 0)
    others = [other.order["network"] for other in instances.read_instances() if other.id != id]
    if network is not None and network not in others:
        # It stays where it is not there, or somebody has put containers of his own into it.
        podman.run("network", "rm", network)


def remove_volumes(volumes: Sequence[str], project: Optional[str]) -> None:
    """Removes those of these volumes that were made for a project; for any, where it is not known any more."""
    label = "rollcall.project" if project is None else "rollcall.project=" + project
    made = podman.podman("volume", "ls", "--filter", "label=" + label, "--format", "{{.Name}}").split()
    for volume in volumes:
        if volume in made:
            podman.podman("volume", "rm", volume)


def remove_secret_variables(id: str, kept: int) -> None:
    """Removes podman's secrets of an instance, but for those of one generation."""
    if not storage.may_have_secret("rollcall-%s-" % id) or podman.version() < podman.FIRST_WITH_SECRET_VARIABLES:
        return
    for name in podman.podman("secret", "ls", "--format", "{{.Name}}").split():
        if name.startswith("rollcall-%s-" % id) and not name.startswith("rollcall-%s-%d-" % (id, kept)):
            podman.podman("secret", "rm", name)


def require(id: str, generation: int) -> Instance:
    """Returns an instance. Throws `StepError` where this host has none, or a newer generation in force."""
    instance = instances.read_instance(id)
    if instance is None:
        raise StepError(UNKNOWN, "Instance %s is not on this host." % id)
    if instance.is_current and instance.generation > generation:
        raise StepError(GENERATION_OLD, old_text(id, generation, instance.generation))
    return instance


def stop_units(instance: Instance) -> None:
    """Stops all units of an instance and removes what they leave. Throws `StepError` where one does not stop."""
    if instance.is_playbook:
        playbooks.stop(instance)
        return
    written = units.written(instance.id)
    if written:
        longest = max(grace_seconds(container) for container in instance.containers)
        systemd.systemctl("stop", *written, check=False, timeout=longest + STOP_MARGIN_SECONDS)
        shown = systemd.show_all(written, "ActiveState")
        running = [unit for unit in written if shown.get(unit, {}).get("ActiveState") not in ("inactive", "failed")]
        if running:
            raise StepError(STOP_FAILED, "%s does not stop. Look at `systemctl status` on the host." % running[0])
    prefix = paths.container_name(instance.id, "")
    podman.remove_containers(lambda name: name.startswith(prefix))


def forget_failures(instance: Instance) -> None:
    """Has no container held back for how it ended earlier."""
    for container in instance.containers:
        files.remove_file(failures_file(instance.id, container["name"]))


def failures_file(id: str, container: str) -> str:
    return os.path.join(paths.RUN, paths.container_name(id, container) + ".json")
