"""Places one version of users' own playbooks on the host, where the agent would place it too.

    place-collection NAME VERSION < files.json.gz

Standard input is a list of {"path", "mode", "data"}, data in base64. What is there and the same stays as it is. The
version before it is kept.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import json
import os
import sys
from typing import IO, Mapping, Optional

from . import versions
from .host_error import HostError

COLLECTIONS = "/opt/rollcall-tools/collections"
# By path: the mode and the content.
Files = Mapping[str, tuple[int, bytes]]


def collection_folder(name: str, version: str) -> str:
    """Returns where a version of a collection is on the host."""
    return os.path.join(COLLECTIONS, name, version)


def main(_verb: str, name: str, version: str) -> int:
    wanted = read_files(sys.stdin.buffer)
    os.umask(0o077)
    parent = os.path.join(COLLECTIONS, name)
    os.makedirs(parent, exist_ok=True)
    lock = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if files_in(collection_folder(name, version)) != wanted:
            versions.write_version(parent, version, lambda folder: write_files(folder, wanted))
        versions.publish(parent, version)
    finally:
        os.close(lock)
    return 0


def read_files(stream: IO[bytes]) -> Files:
    """Reads the collection. Throws `HostError` for a path out of it."""
    files = {}
    for file in json.loads(gzip.decompress(stream.read())):
        path = file["path"]
        if path.startswith("/") or ".." in path.split("/"):
            raise HostError("%r is not within the collection" % path)
        files[path] = (file["mode"] & 0o777, base64.b64decode(file["data"]))
    return files


def files_in(folder: str) -> Optional[Files]:
    """Returns the files of a folder; None where something in it is neither a file nor a folder."""
    files = {}
    for place, folders, names in os.walk(folder):
        for name in names + folders:
            path = os.path.join(place, name)
            if os.path.islink(path):
                return None
            if name in folders:
                continue
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder)] = (os.fstat(file.fileno()).st_mode & 0o777, file.read())
    return files


def write_files(folder: str, files: Files) -> None:
    for path, (mode, data) in files.items():
        target = os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, mode)
