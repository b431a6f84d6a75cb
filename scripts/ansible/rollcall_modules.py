"""Lets modules that run on this very host import from this folder, where everything is compiled.

Ansible sends each module a zip of all that it imports, and Python compiles that for every task, which is a third of
what a task takes. A file of the zip that is the same, byte for byte, as the one here is imported from here.
Whatever else the zip holds, such as a playbook's own modules and what replaces Ansible's, comes from the zip.
"""

import importlib.util
import os
import sys
import zipfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BEFORE = "        from ansible.module_utils import basic\n"
# On another host, to which a playbook may delegate, there is no such folder.
LINES = """        sys.path.insert(0, %(here)r)
        try:
            import rollcall_modules
            rollcall_modules.take_over(modlib_path)
        except ImportError:
            pass
        sys.path.remove(%(here)r)
"""


def import_compiled():
    """Patches the text that wraps modules. A release of Ansible that has another text is left as it is."""
    from ansible.executor import module_common
    lines = (LINES % {"here": HERE}).replace("%", "%%")
    module_common.ACTIVE_ANSIBALLZ_TEMPLATE = module_common.ACTIVE_ANSIBALLZ_TEMPLATE.replace(BEFORE, lines + BEFORE, 1)


def take_over(path):
    """Puts this folder before the zip that the present process, a module's, was sent."""
    with zipfile.ZipFile(path) as sent:
        members = {member.filename: member for member in sent.infolist()}
    sys.meta_path.insert(0, Compiled(path, members))


class Compiled:
    def __init__(self, path, members):
        self.path, self.members = path, members

    def find_spec(self, name, path=None, target=None):
        member = name.replace(".", "/")
        for file, folder in ((member + ".py", None), (member + "/__init__.py", os.path.join(self.path, member))):
            if file in self.members:
                here = os.path.join(HERE, file)
                if not self.is_same(here, self.members[file]):
                    return None
                return importlib.util.spec_from_file_location(
                    name, here, submodule_search_locations=None if folder is None else [folder])
        return None

    def is_same(self, here, member):
        try:
            with open(here, "rb") as file:
                text = file.read()
        except OSError:
            return False
        return len(text) == member.file_size and zlib.crc32(text) == member.CRC
