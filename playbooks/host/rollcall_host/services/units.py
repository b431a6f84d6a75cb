"""The units of an instance: one plain unit for each container, as text and on the disk.

Nothing of a server's order stands in them but ids, numbers and names of a fixed alphabet: the long argv of podman is
made by `run` from instance.json.
"""

from __future__ import annotations

import glob
import os
from typing import Any, Mapping, Sequence

from .. import files, systemd
from . import paths
from .podman_run import cpu_shares, grace_seconds

Order = Mapping[str, Any]
Container = Mapping[str, Any]

# How long a start may take, with the time that a container is held back after it has ended again and again.
START_SECONDS = 300
# How long `wait-for` waits for other containers of the instance.
AFTER_SECONDS = 15 * 60
STOP_MARGIN_SECONDS = 15
PYTHON = "/usr/bin/python3"

UNIT = """[Unit]
Description=Rollcall: %(name)s, container %(container)s
After=network.target network-online.target remote-fs.target %(after)s
RequiresMountsFor=/var/lib/containers %(etc)s %(zip)s
StartLimitIntervalSec=0

[Service]
%(kind)s
KillMode=mixed
Delegate=yes
TimeoutStartSec=%(start)s
TimeoutStopSec=%(stop)d
ExecCondition=%(program)s may-run %(words)s
ExecStartPre=%(program)s tidy %(words)s
%(steps)s
ExecStop=-%(podman)s stop --ignore --time %(grace)d %(podman_name)s
%(limits)s

[Install]
WantedBy=multi-user.target
"""
SERVICE = "Type=notify\nNotifyAccess=all\nRestart=always\nRestartSec=1"
# A job that has ended well stays active in this boot; in later ones `may-run` says that it is done.
JOB = "Type=oneshot\nRemainAfterExit=yes"


def unit_text(order: Order, container: Container, has_cgroups: bool, podman: str) -> str:
    """Returns the unit of a container. `podman` is the path of the program."""
    instance, name = order["instance"], container["name"]
    has_after = bool(container["after"])
    grace = grace_seconds(container)
    program = "%s -I %s service" % (PYTHON, paths.saved_program())
    words = "%s %s" % (instance, name)
    steps = ["ExecStartPre=%s wait-for %s" % (program, words)] if has_after else []
    steps.append("ExecStart=%s run %s" % (program, words))
    if container["is_job"]:
        steps.append("ExecStartPost=%s done %s" % (program, words))
        if not container["has_output"]:
            steps.append("StandardOutput=null\nStandardError=null")
    return UNIT % {
        "name": order["name"].replace("%", "%%"),
        "container": name,
        "after": " ".join(paths.unit_name(instance, each["container"]) for each in container["after"]),
        "kind": JOB if container["is_job"] else SERVICE,
        "start": "infinity" if container["is_job"] else START_SECONDS + (AFTER_SECONDS if has_after else 0),
        "stop": grace + STOP_MARGIN_SECONDS,
        "etc": paths.ETC,
        "zip": paths.PROGRAM,
        "program": program,
        "words": words,
        "steps": "\n".join(steps),
        "podman": podman,
        "grace": grace,
        "podman_name": paths.container_name(instance, name),
        "limits": "" if has_cgroups else limit_text(container["resources"]),
    }


def limit_text(resources: Mapping[str, Any]) -> str:
    """Returns limits as the unit's own, for hosts where podman may make no control groups."""
    lines = []
    if resources["max_cpus"]:
        lines.append("CPUQuota=%d%%" % max(1, round(resources["max_cpus"] * 100)))
    if resources["reserved_cpus"]:
        lines.append("CPUWeight=%d" % min(10_000, max(1, round(cpu_shares(resources["reserved_cpus"]) * 100 / 1024))))
    if resources["max_memory_bytes"]:
        lines.append("MemoryMax=%d" % resources["max_memory_bytes"])
    if resources["reserved_memory_bytes"]:
        lines.append("MemoryLow=%d" % resources["reserved_memory_bytes"])
    if resources["max_pids"] is not None:
        lines.append("TasksMax=%s" % ("infinity" if resources["max_pids"] <= 0 else resources["max_pids"]))
    return "\n".join(lines)


def names(order: Order) -> list[str]:
    return [paths.unit_name(order["instance"], container["name"]) for container in order["containers"]]


def written(instance: str) -> list[str]:
    """Returns the units of an instance that are on the disk, those of former generations included."""
    return sorted(os.path.basename(path) for path in glob.glob(paths.in_units(paths.unit_name(instance, "*"))))


def write(order: Order, has_cgroups: bool, podman: str) -> None:
    """Writes the units of an order and removes those that it has no container for."""
    wanted = dict(zip(names(order), order["containers"]))
    for unit, container in wanted.items():
        content = unit_text(order, container, has_cgroups, podman).encode()
        if files.read_file(paths.in_units(unit)) != content:
            files.write_file(paths.in_units(unit), content, 0o644)
    delete([unit for unit in written(order["instance"]) if unit not in wanted])
    systemd.systemctl("daemon-reload")
    systemd.systemctl("enable", *wanted)
    files.sync(paths.in_units("multi-user.target.wants"))


def delete(each: Sequence[str]) -> None:
    """Disables units and removes their files. They do not run any more."""
    if not each:
        return
    systemd.systemctl("disable", *each, check=False)
    for unit in each:
        files.remove_file(paths.in_units(unit))
    systemd.systemctl("daemon-reload")
    systemd.systemctl("reset-failed", *each, check=False)
