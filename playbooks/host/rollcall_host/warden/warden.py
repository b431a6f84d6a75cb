"""The warden: keeps the watched instances as the disk says, looks at their units, and writes the report."""

from __future__ import annotations

import os
import sys
from typing import Optional

from ..services import paths
from . import processes, report
from .loop import Loop, Timer
from .notify import notify
from .programs import Ended, Job, ProgramQueue
from .records import Records
from .units import WITHOUT_UNIT, parse_shown, show_command
from .watched import MAX_LOOK_SECONDS, ContainerRun, Surroundings, Watched

# Each time that the process wakes up costs more than what it does then: all that is due is done by the same tick.
TICK_SECONDS = 1.0
# However little happens, a report is this old at most.
MAX_REPORT_AGE_SECONDS = 20.0
# Changes that follow each other closely are one report.
REPORT_PAUSE_SECONDS = 0.2
# How long after the end of a process systemd is asked what it makes of it.
EXIT_PAUSE_SECONDS = 0.1
# All units are looked at from time to time, should a change have been missed.
SWEEP_SECONDS = 120.0
SHOW_TIMEOUT_SECONDS = 20.0
MAX_UNITS_SHOWN = 64
MAX_SHOWN_BYTES = 256 * 1024
WATCHDOG_SECONDS = 5.0


class Warden:
    """Watches all instances of the host."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._records = Records()
        self._watched: dict[str, Watched] = {}
        self._looks = ProgramQueue(loop)
        self._commands = ProgramQueue(loop)
        self._around = Surroundings(
            loop, self._commands, processes.units_folder(), self._on_change, self._on_process_end
        )
        self._is_looking = False
        self._logged_faults: dict[str, str] = {}
        self._report_timer: Optional[Timer] = None
        self._swept_at = self._alive_at = float("-inf")
        boot = processes.boot_id()
        os.makedirs(os.path.dirname(paths.WARDEN_REPORT), mode=0o700, exist_ok=True)
        self._previous = report.read_previous(paths.WARDEN_REPORT, boot)
        self._writer = report.ReportWriter(paths.WARDEN_REPORT, boot)

    def tick(self) -> None:
        """Looks at what has changed. Called each second."""
        for id in self._records.refresh():
            self._renew(id)
        self._log_faults()
        self._previous = {}
        now = self._loop.now()
        is_sweep = now - self._swept_at >= SWEEP_SECONDS
        for run in self._runs():
            run.look_for_change()
            if is_sweep:
                run.mark_stale()
        if is_sweep:
            self._swept_at = now
        self._look()
        for watched in self._watched.values():
            for check in watched.checks:
                check.look(now + TICK_SECONDS / 2)
        if now - self._writer.written_at >= MAX_REPORT_AGE_SECONDS and not self._is_looking:
            self._write()
        if now - self._alive_at >= WATCHDOG_SECONDS:
            self._alive_at = now
            notify("WATCHDOG=1")
        self._loop.call_after(TICK_SECONDS, self.tick)

    def close(self) -> None:
        self._looks.close()
        self._commands.close()

    def _runs(self) -> list[ContainerRun]:
        return [run for watched in self._watched.values() for run in watched.containers]

    def _renew(self, id: str) -> None:
        """Watches an instance as its files say now, which may be another generation or none."""
        former = self._watched.pop(id, None)
        row = self._previous.get(id) if former is None else former.to_row()
        if former is not None:
            former.close()
        record = self._records.by_id.get(id)
        if record is not None:
            watched = self._watched[id] = Watched(self._around, record, row)
            if not all(run.unit_name for run in watched.containers):
                watched.take(WITHOUT_UNIT)
        self._on_change()

    def _log_faults(self) -> None:
        for id, fault in self._records.faults.items():
            if self._logged_faults.get(id) != fault:
                print("<4>instance %s is passed over: %r" % (id, fault), file=sys.stderr, flush=True)
        self._logged_faults = dict(self._records.faults)

    def _look(self) -> None:
        """Asks systemd for the units that may have changed, all in one call."""
        now = self._loop.now()
        stale = [run for run in self._runs() if run.unit_name and run.is_stale and run.look_at <= now]
        stale = stale[:MAX_UNITS_SHOWN]
        if self._is_looking or not stale:
            return
        self._is_looking = True
        for run in stale:
            # Unless systemd says something of it before.
            run.look_at = now + MAX_LOOK_SECONDS
        argv = show_command([run.unit_name for run in stale])
        self._looks.put(Job(argv, SHOW_TIMEOUT_SECONDS, MAX_SHOWN_BYTES, MAX_SHOWN_BYTES, self._on_shown))

    def _on_process_end(self) -> None:
        # systemd learns of it in the same moment, and needs another one.
        self._loop.call_after(EXIT_PAUSE_SECONDS, self._look)

    def _on_shown(self, ended: Ended) -> None:
        self._is_looking = False
        if ended.exit_code != 0 or ended.fault is not None:
            why = ended.fault or ended.output[:300].decode("utf-8", "replace")
            print("<4>systemctl show failed: %r" % why, file=sys.stderr, flush=True)
            return
        units = parse_shown(ended.output.decode("utf-8", "replace"))
        for watched in self._watched.values():
            if any(run.unit_name in units for run in watched.containers):
                watched.take(units)
                for check in watched.checks:
                    check.look(self._loop.now())
        self._look()

    def _on_change(self) -> None:
        if self._report_timer is None:
            self._report_timer = self._loop.call_after(REPORT_PAUSE_SECONDS, self._write)

    def _write(self) -> None:
        if self._report_timer is not None:
            self._report_timer.cancel()
            self._report_timer = None
        if any(run.unit is None for run in self._runs()) and self._is_looking:
            # What is not known yet is no news.
            return
        try:
            self._writer.write([watched.to_row() for watched in self._watched.values()])
        except OSError as error:
            print("<3>the report is not written: %s" % error, file=sys.stderr, flush=True)
