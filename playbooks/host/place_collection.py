"""Places one version of users' own playbooks on the host, where the agent would place it too.

    python3 place_collection.py NAME VERSION < files.json.gz

Standard input is a list of {"path", "mode", "data"}, data in base64. It becomes /opt/rollcall-tools/collections/NAME/VERSION, whole or
not at all, and the link "current" beside it is set to it. What is there and the same stays as it is. The version before it is kept.
Needs Python 3.9 and its standard library only.
"""

import base64
import fcntl
import gzip
import json
import os
import shutil
import sys

COLLECTIONS = "/opt/rollcall-tools/collections"


def main():
    name, version = sys.argv[1:]
    wanted = read_files(sys.stdin.buffer)
    os.umask(0o077)
    parent = os.path.join(COLLECTIONS, name)
    os.makedirs(parent, exist_ok=True)
    lock = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    place = os.path.join(parent, version)
    if files_in(place) != wanted:
        write_files(place, wanted)
    publish(parent, version)


def read_files(stream):
    """Of each path its mode and content."""
    files = {}
    for file in json.loads(gzip.decompress(stream.read())):
        path = file["path"]
        if path.startswith("/") or ".." in path.split("/"):
            sys.exit("%r is not within the collection" % path)
        files[path] = (file["mode"] & 0o777, base64.b64decode(file["data"]))
    return files


def files_in(folder):
    """The same of what is there; None where something is that is neither a file nor a folder."""
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


def write_files(place, files):
    fresh = place + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    for path, (mode, data) in files.items():
        target = os.path.join(fresh, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, mode)
    os.sync()  # before the rename: after a power cut a complete name must mean complete files
    shutil.rmtree(place, ignore_errors=True)
    os.rename(fresh, place)


def publish(parent, version):
    current = os.path.join(parent, "current")
    former = os.readlink(current) if os.path.islink(current) else None
    if former == version:
        return
    if os.path.lexists(current + ".new"):
        os.unlink(current + ".new")
    os.symlink(version, current + ".new")
    os.replace(current + ".new", current)
    for name in os.listdir(parent):
        if name not in (version, former, "current"):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


if __name__ == "__main__":
    main()
