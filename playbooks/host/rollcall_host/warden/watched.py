"""One instance under watch: its containers' units, its checks and what follows from them."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Optional

from ..services import paths
from . import report
from .checks import Check, Standing, advance, next_interval
from .exchange import Outcome
from .health import Part, Verdict, judge, to_part
from .loop import ExitWatch, Loop, Timer
from .probes import Prober, Target
from .programs import ProgramQueue
from .records import Container, Record
from .units import Unit

# How soon a unit that is changing is looked at again: at first, and at most.
FIRST_LOOK_SECONDS = 0.5
MAX_LOOK_SECONDS = 5.0
RANDOM_BYTE_MAX = 255.0

Row = Mapping[str, Any]


class Surroundings:
    """What every watched instance works with. `on_change` is called when a report would be another one."""

    __slots__ = ("loop", "commands", "units_folder", "on_change", "on_process_end")

    def __init__(
        self,
        loop: Loop,
        commands: ProgramQueue,
        units_folder: Optional[str],
        on_change: Callable[[], None],
        on_process_end: Callable[[], None],
    ) -> None:
        self.loop = loop
        self.commands = commands
        self.units_folder = units_folder
        self.on_change = on_change
        self.on_process_end = on_process_end


class CheckRun:
    """A check of a container that runs, made again and again until it is closed."""

    def __init__(self, around: Surroundings, check: Check, standing: Standing, on_outcome: Callable[[], None]) -> None:
        self.check = check
        self.standing = standing
        self._around = around
        self._on_outcome = on_outcome
        self._prober: Optional[Prober] = None
        self._due: Optional[float] = None
        self._started = 0.0

    def start(self, target: Target, started: float, standing: Standing) -> None:
        self.close()
        self.standing = standing
        self._started = started
        self._prober = Prober(self._around.loop, self._around.commands, self.check, target)
        self._due = self._around.loop.now()

    def close(self) -> None:
        self._due = None
        if self._prober is not None:
            self._prober.close()
            self._prober = None

    def look(self, until: float) -> None:
        """Makes the check if it is due by then. It is not while it runs."""
        prober = self._prober
        if prober is not None and self._due is not None and self._due <= until:
            self._due = None
            prober.look(lambda outcome: self._take(outcome) if self._prober is prober else None)

    def _take(self, outcome: Optional[Outcome]) -> None:
        loop = self._around.loop
        before = self.standing
        if outcome is not None:
            running = loop.now() - self._started
            self.standing = advance(
                before, self.check, outcome.has_passed, outcome.detail, running, report.now_ms()
            )
        chance = os.urandom(1)[0] / RANDOM_BYTE_MAX
        self._due = loop.now() + next_interval(self.check, self.standing, chance)
        # A pass of one that stands firm changes nothing, which is most of what happens.
        is_same = (before.state, before.at_ms) == (self.standing.state, self.standing.at_ms)
        if not is_same or (before.passes > 0) != (self.standing.passes > 0):
            self._on_outcome()

    def to_row(self) -> Row:
        standing = self.standing
        return {
            "container": self.check.container, "kind": self.check.kind, "state": standing.state,
            "detail": standing.detail, "at_ms": standing.at_ms,
        }


class ContainerRun:
    """A container's unit, with the process that stands for it while it runs."""

    def __init__(self, around: Surroundings, instance: str, container: Container) -> None:
        self.container = container
        # Empty for what a playbook makes without a unit.
        self.unit_name = (container.unit or "") if container.is_on_host else paths.unit_name(instance, container.name)
        self.name = paths.container_name(instance, container.name)
        self.unit: Optional[Unit] = None
        self.target: Optional[Target] = None
        # It has to be looked at, from `look_at` on.
        self.is_stale = True
        self.look_at = 0.0
        self.started_at_ms: Optional[int] = None
        self._around = around
        self._exit: Optional[ExitWatch] = None
        self._pause = FIRST_LOOK_SECONDS
        has_group = around.units_folder is not None and self.unit_name != ""
        self._group = os.path.join(around.units_folder or "", self.unit_name) if has_group else None
        self._group_number = self._read_group_number()

    @property
    def running_seconds(self) -> float:
        unit = self.unit
        return max(0.0, self._around.loop.now() - unit.started) if unit is not None and unit.is_up else 0.0

    def take(self, unit: Unit) -> bool:
        """Takes what systemd says. Returns whether another process stands for it than before."""
        before, self.unit = self.unit, unit
        if unit.last_exit_code is None and before is not None:
            unit.last_exit_code = before.last_exit_code
        now = self._around.loop.now()
        self.is_stale = unit.is_changing
        self._pause = min(2 * self._pause, MAX_LOOK_SECONDS) if unit.is_changing else FIRST_LOOK_SECONDS
        self.look_at = now + self._pause
        if unit.started > 0 and (before is None or before.started != unit.started):
            self.started_at_ms = report.now_ms() - int(1000 * (now - unit.started))
        if unit.is_up and (unit.main_pid > 0 or self.container.is_on_host):
            return self._watch_process(unit.main_pid, before is None or before.started != unit.started)
        self._unwatch_process()
        return False

    def _watch_process(self, pid: int, is_new: bool) -> bool:
        if self.target is not None and self.target.main_pid == pid and not is_new:
            return False
        self._unwatch_process()
        self.target = Target(self.name, self.container, pid, self._group)
        if pid > 0:
            self._exit = self._around.loop.watch_exit(pid, self._on_process_end)
        return True

    def _on_process_end(self) -> None:
        # The unit is what it was until systemd says so. Should it name the same process once more, it is asked again.
        self._unwatch_process()
        self.mark_stale()
        self._around.on_process_end()

    def _unwatch_process(self) -> None:
        self.target = None
        if self._exit is not None:
            self._around.loop.unwatch_exit(self._exit)
            self._exit = None

    def mark_stale(self) -> None:
        self.is_stale = True
        self.look_at = self._around.loop.now()

    def look_for_change(self) -> None:
        """Notices at the cost of a stat(2) that systemd has started or ended something in the unit."""
        number = self._read_group_number()
        if number != self._group_number:
            self._group_number = number
            self._pause = FIRST_LOOK_SECONDS
            self.mark_stale()

    def _read_group_number(self) -> int:
        try:
            return 0 if self._group is None else os.stat(self._group).st_ino
        except OSError:
            return 0

    def close(self) -> None:
        self._unwatch_process()

    def to_row(self, state: str) -> Row:
        unit = self.unit
        return {
            "name": self.container.name,
            "state": state,
            "restarts": 0 if unit is None else unit.restarts,
            "exit_code": None if unit is None else unit.exit_code,
            "started_at_ms": self.started_at_ms,
            "pid": None if self.target is None else self.target.find_pid(),
        }


class Watched:
    """An instance under watch. `previous` is what an earlier warden reported of it."""

    def __init__(self, around: Surroundings, record: Record, previous: Optional[Row]) -> None:
        self.record = record
        self._around = around
        self._previous = previous if previous is not None and previous.get("generation") == record.generation else None
        self._changed_at = around.loop.now()
        self._timer: Optional[Timer] = None
        self._parts: list[Part] = []
        self.verdict = Verdict("prepared", "unknown")
        self.since_ms = report.now_ms()
        if self._previous is not None:
            self.verdict = Verdict(self._previous["state"], self._previous["health"], self._previous["reason"])
            self.since_ms = self._previous["since_ms"]
        self.containers = [ContainerRun(around, record.id, container) for container in record.containers]
        self.checks = [CheckRun(around, check, Standing(at_ms=self.since_ms), self.judge) for check in record.checks]

    def take(self, units: Mapping[str, Unit]) -> None:
        """Takes what systemd says of its units."""
        for run in self.containers:
            unit = units.get(run.unit_name)
            if unit is not None:
                is_new = run.take(unit)
                self._start_checks(run, is_new)
        self._previous = None
        self.judge()

    def _start_checks(self, run: ContainerRun, is_new: bool) -> None:
        for index, check in enumerate(self.checks):
            if check.check.container != run.container.name:
                continue
            if run.target is None or not self.record.is_wanted:
                check.close()
            elif is_new:
                standing = self._known_standing(run, index) or Standing(at_ms=report.now_ms())
                check.start(run.target, run.unit.started if run.unit is not None else 0.0, standing)

    def _known_standing(self, run: ContainerRun, index: int) -> Optional[Standing]:
        """Returns how a check stood by an earlier warden, if its container is still the same process."""
        row = report.previous_container(self._previous, run.container.name)
        pid = None if run.target is None else run.target.find_pid()
        if self._previous is None or row is None or pid is None or row.get("pid") != pid:
            return None
        rows = self._previous["checks"]
        if index >= len(rows) or rows[index]["kind"] != self.checks[index].check.kind:
            return None
        return Standing(rows[index]["state"], 0, 0, rows[index]["detail"], rows[index]["at_ms"])

    def judge(self) -> None:
        """Decides anew on its state and health, and again when time alone may change them."""
        now = self._around.loop.now()
        self._parts = [
            to_part(self.record, run.container, run.unit, run.running_seconds, now - self._changed_at)
            for run in self.containers
        ]
        before = self.verdict
        pairs = [(run.check, run.standing) for run in self.checks]
        self.verdict = judge(self.record, self._parts, pairs, before.health)
        if (before.state, before.health) != (self.verdict.state, self.verdict.health):
            self.since_ms = report.now_ms()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.verdict.again_after is not None:
            self._timer = self._around.loop.call_after(self.verdict.again_after, self.judge)
        self._around.on_change()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for check in self.checks:
            check.close()
        for run in self.containers:
            run.close()

    def to_row(self) -> Row:
        return {
            "instance": self.record.id,
            "generation": self.record.generation,
            "revision": self.record.revision,
            "state": self.verdict.state,
            "health": self.verdict.health,
            "since_ms": self.since_ms,
            "reason": self.verdict.reason,
            "containers": [run.to_row(part.state) for run, part in zip(self.containers, self._parts)],
            "checks": [run.to_row() for run in self.checks],
        }
