"""Decides an instance's state and health from its containers and checks. Nothing here looks at anything."""

from __future__ import annotations

from typing import Optional

from ..services import states
from .checks import FAILED, STARTING, Check, Standing
from .records import Container, Record
from .text import MAX_REASON, plain
from .units import Unit

# How long a container without a critical check has to run before it counts as healthy: most faults end it at once.
SETTLE_SECONDS = 2.0
# The same after it was started again.
SETTLE_AFTER_RESTART_SECONDS = 10.0
# How long a unit that is to run may not be started yet after its instance's files have changed.
START_GRACE_SECONDS = 10.0
DOWN = ("failed", "stopped", "stopping")
MAX_REASONS = 3

Pair = tuple[Check, Standing]


class Part:
    """A container with what is known of it. `running_seconds` is 0 where it does not run."""

    __slots__ = ("container", "unit", "state", "running_seconds")

    def __init__(self, container: Container, unit: Optional[Unit], state: str, running_seconds: float) -> None:
        self.container = container
        self.unit = unit
        self.state = state
        self.running_seconds = running_seconds


class Verdict:
    """An instance's state and health. `again_after` is when time alone may change them, in seconds; None for never."""

    __slots__ = ("state", "health", "reason", "again_after")

    def __init__(
        self, state: str, health: str, reason: Optional[str] = None, again_after: Optional[float] = None
    ) -> None:
        self.state = state
        self.health = health
        self.reason = None if reason is None else plain(reason, MAX_REASON)
        self.again_after = again_after


def to_part(
    record: Record, container: Container, unit: Optional[Unit], running_seconds: float, changed_seconds: float
) -> Part:
    """Returns a container with its state; `changed_seconds` is how long ago its instance's files changed."""
    named = {"name": container.name, "is_job": container.is_job}
    state = states.container_state(record.instance, named, None if unit is None else unit.shown)
    is_early = record.is_wanted and changed_seconds < START_GRACE_SECONDS
    if state == "stopped" and (unit is None or is_early):
        state = "starting" if record.is_wanted else state
    return Part(container, unit, state, running_seconds)


def judge(record: Record, parts: list[Part], checks: list[Pair], previous: str) -> Verdict:
    """Returns an instance's state and health; `previous` is its health by the last look."""
    state = states.instance_state(record.instance, {part.container.name: part.state for part in parts})
    if not record.is_wanted:
        return Verdict(state, "unknown")
    if state == "finished":
        return Verdict(state, "success")
    down = [part for part in parts if part.state in DOWN or is_started_again(part)]
    if down:
        return Verdict(state, "failed", "; ".join(why_down(part) for part in down[:MAX_REASONS]))
    return judge_running(state, parts, checks, previous)


def is_started_again(part: Part) -> bool:
    """Tells whether a container has died and does not run yet."""
    return part.state == "starting" and part.unit is not None and part.unit.restarts > 0


def judge_running(state: str, parts: list[Part], checks: list[Pair], previous: str) -> Verdict:
    critical = [pair for pair in checks if pair[0].is_critical]
    failed = [pair for pair in critical if pair[1].state == FAILED]
    if failed:
        is_back = all(standing.passes > 0 for _, standing in failed)
        return Verdict(state, "recovering" if is_back else "failed", why_failed(failed))
    starting = [pair for pair in critical if pair[1].state == STARTING]
    unsettled = seconds_to_settle(parts, {check.container for check, _ in critical})
    if state == "starting" or starting or unsettled > 0:
        told = [pair for pair in starting if pair[1].detail is not None and pair[1].passes == 0]
        health = "unknown" if previous == "unknown" and not has_restarted(parts) else "recovering"
        grace = START_GRACE_SECONDS if state == "starting" else None
        return Verdict(state, health, why_failed(told), unsettled or grace)
    minor = [pair for pair in checks if not pair[0].is_critical and pair[1].state == FAILED]
    return Verdict(state, "partial" if minor else "success", why_failed(minor))


def has_restarted(parts: list[Part]) -> bool:
    return any(part.unit is not None and part.unit.restarts > 0 for part in parts)


def seconds_to_settle(parts: list[Part], checked: set[str]) -> float:
    """Returns how long the containers that no critical check looks at have to run on before they count as healthy."""
    left = 0.0
    for part in parts:
        if part.state != "running" or part.container.is_job or part.container.name in checked:
            continue
        is_again = part.unit is not None and part.unit.restarts > 0
        needed = SETTLE_AFTER_RESTART_SECONDS if is_again else SETTLE_SECONDS
        left = max(left, needed - part.running_seconds)
    return left


def why_down(part: Part) -> str:
    name, unit = part.container.name, part.unit
    if unit is None:
        return "%s does not run" % name
    if part.state in ("stopped", "stopping"):
        return "%s: its unit was stopped" % name
    how = "has ended" if unit.last_exit_code is None else "ended with %d" % unit.last_exit_code
    result = unit.shown["Result"]
    why = " (%s)" % result if result not in ("", "success", "exit-code") else ""
    times = "once" if unit.restarts == 1 else "%d times" % unit.restarts
    again = "" if unit.restarts == 0 else ", restarted " + times
    return "%s: %s%s%s" % (name, how, why, again)


def why_failed(checks: list[Pair]) -> Optional[str]:
    """Returns the reasons of failed checks, some of many; None if there are none."""
    reasons = [describe(check, standing.detail or "failed") for check, standing in checks[:MAX_REASONS]]
    if len(checks) > MAX_REASONS:
        reasons.append("and %d more" % (len(checks) - MAX_REASONS))
    return "; ".join(reasons) or None


def describe(check: Check, detail: str) -> str:
    if check.kind == "http":
        verb = " answered " if detail.isdigit() else ": "
        return "%s: GET %s%s%s" % (check.container, check.probe["path"], verb, detail)
    if check.kind == "tcp":
        return "%s: port %s: %s" % (check.container, check.probe["port"], detail)
    if check.kind == "database":
        return "%s: %s: %s" % (check.container, check.probe["database"], detail)
    return "%s: %s" % (check.container, detail)
