"""The lock of installations: one at a time changes a host's tools or installs its agent."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from typing import Callable

from . import groups
from .host_error import HostError

PATH = "/run/rollcall-bootstrap.lock"
TAKE_OVER_SECONDS = 15
WAIT_SECONDS = 60
RETRY_SECONDS = 0.2


def is_same_file(handle: int, path: str) -> bool:
    """Returns whether an open file is the one that has the name now."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


class InstallLock:
    """An exclusive lock on a file that names its holder. Processes that inherit `handle` hold it while they live."""

    def __init__(self, path: str = PATH) -> None:
        self.path = path
        self.handle = -1

    def wait(self) -> None:
        """Acquires the lock when its holder has ended. Throws `HostError` after a minute."""
        deadline = time.monotonic() + WAIT_SECONDS

        def on_held(_handle: int) -> None:
            if time.monotonic() > deadline:
                raise HostError("An agent is being installed on this host. Try again when that has ended.")

        self._acquire(on_held)

    def take_over(self) -> None:
        """Ends the present holder, then acquires the lock: the newest run knows what is wanted."""
        started = time.monotonic()
        is_reported = False

        def on_held(handle: int) -> None:
            nonlocal is_reported
            if not is_reported:
                print("An earlier run is still going on this host; ending it.", flush=True)
                is_reported = True
            elapsed = time.monotonic() - started
            end_holder(handle, signal.SIGKILL if elapsed > TAKE_OVER_SECONDS / 2 else signal.SIGTERM)
            if elapsed > TAKE_OVER_SECONDS:
                raise HostError("An earlier run on this host cannot be ended. Restart the host and try again.")

        self._acquire(on_held)

    def record_group(self, group: int) -> None:
        """Names a process group as the holder that a later run has to end."""
        self._record("group", group)

    def release(self) -> None:
        if is_same_file(self.handle, self.path):
            os.unlink(self.path)

    def _acquire(self, on_held: Callable[[int], None]) -> None:
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_held(handle)
                time.sleep(RETRY_SECONDS)
            else:
                # Its last holder may have removed the file in between.
                if is_same_file(handle, self.path):
                    self.handle = handle
                    self._record("process", os.getpid())
                    return
            os.close(handle)

    def _record(self, kind: str, number: int) -> None:
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, ("%s %d" % (kind, number)).encode(), 0)


def end_holder(handle: int, number: signal.Signals) -> None:
    """Sends a signal to the process or group that the lock file names. It lives, so the number is still its own."""
    kind, _, pid = os.pread(handle, 64, 0).decode("ascii", "replace").partition(" ")
    if pid.isdigit():
        groups.send_signal(int(pid), number, is_group=kind == "group")
