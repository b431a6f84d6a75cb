"""Files that a loss of power leaves whole: written under another name, on the disk, and renamed.

Ansible modules of ours import this too.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Iterator, Optional

if TYPE_CHECKING:
    import tarfile


def sync(path: str) -> None:
    """Waits until a file, or the entries of a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: str) -> None:
    """Waits until a folder and all below it are on the disk."""
    for root, _, names in os.walk(folder):
        for path in [os.path.join(root, name) for name in names] + [root]:
            if not os.path.islink(path):
                sync(path)


def write_file(path: str, content: bytes, mode: int = 0o600, owner: Optional[tuple[int, int]] = None) -> None:
    """Replaces a file in one step. After a loss of power it is the new one or the old one, whole."""
    fresh = path + ".new"
    remove_file(fresh)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        remove_file(fresh)
        raise
    sync(os.path.dirname(path))


def remove_file(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def read_file(path: str) -> Optional[bytes]:
    """Returns a file's content, None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_line(path: str) -> Optional[str]:
    """Returns the first line of a file without the blanks around it, None where there is no file."""
    content = read_file(path)
    return None if content is None else content.decode("utf-8", "replace").partition("\n")[0].strip()


def read_json(path: str) -> Any:
    """Returns what a file says, None where there is none or it is no JSON."""
    try:
        return json.loads((read_file(path) or b"").decode())
    except ValueError:
        return None


def set_link(link: str, target: str) -> None:
    """Points a symbolic link to `target` in one step."""
    fresh = link + ".new"
    remove_file(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, link)
    sync(os.path.dirname(link))


def read_link(link: str) -> Optional[str]:
    """Returns where a symbolic link points, None where there is none."""
    return os.readlink(link) if os.path.islink(link) else None


def copy_tree(source: str, target: str) -> None:
    """Copies every file of a tree, each whole. Other files under `target` stay."""
    for root, _, names in os.walk(source):
        folder = os.path.join(target, os.path.relpath(root, source))
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                write_file(os.path.join(folder, name), file.read(), os.stat(path).st_mode & 0o7777)


def unpack(archive: tarfile.TarFile, folder: str) -> None:
    """Unpacks files and folders, as root's. Throws `tarfile.TarError` at anything else and at paths out of `folder`."""
    import tarfile

    os.makedirs(folder, mode=0o755)
    # Without it, Pythons that know filters warn or refuse by another one.
    options: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    archive.extractall(folder, checked_members(archive), **options)


def checked_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yields member by member as they are unpacked: an archive is read once, from a pipe too."""
    # Here and not above: a unit of a service and the warden read files, and never an archive.
    import tarfile

    for member in archive:
        is_inside = not member.name.startswith("/") and ".." not in member.name.split("/")
        if not is_inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError("%r is not a file or folder within the archive" % member.name)
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        yield member
