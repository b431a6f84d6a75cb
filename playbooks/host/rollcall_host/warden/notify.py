"""Tells systemd that the warden is ready, and alive."""

from __future__ import annotations

import os
import socket


def notify(text: str) -> None:
    """Sends a message to systemd. Does nothing where nobody waits for one, and where it cannot be sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        # Whoever misses it restarts the warden, which is what a watchdog is for.
        pass
