"""This package as a program of one file, which the server and a boot find beside the state of the upgrade."""

from __future__ import annotations

import io
import os
import sys
import zipfile

from .. import files, systemd
from . import paths

GUARD_UNIT = """[Unit]
Description=Rollcall: decides on an upgrade of the agent that a loss of power broke off
ConditionPathExists=%(state)s/plan.json
RequiresMountsFor=%(state)s %(program)s %(etc)s
Before=rollcall-agent.service

[Service]
Type=oneshot
ExecStart=%(python)s -I %(saved)s settle --boot

[Install]
WantedBy=multi-user.target
"""


def host_folder() -> str:
    """Returns the folder that this package lies in, with the program that Python runs for it."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def pack() -> bytes:
    """Returns this package as a zip archive that Python can run."""
    home, content = host_folder(), io.BytesIO()
    with zipfile.ZipFile(content, "w", strict_timestamps=False) as archive:
        archive.write(os.path.join(home, "__main__.py"), "__main__.py")
        for root, _, names in os.walk(os.path.join(home, "rollcall_host")):
            for name in sorted(names):
                if name.endswith((".py", ".json")):
                    path = os.path.join(root, name)
                    archive.write(path, os.path.relpath(path, home))
    return content.getvalue()


def save_program() -> None:
    files.write_file(paths.in_state(paths.SAVED_PROGRAM), pack())


def enable_guard() -> None:
    """Has the next boot decide on the upgrade where nobody else has."""
    names = {"state": paths.STATE, "program": paths.PROGRAM, "etc": paths.ETC, "python": sys.executable}
    unit = GUARD_UNIT % {**names, "saved": paths.in_state(paths.SAVED_PROGRAM)}
    files.write_file(paths.in_units(paths.GUARD), unit.encode(), 0o644)
    systemd.systemctl("enable", paths.GUARD)
    files.sync(paths.in_units("multi-user.target.wants"))
