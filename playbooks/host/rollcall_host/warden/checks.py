"""Decides what a check's results mean: thresholds, start period and pace. Nothing here looks at anything."""

from __future__ import annotations

from typing import Any, Mapping, Optional

STARTING, SUCCESS, FAILED = "starting", "success", "failed"
KINDS = ("http", "tcp", "database", "command", "process", "resources")
DATABASES = ("postgres", "mysql", "redis")
# Bounds of a check's times in seconds, so that no order can keep a processor busy.
MIN_INTERVAL, MAX_INTERVAL = 1.0, 86_400.0
MIN_TIMEOUT, MAX_TIMEOUT = 0.1, 600.0
# Until it has passed, a check is made more often, so that a start is seen soon. A command costs a process each time.
START_INTERVAL = 1.0
COMMAND_START_INTERVAL = 5.0
# Each interval is up to this share shorter or longer, so that checks of many hosts do not fall together.
JITTER = 0.1


class InvalidCheck(Exception):
    """A check that cannot be made. The message names the field."""


class Check:
    """A health check of a container. Times are in seconds."""

    __slots__ = (
        "container", "kind", "probe", "is_critical", "interval", "timeout", "fails", "passes", "start_period",
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.container: str = data["container"]
        self.probe: Mapping[str, Any] = data["probe"]
        self.kind: str = self.probe["kind"]
        validate_probe(self.kind, self.probe)
        self.is_critical = data["is_critical"] is not False
        self.interval: float = min(max(data["interval_ms"] / 1000, MIN_INTERVAL), MAX_INTERVAL)
        self.timeout: float = min(max(data["timeout_ms"] / 1000, MIN_TIMEOUT), MAX_TIMEOUT)
        self.fails = max(1, int(data["fails"]))
        self.passes = max(1, int(data["passes"]))
        self.start_period = max(0.0, data["start_period_ms"] / 1000)


def validate_probe(kind: str, probe: Mapping[str, Any]) -> None:
    """Throws `InvalidCheck` if a probe lacks what its kind needs."""
    if kind not in KINDS:
        raise InvalidCheck("probe.kind must be one of %s" % ", ".join(KINDS))
    if kind in ("http", "tcp", "database") and not 1 <= int(probe["port"]) <= 65_535:
        raise InvalidCheck("probe.port must be from 1 to 65535")
    if kind == "http" and not probe["path"].startswith("/"):
        raise InvalidCheck("probe.path must begin with /")
    if kind == "database" and probe["database"] not in DATABASES:
        raise InvalidCheck("probe.database must be one of %s" % ", ".join(DATABASES))
    if kind == "command" and (not probe["argv"] or not all(isinstance(word, str) for word in probe["argv"])):
        raise InvalidCheck("probe.argv must be a list of texts")
    if kind == "process" and not isinstance(probe["name"], str):
        raise InvalidCheck("probe.name must be a text")


class Standing:
    """How a check stands: its state, results in a row, and since when state and detail are these."""

    __slots__ = ("state", "fails", "passes", "detail", "at_ms")

    def __init__(
        self, state: str = STARTING, fails: int = 0, passes: int = 0, detail: Optional[str] = None, at_ms: int = 0
    ) -> None:
        self.state = state
        self.fails = fails
        self.passes = passes
        self.detail = detail
        self.at_ms = at_ms


def advance(
    standing: Standing, check: Check, has_passed: bool, detail: Optional[str], running_seconds: float, now_ms: int
) -> Standing:
    """Returns how a check stands after a result. Failures of a start do not count while its period lasts."""
    is_start = standing.state == STARTING and running_seconds < check.start_period
    fails = 0 if has_passed or is_start else standing.fails + 1
    passes = standing.passes + 1 if has_passed else 0
    state = next_state(standing.state, check, fails, passes)
    # A result that does not change the state yet, against which it is, is not told.
    is_told = state != standing.state or state == STARTING or (state == SUCCESS) == has_passed
    told = detail if is_told else standing.detail
    is_same = (state, told) == (standing.state, standing.detail)
    return Standing(state, fails, passes, told, standing.at_ms if is_same else now_ms)


def next_state(state: str, check: Check, fails: int, passes: int) -> str:
    if state != SUCCESS and passes >= check.passes:
        return SUCCESS
    if state != FAILED and fails >= check.fails:
        return FAILED
    return state


def next_interval(check: Check, standing: Standing, chance: float) -> float:
    """Returns the seconds until the next look; `chance` is from 0 to 1."""
    if standing.state == STARTING:
        return min(check.interval, COMMAND_START_INTERVAL if check.kind == "command" else START_INTERVAL)
    return check.interval * (1 + JITTER * (2 * chance - 1))
