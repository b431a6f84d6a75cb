"""The verbs of this package, each with the module that runs it:

    run JOB [--login] [--while-stdin]    one playbook
    install --staging FOLDER …           the playbook that installs the agent, from what the server uploaded
    upgrade JOB                          the playbook that upgrades the agent, as a unit that outlives it
    lay-out-tools VERSION                Ansible and playbooks, from an archive on standard input
    place-collection NAME VERSION        users' own playbooks, from an archive on standard input
    prepare, switch, complete, …         the steps of an upgrade; see upgrade/commands.py
    service STEP …                       instances of services; see services/commands.py
    warden                               the unit that watches instances; see warden/
"""

from __future__ import annotations

import importlib
import sys

from .host_error import HostError

USAGE_ERROR = 64
MAX_MESSAGE_LENGTH = 800
UPGRADE_STEPS = (
    "prepare", "switch", "complete", "roll-back", "record-refusal", "confirm", "reject", "report", "settle",
)
MODULES = {
    "run": "run",
    "install": "install",
    "upgrade": "upgrade.unit",
    "lay-out-tools": "tools",
    "place-collection": "collections",
    "service": "services.commands",
    "warden": "warden.main",
    **dict.fromkeys(UPGRADE_STEPS, "upgrade.commands"),
}


def main(words: list[str]) -> int:
    """Runs the verb that `words` begin with. Returns its exit code: 1, and prints why, where it failed."""
    if not words or words[0] not in MODULES:
        print("usage: one of: %s" % ", ".join(MODULES), file=sys.stderr)
        return USAGE_ERROR
    # Only what the verb needs is imported: each takes a host some milliseconds, and a boot runs one of them.
    module = importlib.import_module("rollcall_host." + MODULES[words[0]])
    try:
        return int(module.main(*words))
    except (HostError, OSError) as error:
        print(str(error)[:MAX_MESSAGE_LENGTH], file=sys.stderr, flush=True)
        return 1
