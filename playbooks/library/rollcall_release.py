"""Ansible module: one release of a program as a folder of its own, and a link to the one in use."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tarfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.rollcall_host.files import read_file, read_link, set_link, sync, sync_tree, unpack, write_file
from ansible.module_utils.rollcall_host.signature import Refused, check_keyring, check_release

DOCUMENTATION = r"""
module: rollcall_release
short_description: Lays out a release beside older ones and makes it the current one
description:
  - Unpacks C(archive) to I(path)/releases/I(name) under another name, has it on the disk, and renames it. The folder is
    there completely or not at all, whenever the host dies.
  - Before that sees that a key of C(keyring) has signed version, architecture and hash, and that the host trusts that
    keyring, which is then kept in C(keyring_file). A host that has none yet, because its agent is of before releases
    were signed, takes it.
  - Points I(path)/current to it in one step, and removes older releases that no process runs from.
options:
  path:
    type: path
    required: true
    description: The folder that holds C(releases) and C(current).
  name:
    type: str
    required: true
    description: The folder name of the release. Another content needs another name.
  archive:
    type: path
    description: A tar archive. Not needed when the release is there.
  sha256:
    type: str
    required: true
    description: What the archive must hash to.
  version:
    type: str
    required: true
    description: What the release says of itself.
  signature:
    type: str
    description: Of version, architecture and hash, in base64. Not needed when the release is there.
  keyring:
    type: str
    required: true
    description: The keys that releases are signed with, as text.
  keyring_signatures:
    type: list
    elements: str
    default: []
    description: Of that text, by keys that hosts may know.
  keyring_file:
    type: path
    required: true
    description: Where the host keeps the keyring that it trusts.
  is_keyring_authentic:
    type: bool
    default: false
    description: It came with an installation, over SSH, and takes the place of what is there.
  keep:
    type: int
    default: 2
    description: How many releases stay, the current one included.
  is_current:
    type: bool
    default: true
    description: Whether C(current) is to lead to it and older ones are to go. Without that it only lies there.
"""

ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "archive": {"type": "path"},
    "sha256": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "signature": {"type": "str"},
    "keyring": {"type": "str", "required": True, "no_log": False},
    "keyring_signatures": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "keyring_file": {"type": "path", "required": True, "no_log": False},
    "is_keyring_authentic": {"type": "bool", "default": False, "no_log": False},
    "keep": {"type": "int", "default": 2},
    "is_current": {"type": "bool", "default": True},
}
CHUNK_BYTES = 1024 * 1024
ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


def hash_file(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


def check_signatures(params: dict[str, Any], is_new: bool) -> bool:
    """Returns whether the keyring is another than the host's. Throws `Refused`."""
    content = read_file(params["keyring_file"])
    pinned = None if content is None else content.decode("utf-8")
    if pinned is not None and not params["is_keyring_authentic"]:
        check_keyring(params["keyring"], params["keyring_signatures"], pinned)
    if is_new:
        architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
        check_release(params["version"], architecture, params["sha256"], params["signature"], params["keyring"])
    return bool(pinned != params["keyring"])


def keep_keyring(path: str, keyring: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    write_file(path, keyring.encode())


def lay_out(module: AnsibleModule, releases: str, target: str) -> None:
    params = module.params
    archive = params["archive"]
    if not archive:
        module.fail_json(msg="The release %s is not on this host and no archive was given." % params["name"])
    found = hash_file(archive)
    if found != params["sha256"]:
        module.fail_json(msg="%s is damaged: it hashes to %s instead of %s." % (archive, found, params["sha256"]))
    partial = os.path.join(releases, ".%s.partial" % params["name"])
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            unpack(tar, partial)
        sync_tree(partial)
        os.rename(partial, target)
        sync(releases)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def find_used(releases: str) -> set[str]:
    """Returns the releases that a process runs from: a command's runner outlives the agent that started it."""
    names = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for what in ("exe", "cwd"):
            try:
                path = os.readlink("/proc/%s/%s" % (pid, what))
            except OSError:
                continue
            if path.startswith(releases + "/"):
                names.add(path[len(releases) + 1:].split("/")[0])
    return names


def find_outdated(releases: str, current: str, keep: int) -> list[str]:
    """Returns the releases to remove: all but the current one, the newest of the others, and those in use."""
    entries = [name for name in os.listdir(releases) if name != current]
    newest_first = sorted(entries, key=lambda name: os.stat(os.path.join(releases, name)).st_mtime, reverse=True)
    spared = [name for name in newest_first if not name.startswith(".")][: max(0, keep - 1)]
    used = find_used(os.path.realpath(releases))
    return [name for name in newest_first if name not in spared and name not in used]


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    path, name = params["path"], params["name"]
    releases, link = os.path.join(path, "releases"), os.path.join(path, "current")
    target, to = os.path.join(releases, name), os.path.join("releases", name)
    is_new = not os.path.isdir(target)
    is_moved = params["is_current"] and read_link(link) != to
    try:
        is_keyring_new = check_signatures(params, is_new)
    except (Refused, OSError) as error:
        module.fail_json(msg="[release.refused] Nothing was laid out: %s" % error)
    if module.check_mode:
        module.exit_json(changed=is_new or is_moved or is_keyring_new)
    removed = []
    try:
        os.makedirs(releases, mode=0o755, exist_ok=True)
        if is_new:
            lay_out(module, releases, target)
        if is_keyring_new:
            keep_keyring(params["keyring_file"], params["keyring"])
        if is_moved:
            set_link(link, to)
        if params["is_current"]:
            removed = find_outdated(releases, name, params["keep"])
        for old in removed:
            shutil.rmtree(os.path.join(releases, old))
    except (OSError, tarfile.TarError, EOFError) as error:
        module.fail_json(msg="Cannot lay out the release %s: %s" % (name, error))
    module.exit_json(changed=bool(is_new or is_moved or is_keyring_new or removed), removed=removed)


if __name__ == "__main__":
    main()
