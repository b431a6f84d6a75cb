"""Runs the playbook of an upgrade as a unit of its own, which outlives the agent that has started it.

    upgrade JOB

Prints what the playbook prints, and returns its exit code.
"""

from __future__ import annotations

import os
import sys

from . import program

UNIT = "rollcall-upgrade"


def main(_verb: str, job: str) -> int:
    command = unit_command(job)
    os.execvp(command[0], command)


def unit_command(job: str) -> list[str]:
    """Returns the command. `ExecStopPost` puts the old agent back when the playbook's own process is killed."""
    run = [sys.executable, "-I", program.host_folder()]
    return [
        "systemd-run",
        "--unit=" + UNIT,
        "--collect",
        "--wait",
        "--pipe",
        "--quiet",
        "--property=ExecStopPost=%s settle" % " ".join(run),
        *run,
        "run",
        job,
        "--own",
    ]
