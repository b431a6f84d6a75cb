"""Reads what the disk says of this host's instances, and keeps of it what looking at them needs.

A record that cannot be used is told and passed over: the others are looked at all the same.
"""

from __future__ import annotations

import os
import re
from typing import Any, Mapping, Optional

from ..services import instances, paths
from .checks import Check, InvalidCheck

MAX_PARTS = 32
CONTAINER = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
REVISION = re.compile("[0-9a-f]{64}")

# What changes when an instance's files do: the time and number of each.
Stamp = tuple[Optional[tuple[int, int]], ...]


class InvalidRecord(Exception):
    """A record that cannot be used. The message names the field."""


class Container:
    """A container of an instance, as far as looking at it needs to know."""

    __slots__ = ("name", "unit", "is_on_host", "is_job", "tcp_ports", "max_memory_bytes", "max_cpus")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.name: str = data["name"]
        if not CONTAINER.fullmatch(self.name):
            raise InvalidRecord("the name of a container must match %s" % CONTAINER.pattern)
        # What a playbook makes runs on the host itself, by a unit of its own or none.
        self.is_on_host = "unit" in data
        self.unit: Optional[str] = data.get("unit")
        self.is_job = data["is_job"] is True
        # Published ports by those of the container.
        self.tcp_ports = {
            int(port["target"]): int(port["published"])
            for port in data.get("ports", [])
            if port["protocol"] == "tcp" and port["host_ip"] in (None, "0.0.0.0", "127.0.0.1")
        }
        resources = data.get("resources") or {}
        self.max_memory_bytes: Optional[int] = resources.get("max_memory_bytes")
        self.max_cpus: Optional[float] = resources.get("max_cpus")


class Record:
    """An instance as it is meant to be. Its order is kept in part only: it may be long."""

    __slots__ = ("instance", "id", "generation", "revision", "containers", "checks")

    def __init__(self, instance: instances.Instance) -> None:
        order = instance.order
        self.id = instance.id
        self.generation = instance.generation
        self.revision: str = order["revision"]
        if not REVISION.fullmatch(self.revision):
            raise InvalidRecord("revision must match %s" % REVISION.pattern)
        parts = instance.containers
        if not parts or max(len(parts), len(order["checks"])) > MAX_PARTS:
            raise InvalidRecord("there must be 1 to %d containers, and at most as many checks" % MAX_PARTS)
        self.containers = [Container(each) for each in parts]
        names = {container.name for container in self.containers}
        self.checks = [Check(each) for each in order["checks"]]
        if not names.issuperset(check.container for check in self.checks):
            raise InvalidRecord("each check must name a container of its instance")
        kept = {"containers": [{"name": each.name, "is_job": each.is_job} for each in self.containers]}
        self.instance = instances.Instance(
            instance.id, instance.generation, instance.prepared, instance.is_current, instance.wanted, kept
        )

    @property
    def is_wanted(self) -> bool:
        """Tells whether its containers are meant to run."""
        return self.instance.is_current and self.instance.wanted == instances.RUNNING


class Records:
    """The records of all instances, read again where a file has changed: a look costs two stat(2) for each instance."""

    def __init__(self) -> None:
        self.by_id: dict[str, Record] = {}
        # Instances whose files cannot be used, with why.
        self.faults: dict[str, str] = {}
        self._stamps: dict[str, Stamp] = {}

    def refresh(self) -> set[str]:
        """Returns the ids of instances that were added, changed or removed since the last look."""
        try:
            ids = instances.list_ids()
        except OSError:
            ids = []
        changed = {id for id in ids if self._refresh_one(id)}
        for id in set(self._stamps).difference(ids):
            del self._stamps[id]
            self._put(id, None)
            changed.add(id)
        return changed

    def _refresh_one(self, id: str) -> bool:
        folder = paths.instance_folder(id)
        stamp = (to_stamp(folder), to_stamp(os.path.join(folder, instances.STATE_FILE)))
        if self._stamps.get(id) == stamp:
            return False
        self._stamps[id] = stamp
        self.faults.pop(id, None)
        try:
            instance = instances.read_instance(id)
            if instance is None and stamp[1] is not None:
                raise InvalidRecord("its state names no order that can be read")
            self._put(id, None if instance is None else Record(instance))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, InvalidRecord, InvalidCheck) as error:
            # What ran by its last good record still runs, and is looked at by it.
            self.faults[id] = "%s: %s" % (type(error).__name__, error)
        return True

    def _put(self, id: str, record: Optional[Record]) -> None:
        if record is None:
            self.by_id.pop(id, None)
            self.faults.pop(id, None)
        else:
            self.by_id[id] = record


def to_stamp(path: str) -> Optional[tuple[int, int]]:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns
