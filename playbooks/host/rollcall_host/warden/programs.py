"""Programs that the warden has to run: one at a time of each queue, each with a timeout and bounded output."""

from __future__ import annotations

import errno
import os
import signal
from typing import Callable, Optional

from .loop import READ, ExitWatch, Loop, Timer

READ_BYTES = 4096
# How long a program has to end after TERM before it is killed.
KILL_SECONDS = 2.0
OVERFLOW = "printed more than %d KiB"


class Ended:
    """How a program ended. `exit_code` is None where a signal ended it; `fault` says why it was ended, or never ran."""

    __slots__ = ("exit_code", "output", "fault")

    def __init__(self, exit_code: Optional[int], output: bytes, fault: Optional[str] = None) -> None:
        self.exit_code = exit_code
        self.output = output
        self.fault = fault


class Job:
    """A program to run: `kept_bytes` of its output are kept, and at `max_bytes` it is ended."""

    __slots__ = ("argv", "timeout", "kept_bytes", "max_bytes", "done")

    def __init__(
        self, argv: list[str], timeout: float, kept_bytes: int, max_bytes: int, done: Callable[[Ended], None]
    ) -> None:
        self.argv = argv
        self.timeout = timeout
        self.kept_bytes = kept_bytes
        self.max_bytes = max_bytes
        self.done = done


class ProgramQueue:
    """Runs programs one after the other."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._waiting: list[Job] = []
        self._running: Optional[RunningProgram] = None

    def put(self, job: Job) -> None:
        self._waiting.append(job)
        self._next()

    def close(self) -> None:
        """Kills what runs; nothing is told of its end."""
        self._waiting.clear()
        if self._running is not None:
            self._running.close()

    def _next(self) -> None:
        if self._running is not None or not self._waiting:
            return
        job = self._waiting.pop(0)
        try:
            self._running = RunningProgram(self._loop, job, self._on_end)
        except OSError as error:
            fault = "%s does not run: %s" % (job.argv[0], os.strerror(error.errno or errno.EIO))
            # Not at once: whoever has put it does not expect its end yet.
            self._loop.call_after(0, lambda: self._tell(job, Ended(None, b"", fault)))

    def _on_end(self, job: Job, ended: Ended) -> None:
        self._running = None
        self._tell(job, ended)

    def _tell(self, job: Job, ended: Ended) -> None:
        job.done(ended)
        self._next()


class RunningProgram:
    """A program in a process group of its own, with its output in one pipe."""

    def __init__(self, loop: Loop, job: Job, on_end: Callable[[Job, Ended], None]) -> None:
        self._loop = loop
        self._job = job
        self._on_end = on_end
        self._output = b""
        self._count = 0
        self._fault: Optional[str] = None
        self._pipe, write = os.pipe()
        try:
            self._pid = spawn(job.argv, write)
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(write)
        os.set_blocking(self._pipe, False)
        loop.watch(self._pipe, READ, self._read)
        self._timer: Timer = loop.call_after(job.timeout, lambda: self._end("did not end within %g s" % job.timeout))
        self._exit: ExitWatch = loop.watch_exit(self._pid, self._on_exit)

    def close(self) -> None:
        self._signal(signal.SIGKILL)
        self._release()

    def _read(self) -> None:
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.unwatch(self._pipe)
            return
        self._count += len(data)
        self._output += data[: max(0, self._job.kept_bytes - len(self._output))]
        if self._count > self._job.max_bytes:
            self._loop.unwatch(self._pipe)
            self._end(OVERFLOW % (self._job.max_bytes // 1024))

    def _end(self, fault: str) -> None:
        """Ends the whole group: TERM, and KILL where that does not help."""
        self._fault = self._fault or fault
        self._timer.cancel()
        self._timer = self._loop.call_after(KILL_SECONDS, lambda: self._signal(signal.SIGKILL))
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def _on_exit(self) -> None:
        # What is in the pipe by now is all that counts: a process that was left behind may keep it open for ever.
        while self._fault is None and self._count <= self._job.max_bytes:
            before = self._count
            self._read()
            if self._count == before:
                break
        # The group may outlive its leader.
        self._signal(signal.SIGKILL)
        status = self._release()
        code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
        self._on_end(self._job, Ended(code, self._output, self._fault))

    def _release(self) -> Optional[int]:
        """Gives back all that it holds. Returns its status."""
        self._timer.cancel()
        self._loop.unwatch_exit(self._exit)
        self._loop.unwatch(self._pipe)
        os.close(self._pipe)
        try:
            return os.waitpid(self._pid, 0)[1]
        except ChildProcessError:
            return None


def spawn(argv: list[str], output: int) -> int:
    """Starts a program as the leader of a process group. Returns its process id."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
    pid = os.posix_spawnp(
        argv[0], argv, environment, file_actions=actions, setpgroup=0, setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGTERM, signal.SIGINT),
    )
    share_memory_fate(pid)
    return pid


def share_memory_fate(pid: int) -> None:
    """Has the kernel end a program as any other when memory runs out, and not as late as the warden."""
    try:
        with open("/proc/%d/oom_score_adj" % pid, "wb", buffering=0) as file:
            file.write(b"0")
    except OSError:
        # It has ended by now.
        pass
