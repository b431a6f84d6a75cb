"""Where things are on the host. The variables are for tests."""

from __future__ import annotations

import os

STATE = os.environ.get("ROLLCALL_UPGRADE_STATE", "/var/lib/rollcall-upgrade")
PROGRAM = os.environ.get("ROLLCALL_UPGRADE_PROGRAM", "/opt/rollcall-agent")
ETC = os.environ.get("ROLLCALL_UPGRADE_ETC", "/etc/rollcall-agent")
UNITS = os.environ.get("ROLLCALL_UPGRADE_UNITS", "/etc/systemd/system")
PROC = "/proc"

AGENT = "rollcall-agent.service"
GUARD = "rollcall-upgrade-guard.service"
# The part of the agent's unit that says who may reach its port, where the server says so.
CALLERS = os.path.join(AGENT + ".d", "rollcall-callers.conf")
# This package, as a zip archive, for the server and for a boot. Servers of earlier releases call it by this name.
SAVED_PROGRAM = "agent_switch.py"


def in_state(*names: str) -> str:
    return os.path.join(STATE, *names)


def in_units(*names: str) -> str:
    return os.path.join(UNITS, *names)


def release_folder(release: str) -> str:
    return os.path.join(PROGRAM, "releases", release)
