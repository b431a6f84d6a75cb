"""Ansible module: folders and files of root's, all in one go."""

from __future__ import annotations

import filecmp
import os
import stat
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.rollcall_host.files import write_file

DOCUMENTATION = r"""
module: rollcall_files
short_description: Makes folders and copies files that are on the host already
description:
  - Each task costs a host about a third of a second, most of it to start Python. This does the work of a dozen in one.
  - A file is written under another name, has reached the disk, and is then renamed. Everything belongs to root.
options:
  folders:
    type: list
    elements: dict
    description: Each with C(path) and C(mode). Parents that are missing get the same mode.
  files:
    type: list
    elements: dict
    description: Each with C(from), C(to) and C(mode). A folder that is missing is made, for everybody to read.
  absent:
    type: list
    elements: path
    description: Files that are not to be there.
"""

ROOT = (0, 0)
PATH = {"type": "path", "required": True}
MODE = {"type": "str", "required": True}
ARGUMENTS = {
    "folders": {"type": "list", "elements": "dict", "default": [], "options": {"path": PATH, "mode": MODE}},
    "files": {"type": "list", "elements": "dict", "default": [], "options": {"from": PATH, "to": PATH, "mode": MODE}},
    "absent": {"type": "list", "elements": "path", "default": []},
}


def has_mode(path: str, mode: int, kind: Callable[[int], bool]) -> bool:
    """Returns whether a path is of such a kind and mode, and root's."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return kind(found.st_mode) and stat.S_IMODE(found.st_mode) == mode and (found.st_uid, found.st_gid) == ROOT


def make_folder(path: str, mode: int) -> None:
    os.makedirs(path, mode=mode, exist_ok=True)
    os.chown(path, *ROOT)
    os.chmod(path, mode)


def copy_file(source: str, target: str, mode: int) -> None:
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    with open(source, "rb") as file:
        write_file(target, file.read(), mode, ROOT)


def apply(params: dict[str, Any], is_dry_run: bool, written: list[str]) -> None:
    """Makes what differs so, and adds each path to `written` before it is changed."""
    for folder in params["folders"]:
        path, mode = folder["path"], int(folder["mode"], 8)
        if has_mode(path, mode, stat.S_ISDIR):
            continue
        written.append(path)
        if not is_dry_run:
            make_folder(path, mode)
    for file in params["files"]:
        source, target, mode = file["from"], file["to"], int(file["mode"], 8)
        if has_mode(target, mode, stat.S_ISREG) and filecmp.cmp(source, target, shallow=False):
            continue
        written.append(target)
        if not is_dry_run:
            copy_file(source, target, mode)
    for path in params["absent"]:
        if os.path.lexists(path):
            written.append(path)
            if not is_dry_run:
                os.unlink(path)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    written: list[str] = []
    try:
        apply(module.params, module.check_mode, written)
    except OSError as error:
        module.fail_json(msg="Cannot write %s: %s" % (written[-1] if written else "a file", error))
    module.exit_json(changed=bool(written), written=written)


if __name__ == "__main__":
    main()
