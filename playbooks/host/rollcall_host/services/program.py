"""This package as the program of one file that the units run, so that they need no tools of a server's release."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import os
import zipfile

from .. import files, systemd
from ..upgrade.program import host_folder, pack
from . import paths

# The head of a module whose source is not looked at. Another Python passes over it by its number, and reads the source.
UNCHECKED = (1).to_bytes(4, "little") + bytes(8)


def save() -> None:
    """Writes the program where it differs, and has the warden run the new one. That program itself writes nothing."""
    if not os.path.isdir(host_folder()):
        return
    source = pack()
    mark = digest(source)
    saved = files.read_file(paths.saved_program())
    if saved is not None and saved.endswith(mark):
        return
    os.makedirs(paths.PROGRAM, mode=0o755, exist_ok=True)
    files.write_file(paths.saved_program(), add_compiled(source, mark), 0o644)
    files.sync(os.path.dirname(paths.PROGRAM))
    systemd.systemctl("try-restart", "--no-block", paths.WARDEN_UNIT, check=False)


def digest(program: bytes) -> bytes:
    """Returns what stands for the modules of a program, whenever they were written."""
    found = hashlib.sha256()
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        for name in sorted(archive.namelist()):
            content = archive.read(name)
            found.update(b"%s %d\n%s" % (name.encode(), len(content), content))
    return found.hexdigest().encode()


def add_compiled(program: bytes, mark: bytes) -> bytes:
    """Returns a program with its modules compiled beside their sources, and with `mark` at its end.

    To compile them takes each step of a unit some milliseconds, and the warden more than a megabyte for good.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(program)) as sources, zipfile.ZipFile(content, "w") as archive:
        for name in sources.namelist():
            source = sources.read(name)
            archive.writestr(name, source)
            if name.endswith(".py"):
                code = marshal.dumps(compile(source, name, "exec", dont_inherit=True))
                archive.writestr(name + "c", importlib.util.MAGIC_NUMBER + UNCHECKED + code)
        archive.comment = mark
    return content.getvalue()
