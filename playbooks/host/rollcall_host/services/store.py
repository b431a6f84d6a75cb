"""What steps write on the disk: generations, each whole or not there, and the state, in one step."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import time
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Optional

from .. import files
from ..host_error import HostError
from ..locks import is_same_file
from . import instances, paths
from .podman_run import granted_file

Order = Mapping[str, Any]
# Compose's: whoever the container runs as may read it. The folder above is root's alone.
FILE_MODE = 0o444
LOCK_SECONDS = 180
LOCK_RETRY_SECONDS = 0.1


@contextmanager
def locked(id: str) -> Iterator[None]:
    """Holds the lock of an instance: its steps come one after the other. Throws `HostError` after three minutes."""
    os.makedirs(paths.RUN, mode=0o700, exist_ok=True)
    path = os.path.join(paths.RUN, id + ".lock")
    deadline = time.monotonic() + LOCK_SECONDS
    handle = try_lock(path)
    while handle is None:
        if time.monotonic() > deadline:
            raise HostError("Another step of instance %s is still under way on this host. Try again later." % id)
        time.sleep(LOCK_RETRY_SECONDS)
        handle = try_lock(path)
    try:
        yield
    finally:
        os.close(handle)


def try_lock(path: str) -> Optional[int]:
    """Returns the open file that holds the lock, None where another process has it or has just removed it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_same_file(handle, path):
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None


def write_generation(order: Order, resolved: Mapping[str, Any]) -> None:
    """Puts a generation on the disk, whole: its order without the values of secrets and configs, and their files."""
    folder = paths.generation_folder(order["instance"], order["generation"])
    fresh = folder + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(paths.ETC, mode=0o700, exist_ok=True)
    os.makedirs(fresh, mode=0o700)
    for kind in ("secrets", "configs"):
        os.mkdir(os.path.join(fresh, kind), 0o700)
        for container in order["containers"]:
            for index, grant in enumerate(container[kind]):
                write_granted(os.path.join(fresh, kind, granted_file(container["name"], index)), grant, order[kind])
    os.mkdir(os.path.join(fresh, "done"), 0o700)
    kept = {**order, "secrets": sorted(order["secrets"]), "configs": sorted(order["configs"]), "resolved": resolved}
    if order["playbook"] is not None:
        from . import playbooks

        kept["playbook"] = playbooks.keep(order["playbook"], fresh)
    files.write_file(os.path.join(fresh, instances.INSTANCE_FILE), json.dumps(kept).encode())
    files.sync_tree(fresh)
    os.rename(fresh, folder)
    files.sync(os.path.dirname(folder))
    files.sync(paths.ETC)


def write_granted(path: str, grant: Mapping[str, Any], contents: Mapping[str, str]) -> None:
    owner = (int(grant["uid"] or 0), int(grant["gid"] or 0))
    mode = FILE_MODE if grant["mode"] is None else grant["mode"]
    # Before root closes it to itself: files are written under another name, with the mode at the end.
    files.write_file(path, base64.b64decode(contents[grant["source"]]), mode, owner)


def write_state(id: str, generation: int, wanted: str) -> None:
    """Says which generation is in force and whether it is to run: from this moment a start or stop counts."""
    content = json.dumps({"generation": generation, "wanted": wanted}).encode()
    files.write_file(os.path.join(paths.instance_folder(id), instances.STATE_FILE), content)


def write_done(id: str, generation: int, container: str) -> None:
    files.write_file(instances.done_file(id, generation, container), b"")


def forget_done(id: str, generation: int) -> None:
    """Has the jobs of a generation run again with its next start."""
    folder = os.path.dirname(instances.done_file(id, generation, ""))
    for name in os.listdir(folder):
        files.remove_file(os.path.join(folder, name))


def drop_generations(id: str, before: int) -> None:
    """Removes older generations, with their secrets, and halves of any that a loss of power has left."""
    folder = paths.instance_folder(id)
    for name in os.listdir(folder):
        if name.endswith(".new") or (instances.GENERATION.fullmatch(name) and int(name) < before):
            remove_path(os.path.join(folder, name))
    remove_orders(id, before)


def remove_path(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        files.remove_file(path)


def remove_orders(id: str, up_to: int) -> None:
    """Removes what the server has uploaded for generations of an instance: it holds secrets."""
    folder = os.path.dirname(paths.order_file(id, 1))
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        prefix, _, generation = name.partition(".")[0].partition("-")
        if prefix == id and instances.GENERATION.fullmatch(generation) and int(generation) <= up_to:
            files.remove_file(os.path.join(folder, name))
