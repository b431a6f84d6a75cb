"""systemd, by its own program."""

from __future__ import annotations

import os
import subprocess

from ..host_error import HostError

SYSTEMCTL = os.environ.get("ROLLCALL_UPGRADE_SYSTEMCTL", "systemctl")
TIMEOUT_SECONDS = 60
MAX_MESSAGE_LENGTH = 300


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end. Throws `HostError` where it cannot be started or takes over a minute."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HostError("%s does not run: %s" % (command[0], error)) from error


def systemctl(*words: str, check: bool = True) -> str:
    """Returns what systemctl prints. Throws `HostError` where it fails, unless `check` is off."""
    done = run([SYSTEMCTL, *words])
    if check and done.returncode != 0:
        why = (done.stderr or done.stdout).strip()[:MAX_MESSAGE_LENGTH]
        raise HostError("systemctl %s failed: %s" % (" ".join(words), why))
    return done.stdout


def show(unit: str, *properties: str) -> dict[str, str]:
    """Returns properties of a unit."""
    text = systemctl("show", unit, *["--property=" + name for name in properties])
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
