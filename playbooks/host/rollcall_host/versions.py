"""Versions of a tree, each in a folder of its own, with a link to the one in use."""

from __future__ import annotations

import os
import shutil
from typing import Callable, Iterable

from . import files

CURRENT = "current"


def publish(parent: str, version: str, kept: Iterable[str] = ()) -> None:
    """Points `current` to a version, and removes all others but the one before it and what `kept` names."""
    current = os.path.join(parent, CURRENT)
    former = files.read_link(current)
    if former == version:
        return
    files.set_link(current, version)
    stays = {version, former, CURRENT, *kept}
    for name in set(os.listdir(parent)) - stays:
        shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def write_version(parent: str, version: str, fill: Callable[[str], None]) -> None:
    """Makes the folder of a version, whole or not at all: `fill` writes into a folder of another name."""
    place = os.path.join(parent, version)
    fresh = place + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fill(fresh)
    os.sync()  # before the rename: after a loss of power a complete name must mean complete files
    shutil.rmtree(place, ignore_errors=True)
    os.rename(fresh, place)
