"""Process groups: each program is started as a session of its own, and ended with all that it has started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from typing import Mapping, Optional, Sequence

TERM_SECONDS = 5
POLL_SECONDS = 0.1
CHUNK_BYTES = 4096


def send_signal(pid: int, number: signal.Signals, is_group: bool) -> None:
    try:
        (os.killpg if is_group else os.kill)(pid, number)
    except ProcessLookupError:
        pass


class ProcessGroups:
    """The groups that one run has started, and what ends them: a signal, the end of its input, a limit of time."""

    def __init__(self) -> None:
        self.has_input_ended = threading.Event()
        self._children: list[subprocess.Popen[bytes]] = []
        # From then on nothing may run: also a group that is being started at that moment is ended.
        self._is_ending = threading.Event()

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        stdout: Optional[int] = None,
        inherited: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Starts a program in a group of its own, without input."""
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, env=environment, cwd="/",
            start_new_session=True, pass_fds=tuple(inherited),
        )
        self._children.append(child)
        if self._is_ending.is_set():
            self.end()
        return child

    def end_on_signal(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self.end())

    def end_with_input(self) -> None:
        """Ends all groups when standard input ends, which a connection holds open."""
        threading.Thread(target=self._wait_for_input, daemon=True).start()

    def end_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self.end)
        timer.daemon = True
        timer.start()

    def end(self) -> None:
        """Terminates all groups, and kills what is left of them after five seconds."""
        self._is_ending.set()
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + TERM_SECONDS
        while time.monotonic() < deadline and any(child.poll() is None for child in self._children):
            time.sleep(POLL_SECONDS)
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for child in self._children:
            send_signal(child.pid, number, is_group=True)

    def _wait_for_input(self) -> None:
        while True:
            select.select([0], [], [])
            if not os.read(0, CHUNK_BYTES):
                break
        self.has_input_ended.set()
        self.end()


def to_exit_code(code: int) -> int:
    """Returns an exit code as shells give it: 128 and the signal's number where a signal ended the program."""
    return code if code >= 0 else 128 - code
