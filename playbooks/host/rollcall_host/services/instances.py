"""What this host's disk says of its instances, for the steps, the units and the warden.

    /etc/rollcall-services/<id>/state.json                    the generation in force, and whether it is to run
    /etc/rollcall-services/<id>/<generation>/instance.json    its order, without the values of secrets and configs
    /etc/rollcall-services/<id>/<generation>/secrets, configs   their files
    /etc/rollcall-services/<id>/<generation>/done/<container>   says that a job has ended well
    /etc/rollcall-services/<id>/<generation>/variables.json, collection   of an instance that a playbook makes

A folder of a generation is whole or not there. One above the generation in force is prepared. Little is imported here:
the warden stays in memory with it.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, Mapping, Optional

from . import paths

MAX_INSTANCES = 500
ID = re.compile("[0-9a-f]{8}")
GENERATION = re.compile("[1-9][0-9]{0,8}")
INSTANCE_FILE = "instance.json"
STATE_FILE = "state.json"
RUNNING, STOPPED = "running", "stopped"

Order = Mapping[str, Any]


class Instance:
    """An instance as the disk says it. Before its first start `order` is the prepared one, and `is_current` False."""

    __slots__ = ("id", "generation", "prepared", "is_current", "wanted", "order")

    def __init__(
        self, id: str, generation: int, prepared: Optional[int], is_current: bool, wanted: str, order: Order
    ) -> None:
        self.id = id
        self.generation = generation
        self.prepared = prepared
        self.is_current = is_current
        self.wanted = wanted
        self.order = order

    @property
    def newest(self) -> int:
        """The highest generation that the disk knows."""
        return max(self.generation, self.prepared or 0)

    @property
    def is_playbook(self) -> bool:
        """Tells whether a playbook makes it, and no containers do."""
        return self.order.get("playbook") is not None

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """Returns its containers; what a playbook makes counts as one, by the name of its service."""
        playbook = self.order.get("playbook")
        if playbook is None:
            return list(self.order["containers"])
        part = {"name": self.order["service"], "is_job": False, "after": [], "unit": playbook["unit"]}
        return [{**part, "ports": [{**port, "target": port["published"]} for port in playbook["ports"]]}]

    def container(self, name: str) -> Optional[Mapping[str, Any]]:
        """Returns a container of the order, None where it has none of that name."""
        return next((each for each in self.containers if each["name"] == name), None)

    def is_done(self, container: str) -> bool:
        """Returns whether a job of this generation has ended well."""
        return os.path.exists(done_file(self.id, self.generation, container))


def unit_of(id: str, container: Mapping[str, Any]) -> Optional[str]:
    """Returns the unit of a container; None for what a playbook makes without one."""
    return container["unit"] if "unit" in container else paths.unit_name(id, container["name"])


def read_json(path: str) -> Any:
    """Returns what a file says, None where there is none or it is no JSON."""
    try:
        with open(path, "rb") as file:
            return json.loads(file.read().decode())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def list_ids() -> list[str]:
    """Returns the ids of all instances on this host, at most `MAX_INSTANCES`."""
    try:
        names = os.listdir(paths.ETC)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if ID.fullmatch(name))[:MAX_INSTANCES]


def read_instances() -> list[Instance]:
    """Returns all instances that a generation is prepared or in force of."""
    each = [read_instance(id) for id in list_ids()]
    return [instance for instance in each if instance is not None]


def read_instance(id: str) -> Optional[Instance]:
    """Returns an instance, None where this host has no whole generation of it."""
    if not ID.fullmatch(id):
        return None
    state = read_json(os.path.join(paths.instance_folder(id), STATE_FILE)) or {}
    current = state.get("generation", 0)
    order = read_order(id, current) if current else None
    newer = [generation for generation in list_generations(id) if generation > current]
    prepared = newer[-1] if newer else None
    if order is not None:
        return Instance(id, current, prepared, True, state["wanted"], order)
    prepared_order = read_order(id, prepared) if prepared else None
    if prepared is None or prepared_order is None:
        return None
    return Instance(id, prepared, prepared, False, STOPPED, prepared_order)


def list_generations(id: str) -> list[int]:
    """Returns the generations of an instance that are whole on the disk, the oldest first."""
    try:
        names = os.listdir(paths.instance_folder(id))
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if GENERATION.fullmatch(name))


def read_order(id: str, generation: int) -> Optional[Order]:
    """Returns the order of a generation, None where it is not on the disk."""
    order: Optional[Order] = read_json(os.path.join(paths.generation_folder(id, generation), INSTANCE_FILE))
    return order


def done_file(id: str, generation: int, container: str) -> str:
    return os.path.join(paths.generation_folder(id, generation), "done", container)
