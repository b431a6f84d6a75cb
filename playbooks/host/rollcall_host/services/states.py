"""What systemd's words for the units of an instance mean, as pure functions for `report` and the warden."""

from __future__ import annotations

from typing import Mapping, Optional

from .instances import RUNNING, Instance

# The properties of a unit that these functions read, as `systemctl show` names them.
PROPERTIES = (
    "ActiveState", "SubState", "Job", "Result", "NRestarts", "MainPID", "ExecMainStatus", "ExecMainStartTimestamp",
)
NO_JOB = ("", "0")
# What a playbook makes without a unit is there once it was made.
WITHOUT_UNIT = {"ActiveState": "active"}

Unit = Mapping[str, str]


def find_shown(unit: Optional[str], shown: Mapping[str, Unit]) -> Unit:
    """Returns what systemd says of a unit; nothing of one that it does not know."""
    return WITHOUT_UNIT if unit is None else shown.get(unit, {})


def container_state(instance: Instance, container: Mapping[str, object], unit: Optional[Unit]) -> str:
    """Returns starting, running, stopping, stopped, failed or finished."""
    if container["is_job"] and instance.is_done(str(container["name"])):
        return "finished"
    shown = unit or {}
    active = shown.get("ActiveState", "inactive")
    if active in ("active", "reloading"):
        return "running"
    if active == "deactivating":
        return "stopping"
    if active == "activating":
        # It has ended and waits to be started again.
        return "failed" if shown.get("SubState") == "auto-restart" else "starting"
    if instance.wanted == RUNNING and shown.get("Job", "") not in NO_JOB:
        # systemd starts it after the units that it comes after.
        return "starting"
    return "failed" if active == "failed" else "stopped"


def instance_state(instance: Instance, states: Mapping[str, str]) -> str:
    """Returns the state of an instance from those of its containers, by their names."""
    if not instance.is_current:
        return "prepared"
    found = set(states.values())
    if instance.wanted != RUNNING:
        return "stopping" if found & {"running", "starting", "stopping"} else "stopped"
    if found == {"finished"}:
        return "finished"
    for word in ("failed", "stopping", "starting"):
        if word in found:
            return word
    # A container whose unit is not there or was skipped does not run, though it is to.
    return "failed" if "stopped" in found else "running"
