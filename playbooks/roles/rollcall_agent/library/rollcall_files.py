"""Ansible module: folders and files of root's, all in one go."""

import filecmp
import os
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

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


def has_mode(path, mode, kind):
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return kind(found.st_mode) and stat.S_IMODE(found.st_mode) == mode and found.st_uid == 0 and found.st_gid == 0


def make_folder(path, mode):
    os.makedirs(path, mode=mode, exist_ok=True)
    os.chown(path, 0, 0)
    os.chmod(path, mode)


def write_file(source, target, mode):
    folder = os.path.dirname(target)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    with open(source, "rb") as file:
        content = file.read()
    handle, fresh = tempfile.mkstemp(prefix=".rollcall-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchown(file.fileno(), 0, 0)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, target)
    except BaseException:
        os.unlink(fresh)
        raise


def main():
    entry = {"mode": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "folders": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"path": {"type": "path", "required": True}, **entry},
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "from": {"type": "path", "required": True},
                    "to": {"type": "path", "required": True},
                    **entry,
                },
            },
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    written = []
    try:
        for folder in module.params["folders"]:
            path, mode = folder["path"], int(folder["mode"], 8)
            if has_mode(path, mode, stat.S_ISDIR):
                continue
            written.append(path)
            if not module.check_mode:
                make_folder(path, mode)
        for file in module.params["files"]:
            source, target, mode = file["from"], file["to"], int(file["mode"], 8)
            if has_mode(target, mode, stat.S_ISREG) and filecmp.cmp(source, target, shallow=False):
                continue
            written.append(target)
            if not module.check_mode:
                write_file(source, target, mode)
        for path in module.params["absent"]:
            if os.path.lexists(path):
                written.append(path)
                if not module.check_mode:
                    os.unlink(path)
    except OSError as error:
        module.fail_json(msg="Cannot write %s: %s" % (written[-1] if written else "a file", error))
    module.exit_json(changed=bool(written), written=written)


if __name__ == "__main__":
    main()
