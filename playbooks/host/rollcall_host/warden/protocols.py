"""What a check says to a server, and how it reads the answer: HTTP, PostgreSQL, MySQL, Redis. Nothing here does I/O."""

from __future__ import annotations

import re
import struct
from typing import Optional, Union

from .exchange import Outcome

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
SENT_OTHER = "sent something else"
# The name under which checks appear in the logs of servers. No such account is needed.
USER = b"rollcall"

Found = Union[Outcome, bytes, None]


def http_request(path: str, port: int) -> bytes:
    lines = (
        "GET %s HTTP/1.1" % quote(path), "Host: localhost:%d" % port, "User-Agent: rollcall-warden", "Accept: */*",
        "Connection: close", "", "",
    )
    return "\r\n".join(lines).encode()


def quote(path: str) -> str:
    """Returns a path in which nothing ends the request line."""
    return "".join(char if "!" <= char <= "~" else "".join("%%%02X" % byte for byte in char.encode()) for char in path)


def read_http(data: bytes, is_all: bool) -> Found:
    """Passes for a status of 200 to 399, when the head is there: a redirect is an answer, and is not followed."""
    line = STATUS_LINE.match(data)
    if line is None:
        is_bad = b"\n" in data or not b"HTTP/1.".startswith(data[:7])
        return Outcome(False, SENT_OTHER) if is_bad else None
    # To close before the head has come would be an error in the logs of many servers.
    if not is_all and b"\r\n\r\n" not in data and b"\n\n" not in data:
        return None
    status = int(line.group(1))
    return Outcome(200 <= status < 400, str(status))


POSTGRES_REQUEST = struct.pack("!II", 8 + len(b"user\0" + USER + b"\0\0"), 196_608) + b"user\0" + USER + b"\0\0"
POSTGRES_STARTING = b"57P03"


def read_postgres(data: bytes, _is_all: bool) -> Found:
    """Passes if the server would let a client sign in, as pg_isready does: not while it starts, recovers or ends."""
    if not data:
        return None
    if data[:1] == b"R":
        return Outcome(True)
    if data[:1] != b"E":
        return Outcome(False, SENT_OTHER)
    if len(data) < 5 or len(data) < 1 + struct.unpack("!I", data[1:5])[0]:
        return None
    fields = {field[:1]: field[1:] for field in data[5:].split(b"\0")}
    if fields.get(b"C") == POSTGRES_STARTING:
        return Outcome(False, fields.get(b"M", b"is starting up").decode("utf-8", "replace"))
    return Outcome(True)


REDIS_REQUEST = b"PING\r\n"


def read_redis(data: bytes, _is_all: bool) -> Found:
    """Passes if the server answers a client, even one that would have to sign in first."""
    if b"\n" not in data:
        return None
    line = data.partition(b"\r\n")[0]
    if line.startswith((b"+PONG", b"-NOAUTH", b"-NOPERM")):
        return Outcome(True)
    return Outcome(False, line[1:].decode("utf-8", "replace") if line.startswith(b"-") else SENT_OTHER)


MYSQL_GREETING, MYSQL_ERROR, MYSQL_OTHER_METHOD = 10, 0xFF, 0xFE
CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH = 0x200, 0x8000, 0x80000
MYSQL_UTF8 = 45


class MysqlReader:
    """Passes if the server greets. Signs in, in vain: servers block an address that breaks off a hundred greetings."""

    def __init__(self) -> None:
        self._has_greeted = False

    def __call__(self, data: bytes, _is_all: bool) -> Found:
        packet = mysql_packet(data)
        if packet is None:
            return None
        number, payload = packet
        if self._has_greeted:
            # Refused or not: it has read the account.
            return mysql_answer(number + 1, b"") if payload[0] == MYSQL_OTHER_METHOD else Outcome(True)
        if payload[0] == MYSQL_ERROR:
            return Outcome(False, payload[3:].decode("utf-8", "replace"))
        if payload[0] != MYSQL_GREETING:
            return Outcome(False, SENT_OTHER)
        self._has_greeted = True
        return mysql_answer(number + 1, mysql_login(payload))


def mysql_packet(data: bytes) -> Optional[tuple[int, bytes]]:
    """Returns number and payload of the first packet, None before it is whole."""
    if len(data) < 5:
        return None
    length = int.from_bytes(data[:3], "little")
    return None if len(data) < 4 + length else (data[3], data[4:4 + max(1, length)])


def mysql_answer(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number & 0xFF]) + payload


def mysql_login(greeting: bytes) -> bytes:
    """Returns the payload of a login without a password, by the method that the greeting names."""
    # Version, then thread id (4), salt (8), filler (1), capabilities (2), character set (1), status (2),
    # more capabilities (2), length of the salt (1), filler (10), and the rest of the salt.
    rest = greeting[1:].partition(b"\0")[2]
    low, high = int.from_bytes(rest[13:15], "little"), int.from_bytes(rest[18:20], "little")
    has_methods = (low | high << 16) & CLIENT_PLUGIN_AUTH != 0
    salt_length = max(13, (rest[20] if len(rest) > 20 else 0) - 8)
    method = rest[31 + salt_length:].partition(b"\0")[0] if has_methods else b""
    flags = CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | (CLIENT_PLUGIN_AUTH if has_methods else 0)
    head = struct.pack("<IIB23x", flags, 1 << 24, MYSQL_UTF8)
    return head + USER + b"\0" + b"\0" + (method + b"\0" if has_methods else b"")
