"""Runs the warden until it is stopped: `python3 -I PROGRAM warden`."""

from __future__ import annotations

import signal

from .loop import Loop
from .notify import notify
from .warden import Warden


class Stopped(Exception):
    """The end that systemd asks for."""


def stop(_number: int, _frame: object) -> None:
    raise Stopped


def main(_verb: str = "warden", *_words: str) -> int:
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    loop = Loop()
    warden = Warden(loop)
    try:
        warden.tick()
        notify("READY=1")
        while True:
            loop.run_once()
    except Stopped:
        pass
    finally:
        warden.close()
    return 0
