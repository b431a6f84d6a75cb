"""What podman keeps on the disk, read without podman, whose start takes longer than all else that a unit's start does.

What stands nowhere there is unknown to podman. The opposite is not true: a database keeps the text of what was deleted.
"""

from __future__ import annotations

import os
import re
from typing import Callable, Iterator

GRAPH_ROOT = "/var/lib/containers/storage"
# Podman reads the first of them that is there.
STORAGE_CONF = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
CONTAINERS_CONF = ("/etc/containers/containers.conf", "/usr/share/containers/containers.conf")
# BoltDB and SQLite, the second with what it has not merged yet.
DATABASES = (os.path.join("libpod", "bolt_state.db"), "db.sql")
WRITE_AHEAD_LOG = "db.sql-wal"
MAX_FILE_BYTES = 64 * 1024 * 1024


class Unknown(Exception):
    """The files do not say: podman is to be asked."""


def may_have_container(name: str) -> bool:
    """Returns False where podman and its storage have no container of a name; True also where the files do not say."""
    return may_stand_in(name, container_files)


def may_have_secret(prefix: str) -> bool:
    """Returns False where podman has no secret whose name has this in it; True also where the files do not say."""
    return may_stand_in(prefix, secret_files)


def may_stand_in(text: str, files_of: Callable[[str], Iterator[bytes]]) -> bool:
    try:
        return any(text.encode() in content for content in files_of(graph_root()))
    except (OSError, Unknown):
        return True


def graph_root() -> str:
    """Returns where podman's storage is. Throws `Unknown` where a setting puts parts of it elsewhere."""
    for path in CONTAINERS_CONF:
        if os.path.exists(path) and re.search(rb"^\s*static_dir\s*=", read(path), re.MULTILINE):
            raise Unknown
    conf = next((each for each in STORAGE_CONF if os.path.exists(each)), None)
    settings = b"" if conf is None else read(conf)
    if re.search(rb"^\s*transient_store\s*=\s*true", settings, re.MULTILINE):
        raise Unknown
    found = re.search(rb'^\s*graphroot\s*=\s*"([^"]+)"', settings, re.MULTILINE)
    return GRAPH_ROOT if found is None else os.fsdecode(found[1])


def container_files(root: str) -> Iterator[bytes]:
    """Yields podman's database and the lists of its storage. Throws `Unknown` where one is missing or cut off."""
    databases = [each for each in DATABASES if os.path.exists(os.path.join(root, each))]
    folders = [name for name in os.listdir(root) if name.endswith("-containers")]
    if not databases or not folders:
        raise Unknown
    for name in [*databases, WRITE_AHEAD_LOG]:
        if name != WRITE_AHEAD_LOG or os.path.exists(os.path.join(root, name)):
            yield read(os.path.join(root, name))
    for folder in folders:
        for name in os.listdir(os.path.join(root, folder)):
            if name.endswith("containers.json"):
                yield whole_list(read(os.path.join(root, folder, name)))


def secret_files(root: str) -> Iterator[bytes]:
    if not any(os.path.exists(os.path.join(root, each)) for each in DATABASES):
        raise Unknown
    path = os.path.join(root, "secrets", "secrets.json")
    # Podman makes it with the first secret.
    if os.path.exists(path):
        yield read(path)


def whole_list(content: bytes) -> bytes:
    """Returns a list of JSON. Throws `Unknown` for what a loss of power has left of one."""
    text = content.strip()
    if text != b"null" and not (text.startswith(b"[") and text.endswith(b"]")):
        raise Unknown
    return text


def read(path: str) -> bytes:
    """Returns a file. Throws `Unknown` where it is too long to be read at each start."""
    with open(path, "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise Unknown
    return content
