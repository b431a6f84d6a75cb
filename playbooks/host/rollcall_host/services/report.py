"""All instances of this host, as a look shows them: the warden's report without its checks."""

from __future__ import annotations

import hashlib
import json
import os
import time
from datetime import datetime
from typing import Any, Mapping, Optional

from .. import files, systemd
from . import instances, states
from .instances import Instance

Unit = Mapping[str, str]


def report() -> dict[str, Any]:
    found = instances.read_instances()
    each_unit = [instances.unit_of(one.id, each) for one in found for each in one.containers]
    shown = systemd.show_all([unit for unit in each_unit if unit is not None], *states.PROPERTIES)
    described = [describe(one, shown) for one in found]
    return {
        "format": 1,
        "boot_id": files.read_line("/proc/sys/kernel/random/boot_id"),
        "at_ms": int(time.time() * 1000),
        "digest": hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest(),
        "instances": described,
    }


def describe(instance: Instance, shown: Mapping[str, Unit]) -> dict[str, Any]:
    each = {
        one["name"]: states.find_shown(instances.unit_of(instance.id, one), shown) for one in instance.containers
    }
    words = {one["name"]: states.container_state(instance, one, each[one["name"]]) for one in instance.containers}
    containers = [describe_container(name, words[name], each[name], instance.is_playbook) for name in each]
    return {
        "instance": instance.id,
        "generation": instance.generation,
        "revision": instance.order["revision"],
        "state": states.instance_state(instance, words),
        "health": "unknown",
        "since_ms": max((one["started_at_ms"] or 0 for one in containers), default=0),
        "reason": None,
        "containers": containers,
        "checks": [],
    }


def describe_container(name: str, state: str, unit: Unit, is_playbook: bool) -> dict[str, Any]:
    is_ended = state in ("failed", "finished", "stopped") and unit.get("ExecMainStatus", "").isdigit()
    return {
        "name": name,
        "state": state,
        "restarts": int(unit.get("NRestarts") or 0),
        "exit_code": int(unit["ExecMainStatus"]) if is_ended else None,
        "started_at_ms": parse_timestamp(unit.get("ExecMainStartTimestamp", "")),
        "pid": find_pid(unit.get("MainPID", "0"), is_playbook) if state == "running" else None,
    }


def parse_timestamp(text: str) -> Optional[int]:
    """Returns milliseconds since the epoch from a time as systemctl shows it: `Mon 2026-11-30 20:00:00 UTC`."""
    words = text.split()
    if len(words) != 4:
        return None
    return int(time.mktime(datetime.strptime(" ".join(words[1:3]), "%Y-%m-%d %H:%M:%S").timetuple()) * 1000)


def find_pid(main: str, is_playbook: bool) -> Optional[int]:
    """Returns the process that stands for a unit, by its main process: that itself where no monitor of podman is."""
    return (int(main) or None) if is_playbook else first_child(main)


def first_child(pid: str) -> Optional[int]:
    """Returns the first process of a container: the child of podman's monitor, which is the unit's main process."""
    try:
        with open(os.path.join("/proc", pid, "task", pid, "children"), encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        return None
    return int(children[0]) if children else None
