"""systemd, by its own program."""

from __future__ import annotations

import os
import subprocess
from typing import Optional, Sequence

from .host_error import HostError

SYSTEMCTL = os.environ.get("ROLLCALL_UPGRADE_SYSTEMCTL", "systemctl")
TIMEOUT_SECONDS = 60
MAX_MESSAGE_LENGTH = 300


def run(
    command: Sequence[str], content: Optional[str] = None, timeout: float = TIMEOUT_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end, with `content` as its input. Throws `HostError` where it cannot or takes longer."""
    try:
        return subprocess.run(
            command, input=content or "", capture_output=True, encoding="utf-8", errors="replace", timeout=timeout
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise HostError("%s does not run: %s" % (command[0], error)) from error


def systemctl(*words: str, check: bool = True, timeout: float = TIMEOUT_SECONDS) -> str:
    """Returns what systemctl prints. Throws `HostError` where it fails, unless `check` is off."""
    done = run([SYSTEMCTL, *words], timeout=timeout)
    if check and done.returncode != 0:
        why = (done.stderr or done.stdout).strip()[:MAX_MESSAGE_LENGTH]
        raise HostError("systemctl %s failed: %s" % (" ".join(words), why))
    return done.stdout


def show(unit: str, *properties: str) -> dict[str, str]:
    """Returns properties of a unit."""
    text = systemctl("show", unit, *["--property=" + name for name in properties])
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def show_all(units: Sequence[str], *properties: str) -> dict[str, dict[str, str]]:
    """Returns properties of units by their names, with one look. A unit that is not there is inactive."""
    if not units:
        return {}
    text = systemctl("show", *units, *["--property=" + name for name in ("Id", *properties)])
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}
