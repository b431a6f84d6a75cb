"""Lays out Ansible and the playbooks under /opt/rollcall-tools, one folder a version.

    lay-out-tools VERSION < tools.tar.gz

Waits while an agent is being installed on the host.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from typing import Callable

from . import files, versions
from .host_error import HostError
from .locks import InstallLock

TOOLS = "/opt/rollcall-tools"
COLLECTIONS = "collections"
BUNDLE = "bundle.tar"


def main(_verb: str, version: str) -> int:
    os.umask(0o022)
    lock = InstallLock()
    lock.wait()
    try:
        lay_out_tools(lambda: tarfile.open(fileobj=sys.stdin.buffer, mode="r|gz"), version)
    finally:
        lock.release()
    return 0


def lay_out_tools(open_archive: Callable[[], tarfile.TarFile], version: str) -> None:
    """Makes a version of the tools complete and current; the one before it stays. Throws `HostError`."""
    place = os.path.join(TOOLS, version)
    is_current = files.read_link(os.path.join(TOOLS, versions.CURRENT)) == version
    if is_current and files.read_line(os.path.join(place, "VERSION")) == version:
        return
    try:
        if os.path.lexists(os.path.join(TOOLS, "VERSION")):
            shutil.rmtree(TOOLS)  # of a release that kept one version only, right there
        os.makedirs(TOOLS, mode=0o755, exist_ok=True)
        versions.write_version(TOOLS, version, lambda folder: unpack_tools(open_archive, version, folder))
        versions.publish(TOOLS, version, kept=[COLLECTIONS])
    except (OSError, tarfile.TarError, EOFError) as error:
        raise HostError("Cannot lay out %s: %s" % (TOOLS, error)) from error


def unpack_tools(open_archive: Callable[[], tarfile.TarFile], version: str, folder: str) -> None:
    with open_archive() as archive:
        files.unpack(archive, folder)
    bundle = os.path.join(folder, BUNDLE)
    with tarfile.open(bundle) as archive:
        files.unpack(archive, os.path.join(folder, "ansible"))
    os.unlink(bundle)
    with open(os.path.join(folder, "VERSION"), "w") as file:
        file.write(version + "\n")
