"""Whether the ports of an order are free on this host, found out by binding them."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any, Iterator, Mapping, Optional

from .step_error import PORT_TAKEN, StepError

Port = Mapping[str, Any]
TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def require_free(order: Mapping[str, Any], held: "set[tuple[str, int]]") -> None:
    """Throws `StepError` that names each port which something else than this instance has, and who that is."""
    taken = [
        "%s %d%s is taken%s" % (port["protocol"], port["published"], on(port), by(port))
        for port in published(order)
        if (port["protocol"], port["published"]) not in held and not is_free(port)
    ]
    if taken:
        raise StepError(PORT_TAKEN, "On this host %s." % "; ".join(taken))


def published(order: Mapping[str, Any]) -> Iterator[Port]:
    for container in order["containers"]:
        if container["network_mode"] != "none":
            yield from container["ports"]
    if order["playbook"] is not None:
        yield from order["playbook"]["ports"]


def is_free(port: Port) -> bool:
    """Returns whether a port can be bound. An address that the host does not have is for `podman run` to tell."""
    addresses = [port["host_ip"]] if port["host_ip"] else ["0.0.0.0", "::"]
    return all(can_bind(address, port["published"], port["protocol"]) for address in addresses)


def can_bind(address: str, number: int, protocol: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, TYPES[protocol]) as tried:
            if protocol == "tcp":
                # Connections that have ended do not count, listeners do.
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tried.bind((address, number))
            return True
    except OSError as error:
        return error.errno != errno.EADDRINUSE


def on(port: Port) -> str:
    return " on %s" % port["host_ip"] if port["host_ip"] else ""


def by(port: Port) -> str:
    """Returns who has a port, in words; nothing where that cannot be seen."""
    sockets = list_sockets(port["protocol"], port["published"])
    name = holder(sockets) if sockets else None
    return " by %s" % name if name else ""


def list_sockets(protocol: str, number: int) -> "set[str]":
    """Returns the inodes of sockets that are bound to a port."""
    found = set()
    for table in (protocol, protocol + "6"):
        try:
            with open("/proc/net/" + table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        # 0A is a listener of TCP, 07 a socket of UDP.
        found |= {row[9] for row in rows if row[3] in ("0A", "07") and int(row[1].rpartition(":")[2], 16) == number}
    return found


def holder(sockets: "set[str]") -> Optional[str]:
    """Returns the name and number of the process that has one of these sockets."""
    wanted = {"socket:[%s]" % inode for inode in sockets}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = "/proc/%s/fd" % pid
        try:
            if any(os.readlink(os.path.join(folder, name)) in wanted for name in os.listdir(folder)):
                with open("/proc/%s/comm" % pid, encoding="utf-8", errors="replace") as file:
                    return "%s (process %s)" % (file.read().strip(), pid)
        except OSError:
            continue  # It has ended meanwhile.
    return None
