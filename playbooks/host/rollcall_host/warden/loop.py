"""The event loop: descriptors, timers and the ends of processes, in one thread."""

from __future__ import annotations

import heapq
import os
import selectors
import time
from typing import Callable, Optional

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# How often processes are looked at where the kernel does not tell of their end (Linux before 5.3).
POLL_SECONDS = 0.2
# Timers this close together are called at once: each time the process wakes up costs.
SLACK_SECONDS = 0.05

Action = Callable[[], None]


class Timer:
    """A call that is to come. `cancel` may be called at any time."""

    __slots__ = ("due", "number", "action")

    def __init__(self, due: float, number: int, action: Action) -> None:
        self.due = due
        self.number = number
        self.action: Optional[Action] = action

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self.number) < (other.due, other.number)

    def cancel(self) -> None:
        self.action = None


class ExitWatch:
    """Waits for the end of a process."""

    __slots__ = ("pid", "action", "handle", "timer")

    def __init__(self, pid: int, action: Action) -> None:
        self.pid = pid
        self.action = action
        self.handle = -1
        self.timer: Optional[Timer] = None


class Loop:
    """Calls actions when their descriptor is ready, their time has come or their process has ended."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._count = 0

    @staticmethod
    def now() -> float:
        """Returns seconds of a clock that is never set."""
        return time.monotonic()

    def call_after(self, seconds: float, action: Action) -> Timer:
        self._count += 1
        timer = Timer(self.now() + seconds, self._count, action)
        heapq.heappush(self._timers, timer)
        return timer

    def watch(self, handle: int, events: int, action: Action) -> None:
        """Has `action` called whenever the descriptor is ready for one of `events`, which replace earlier ones."""
        try:
            self._selector.modify(handle, events, action)
        except KeyError:
            self._selector.register(handle, events, action)

    def unwatch(self, handle: int) -> None:
        try:
            self._selector.unregister(handle)
        except KeyError:
            pass

    def watch_exit(self, pid: int, action: Action) -> ExitWatch:
        """Has `action` called once, when the process has ended, soon even where it already has."""
        watch = ExitWatch(pid, action)
        try:
            watch.handle = os.pidfd_open(pid)
        except (AttributeError, OSError):
            self._poll_exit(watch)
        else:
            self.watch(watch.handle, READ, lambda: self._on_exit(watch))
        return watch

    def unwatch_exit(self, watch: ExitWatch) -> None:
        if watch.timer is not None:
            watch.timer.cancel()
        if watch.handle >= 0:
            self.unwatch(watch.handle)
            os.close(watch.handle)
            watch.handle = -1

    def _on_exit(self, watch: ExitWatch) -> None:
        self.unwatch_exit(watch)
        watch.action()

    def _poll_exit(self, watch: ExitWatch) -> None:
        action = watch.action if has_ended(watch.pid) else lambda: self._poll_exit(watch)
        watch.timer = self.call_after(POLL_SECONDS, action)

    def run_once(self) -> None:
        """Waits for the next event or timer, and calls what is due."""
        while self._timers and self._timers[0].action is None:
            heapq.heappop(self._timers)
        wait = max(0.0, self._timers[0].due - self.now()) if self._timers else None
        for key, _ in self._selector.select(wait):
            # One action may have ended what another one was for.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        until = self.now() + SLACK_SECONDS
        due = []
        while self._timers and self._timers[0].due <= until:
            due.append(heapq.heappop(self._timers))
        # Only those: a timer that an action sets is called by the next round at the earliest.
        for timer in due:
            if timer.action is not None:
                timer.action()


def has_ended(pid: int) -> bool:
    """Tells whether a process is gone, or waits for its parent to notice its end."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read(1024).rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True
