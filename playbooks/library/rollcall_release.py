"""Ansible module: one release of a program as a folder of its own, and a link to the one in use."""

import hashlib
import os
import shutil
import tarfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rollcall_release
short_description: Lays out a release beside older ones and makes it the current one
description:
  - Unpacks C(archive) to I(path)/releases/I(name) under another name, has it on the disk, and renames it. The folder is
    there completely or not at all, whenever the host dies.
  - Points I(path)/current to it in one step, and removes older releases that no process runs from.
options:
  path: {type: path, required: true, description: The folder that holds C(releases) and C(current).}
  name: {type: str, required: true, description: The folder name of the release. Another content needs another name.}
  archive: {type: path, description: A tar archive. Not needed when the release is there.}
  sha256: {type: str, required: true, description: What the archive must hash to.}
  keep: {type: int, default: 2, description: How many releases stay, the current one included.}
  is_current: {type: bool, default: true, description: Whether C(current) is to lead to it and older ones are to go. Without that it only lies there.}
"""

CHUNK = 1024 * 1024


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def unpack(archive, folder):
    os.makedirs(folder, mode=0o755)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "tar_filter"):
            tar.extractall(folder, members_of(tar), filter="tar")
        else:
            tar.extractall(folder, members_of(tar))


def members_of(tar):
    """One after the other, as they are unpacked: a list of them would have the whole uncompressed twice."""
    for member in tar:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        yield member


def flush(folder):
    for root, _, names in os.walk(folder):
        for path in [os.path.join(root, name) for name in names] + [root]:
            if os.path.islink(path):
                continue
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)


def lay_out(module, releases, target):
    params = module.params
    archive = params["archive"]
    if not archive:
        module.fail_json(msg="The release %s is not on this host and no archive was given." % params["name"])
    found = digest_of(archive)
    if found != params["sha256"]:
        module.fail_json(msg="%s is damaged: it hashes to %s instead of %s." % (archive, found, params["sha256"]))
    partial = os.path.join(releases, ".%s.partial" % params["name"])
    shutil.rmtree(partial, ignore_errors=True)
    try:
        unpack(archive, partial)
        flush(partial)
        os.rename(partial, target)
        flush_folder(releases)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def flush_folder(path):
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def point(link, to):
    fresh = link + ".new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.symlink(to, fresh)
    os.replace(fresh, link)


def in_use(releases):
    """Names of releases that a process runs from: a command's runner outlives the agent that started it."""
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


def outdated(releases, current, keep):
    entries = [name for name in os.listdir(releases) if name != current]
    newest_first = sorted(entries, key=lambda name: os.stat(os.path.join(releases, name)).st_mtime, reverse=True)
    spared = [name for name in newest_first if not name.startswith(".")][: max(0, keep - 1)]
    used = in_use(os.path.realpath(releases))
    return [name for name in newest_first if name not in spared and name not in used]


def main():
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "name": {"type": "str", "required": True},
            "archive": {"type": "path"},
            "sha256": {"type": "str", "required": True},
            "keep": {"type": "int", "default": 2},
            "is_current": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    path, name = module.params["path"], module.params["name"]
    releases, link = os.path.join(path, "releases"), os.path.join(path, "current")
    target, to = os.path.join(releases, name), os.path.join("releases", name)
    is_new = not os.path.isdir(target)
    is_moved = module.params["is_current"] and (not os.path.islink(link) or os.readlink(link) != to)
    if module.check_mode:
        module.exit_json(changed=is_new or is_moved)
    removed = []
    try:
        os.makedirs(releases, mode=0o755, exist_ok=True)
        if is_new:
            lay_out(module, releases, target)
        if is_moved:
            point(link, to)
        if module.params["is_current"]:
            removed = outdated(releases, name, module.params["keep"])
        for old in removed:
            shutil.rmtree(os.path.join(releases, old))
    except (OSError, tarfile.TarError, EOFError) as error:
        module.fail_json(msg="Cannot lay out the release %s: %s" % (name, error))
    module.exit_json(changed=bool(is_new or is_moved or removed), removed=removed)


if __name__ == "__main__":
    main()
