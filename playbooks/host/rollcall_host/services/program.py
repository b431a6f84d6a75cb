"""This package as the program of one file that the units run, so that they need no tools of a server's release."""

from __future__ import annotations

import os

from .. import files, systemd
from ..upgrade.program import host_folder, pack
from . import paths


def save() -> None:
    """Writes the program where it differs, and has the warden run the new one. That program itself writes nothing."""
    if not os.path.isdir(host_folder()):
        return
    content = pack()
    if files.read_file(paths.saved_program()) == content:
        return
    os.makedirs(paths.PROGRAM, mode=0o755, exist_ok=True)
    files.write_file(paths.saved_program(), content, 0o644)
    files.sync(os.path.dirname(paths.PROGRAM))
    systemd.systemctl("try-restart", "--no-block", paths.WARDEN_UNIT, check=False)
