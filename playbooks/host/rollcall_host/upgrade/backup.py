"""The files that an upgrade changes, and the copies by which it is undone."""

from __future__ import annotations

import os
import shutil

from .. import files
from . import paths

PREFIXES = ("rollcall-agent.", "rollcall-runner.")


def find_units(folder: str) -> list[str]:
    """Returns the names of our unit files. A folder with parts that somebody added to a unit is none."""
    ours = [name for name in os.listdir(folder) if name.startswith(PREFIXES)]
    return sorted(name for name in ours if os.path.isfile(os.path.join(folder, name)))


def copy_units(source: str, target: str) -> None:
    for name in find_units(source):
        with open(os.path.join(source, name), "rb") as file:
            files.write_file(os.path.join(target, name), file.read(), 0o644)


def read_callers() -> bytes:
    return files.read_file(paths.in_units(paths.CALLERS)) or b""


def write_callers(content: bytes) -> None:
    """Sets who may reach the agent; nothing for everybody."""
    path = paths.in_units(paths.CALLERS)
    if content == read_callers():
        return
    if content:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        files.write_file(path, content, 0o644)
    else:
        files.remove_file(path)


def back_up() -> None:
    """Copies configuration and units as they are now."""
    shutil.rmtree(paths.in_state("backup"), ignore_errors=True)
    files.copy_tree(paths.ETC, paths.in_state("backup", "etc"))
    os.makedirs(paths.in_state("backup", "units"), mode=0o700)
    copy_units(paths.UNITS, paths.in_state("backup", "units"))
    files.write_file(paths.in_state("backup", "callers"), read_callers())


def put_back() -> None:
    """Copies configuration and units back to where they were."""
    files.copy_tree(paths.in_state("backup", "etc"), paths.ETC)
    files.copy_tree(paths.in_state("backup", "units"), paths.UNITS)
    callers = files.read_file(paths.in_state("backup", "callers"))
    # None where the release that prepared the upgrade had no such part.
    if callers is not None:
        write_callers(callers)
