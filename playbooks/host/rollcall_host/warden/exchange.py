"""One connection of a check: connects, sends, reads a little, and tells what came of it. Nothing in it waits."""

from __future__ import annotations

import errno
import os
import socket
from typing import Callable, Optional, Union

from .loop import READ, WRITE, Loop
from .text import to_seconds

MAX_BYTES = 4096

WORDS = {
    errno.ECONNREFUSED: "refused the connection",
    errno.ECONNRESET: "closed the connection",
    errno.EPIPE: "closed the connection",
    errno.EHOSTUNREACH: "is not reachable",
    errno.ENETUNREACH: "is not reachable",
    errno.ETIMEDOUT: "does not answer",
}


class Outcome:
    """What a check has found."""

    __slots__ = ("has_passed", "detail")

    def __init__(self, has_passed: bool, detail: Optional[str] = None) -> None:
        self.has_passed = has_passed
        self.detail = detail


# Reads what has come, with whether it is all; returns the outcome, bytes to answer with, or None for more.
Reader = Callable[[bytes, bool], Union[Outcome, bytes, None]]
Done = Callable[[Outcome], None]


class Exchange:
    """Talks to one address. `done` is called once, and never before the constructor has returned."""

    def __init__(
        self, loop: Loop, address: tuple[str, int], request: bytes, read: Optional[Reader], timeout: float, done: Done
    ) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._loop = loop
        self._out = request
        self._in = b""
        self._read = read
        self._done: Optional[Done] = done
        late = Outcome(False, "no answer within " + to_seconds(timeout))
        self._timer = loop.call_after(timeout, lambda: self._end(late))
        code = self._socket.connect_ex(address)
        if code in (0, errno.EINPROGRESS) and self._out:
            code = self._send_early()
        if code not in (0, errno.EINPROGRESS):
            loop.call_after(0, lambda: self._end(Outcome(False, to_words(code))))
        elif request and not self._out:
            loop.watch(self._socket.fileno(), READ, self._on_readable)
        else:
            loop.watch(self._socket.fileno(), WRITE, self._on_writable)

    def close(self) -> None:
        """Ends it without a word."""
        self._done = None
        self._timer.cancel()
        if self._socket.fileno() >= 0:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()

    def _end(self, outcome: Outcome) -> None:
        done = self._done
        self.close()
        if done is not None:
            done(outcome)

    def _send_early(self) -> int:
        """Sends at once: a connection within the host mostly stands by now. Returns 0, or the code of a failure."""
        try:
            self._out = self._out[self._socket.send(self._out):]
        except OSError as error:
            is_early = error.errno in (errno.EAGAIN, errno.ENOTCONN)
            return 0 if is_early else error.errno or errno.EIO
        return 0

    def _on_writable(self) -> None:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code != 0:
            self._end(Outcome(False, to_words(code)))
        elif self._read is None:
            self._end(Outcome(True))
        else:
            self._send()

    def _send(self) -> None:
        try:
            if self._out:
                self._out = self._out[self._socket.send(self._out):]
        except BlockingIOError:
            pass
        except OSError as error:
            self._end(Outcome(False, to_words(error.errno)))
            return
        if self._out:
            self._loop.watch(self._socket.fileno(), WRITE, self._send)
        else:
            self._loop.watch(self._socket.fileno(), READ, self._on_readable)

    def _on_readable(self) -> None:
        assert self._read is not None
        try:
            data = self._socket.recv(MAX_BYTES - len(self._in))
        except BlockingIOError:
            return
        except OSError as error:
            self._end(Outcome(False, to_words(error.errno)))
            return
        self._in += data
        is_all = not data or len(self._in) >= MAX_BYTES
        found = self._read(self._in, is_all)
        if isinstance(found, Outcome):
            self._end(found)
        elif found is not None:
            self._in, self._out = b"", found
            self._send()
        elif is_all:
            self._end(Outcome(False, "closed the connection" if not data else "sent something else"))


def to_words(code: Optional[int]) -> str:
    return WORDS.get(code or 0) or os.strerror(code or errno.EIO)
