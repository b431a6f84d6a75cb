"""Makes the checks of running containers, each by its kind."""

from __future__ import annotations

import os
import signal
from typing import Callable, Optional

from . import processes, protocols
from .checks import Check
from .exchange import Exchange, Outcome, Reader
from .loop import Loop
from .programs import Ended, Job, ProgramQueue
from .records import Container
from .text import MAX_DETAIL, plain

KEPT_OUTPUT = 4096
MAX_OUTPUT = 256 * 1024
MARK = "ROLLCALL_CHECK="

Done = Callable[[Optional[Outcome]], None]


class Target:
    """A container that runs: `pid` is its first process, and `group` the folder of its unit's control group."""

    def __init__(self, name: str, container: Container, main_pid: int, group: Optional[str]) -> None:
        self.name = name
        self.container = container
        self.main_pid = main_pid
        self.group = group
        self.pid: Optional[int] = None
        self._address: Optional[str] = None

    def find_pid(self) -> Optional[int]:
        """Returns its first process. It is looked for until it is there, and then no more."""
        if self.pid is None:
            self.pid = processes.first_process(self.main_pid)
        return self.pid

    def address(self, port: int) -> Optional[tuple[str, int]]:
        """Returns where a port of the container can be reached from the host, None where it cannot."""
        if self.container.is_on_host:
            return "127.0.0.1", port
        pid = self.find_pid()
        if self._address is None and pid is not None:
            is_host = processes.shares_network(pid)
            self._address = "127.0.0.1" if is_host else processes.own_address(pid)
        if self._address is not None:
            return self._address, port
        published = self.container.tcp_ports.get(port)
        return None if published is None else ("127.0.0.1", published)

    def members(self) -> list[int]:
        """Returns the processes of its unit, the one that watches it included."""
        found = [] if self.group is None else list(processes.members(self.group))
        pid = self.find_pid()
        return found or ([] if pid is None else [pid])


class Sample:
    """Processor time that a container had used at a time."""

    __slots__ = ("at", "seconds")

    def __init__(self, at: float, seconds: float) -> None:
        self.at = at
        self.seconds = seconds


class Prober:
    """Makes one check at a time for whoever holds it."""

    def __init__(self, loop: Loop, commands: ProgramQueue, check: Check, target: Target) -> None:
        self._loop = loop
        self._commands = commands
        self._check = check
        self._target = target
        self._sample: Optional[Sample] = None
        self._exchange: Optional[Exchange] = None
        self._is_closed = False

    def close(self) -> None:
        """Ends a check that is under way; its outcome is told to nobody."""
        self._is_closed = True
        if self._exchange is not None:
            self._exchange.close()

    def look(self, done: Done) -> None:
        """Makes the check. `done` gets its outcome, None where there is nothing to tell yet; nothing after `close`."""
        kind = self._check.kind
        if kind == "command":
            self._run(done)
        elif kind == "process":
            done(self._find_process())
        elif kind == "resources":
            done(self._measure())
        else:
            self._talk(done)

    def _talk(self, done: Done) -> None:
        probe = self._check.probe
        address = self._target.address(int(probe["port"]))
        if address is None:
            done(Outcome(False, "the container has no address"))
            return
        request, read = to_talk(self._check)
        try:
            self._exchange = Exchange(self._loop, address, request, read, self._check.timeout, done)
        except OSError:
            # No descriptor is left, for instance: that is no fault of the container.
            done(None)

    def _run(self, done: Done) -> None:
        mark = MARK + os.urandom(8).hex()
        argv = ["podman", "exec", "--env", mark, self._target.name, *self._check.probe["argv"]]

        def on_end(ended: Ended) -> None:
            if ended.fault is not None:
                # To end podman ends nothing in the container.
                processes.kill_marked(mark.encode(), signal.SIGKILL)
            if not self._is_closed:
                done(read_command(ended))

        self._commands.put(Job(argv, self._check.timeout, KEPT_OUTPUT, MAX_OUTPUT, on_end))

    def _find_process(self) -> Outcome:
        name = str(self._check.probe["name"])
        # The kernel keeps fifteen bytes of a name.
        wanted = name.encode()[:15].decode("utf-8", "replace")
        if any(processes.process_name(pid) == wanted for pid in self._target.members()):
            return Outcome(True)
        return Outcome(False, plain("no process %s runs" % name, MAX_DETAIL))

    def _measure(self) -> Optional[Outcome]:
        pids, container = self._target.members(), self._target.container
        used = processes.memory_bytes(self._target.group or "", pids)
        total = container.max_memory_bytes or processes.host_memory_bytes()
        memory = 100 * used / total if total else 0.0
        now, seconds = self._loop.now(), processes.cpu_seconds(pids)
        last, self._sample = self._sample, Sample(now, seconds)
        cores = container.max_cpus or os.cpu_count() or 1
        cpu = None
        if last is not None and now > last.at:
            cpu = 100 * max(0.0, seconds - last.seconds) / (now - last.at) / cores
        return read_resources(self._check, memory, cpu)


def to_talk(check: Check) -> tuple[bytes, Optional[Reader]]:
    """Returns what a check says and how it reads the answer; None where a connection is all that it wants."""
    if check.kind == "http":
        return protocols.http_request(check.probe["path"], int(check.probe["port"])), protocols.read_http
    if check.kind == "tcp":
        return b"", None
    if check.probe["database"] == "postgres":
        return protocols.POSTGRES_REQUEST, protocols.read_postgres
    if check.probe["database"] == "redis":
        return protocols.REDIS_REQUEST, protocols.read_redis
    return b"", protocols.MysqlReader()


def read_command(ended: Ended) -> Outcome:
    if ended.exit_code == 0 and ended.fault is None:
        return Outcome(True)
    output = ended.output.decode("utf-8", "replace").strip()
    how = ended.fault or ("ended with %d" % ended.exit_code if ended.exit_code is not None else "was killed")
    return Outcome(False, plain("the command %s%s" % (how, ": " + output if output else ""), MAX_DETAIL))


def read_resources(check: Check, memory: float, cpu: Optional[float]) -> Optional[Outcome]:
    """Returns whether a container uses no more than it may; None while its use of the processor is not known."""
    most_memory, most_cpu = check.probe["max_memory_percent"], check.probe["max_cpu_percent"]
    if most_memory is not None and memory > most_memory:
        return Outcome(False, "uses %d %% of its memory, at most %d" % (memory, most_memory))
    if most_cpu is None:
        return Outcome(True)
    if cpu is None:
        return None
    if cpu > most_cpu:
        return Outcome(False, "uses %d %% of its processors, at most %d" % (cpu, most_cpu))
    return Outcome(True)
