"""The units of containers as systemd has them, read by `systemctl show` when something has changed."""

from __future__ import annotations

from typing import Optional

from ..services import states

PROPERTIES = (
    "Id", *states.PROPERTIES, "ExecMainCode", "ExecMainExitTimestampMonotonic", "ExecMainStartTimestampMonotonic",
)
CLD_EXITED = "1"
# What `states` reads of a unit.
KEPT = ("ActiveState", "SubState", "Job", "Result")


class Unit:
    """A container's unit. `started` is its main process's start in seconds of the monotonic clock, 0 for never."""

    __slots__ = ("shown", "main_pid", "restarts", "exit_code", "last_exit_code", "started")

    def __init__(self, shown: dict[str, str]) -> None:
        self.shown = {name: shown.get(name, "") for name in KEPT}
        self.main_pid = to_int(shown.get("MainPID"))
        self.restarts = to_int(shown.get("NRestarts"))
        self.started = to_int(shown.get("ExecMainStartTimestampMonotonic")) / 1e6
        has_ended = to_int(shown.get("ExecMainExitTimestampMonotonic")) > 0 and self.main_pid == 0
        status = to_int(shown.get("ExecMainStatus"))
        is_exit = has_ended and shown.get("ExecMainCode") == CLD_EXITED
        self.exit_code = status if is_exit and status <= 255 else None
        # Of the end before the present life, too, as far as it was seen.
        self.last_exit_code = self.exit_code

    @property
    def is_up(self) -> bool:
        return self.shown["ActiveState"] in ("active", "reloading")

    @property
    def is_changing(self) -> bool:
        """Tells whether it will change by itself, of which no process tells."""
        return self.shown["ActiveState"] in ("activating", "deactivating", "reloading")


def to_int(text: Optional[str]) -> int:
    return int(text) if text is not None and text.isdigit() else 0


def show_command(units: list[str]) -> list[str]:
    return ["systemctl", "show", "--property=" + ",".join(PROPERTIES), "--", *units]


def parse_shown(text: str) -> dict[str, Unit]:
    """Returns the units in the output of `systemctl show`, by name: paragraphs of NAME=VALUE."""
    units: dict[str, Unit] = {}
    for paragraph in text.split("\n\n"):
        shown = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if "Id" in shown:
            units[shown["Id"]] = Unit(shown)
    return units


# By the name that stands for no unit: it is there once its playbook has made it.
WITHOUT_UNIT = {"": Unit(dict(states.WITHOUT_UNIT))}
