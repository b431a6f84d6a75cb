"""Runs the playbook that installs the agent, from what the server has uploaded to a staging folder.

    install --staging FOLDER --tools-version VERSION --owner FLEET/HOST [--found-owner FLEET/HOST]

FOLDER holds job.json, what its variables name, and tools.tar.gz where the host uses another VERSION. Standard input
stays open as long as the server is there: when it ends before the playbook does, the playbook is ended, and FOLDER
removed, so that secrets do not outlive the connection. An older run is ended first. The owner is written down before
anything else, unless the agent has got another owner than it was found to have. The outcome is put into
FOLDER/result.json.
Returns Ansible's exit code, 70 when the server went away, 71 when the tools could not be laid out, 72 when the agent
has got another owner, 73 when the job cannot be read.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tarfile

from . import files
from .ansible import AnsibleRun
from .groups import ProcessGroups, to_exit_code
from .host_error import HostError
from .jobs import InvalidJob, read_job
from .locks import InstallLock, is_same_file
from .tools import TOOLS, lay_out_tools

SERVER_GONE = 70
NO_TOOLS = 71
AGENT_TAKEN = 72
NO_JOB = 73
OWNER = "/etc/rollcall-agent/owner"


def main(_verb: str, *words: str) -> int:
    options = parse_options(words)
    os.umask(0o022)
    # Held open, its inode cannot be given to the folder of a later run, which has the same name.
    staging = os.open(options.staging, os.O_RDONLY | os.O_DIRECTORY)
    lock = InstallLock()
    lock.take_over()
    try:
        if not claim_agent(options.owner, options.found_owner):
            return AGENT_TAKEN
        archive = os.path.join(options.staging, "tools.tar.gz")
        lay_out_tools(lambda: tarfile.open(archive, "r:gz"), options.tools_version)
        code = run_playbook(options.staging, os.path.join(TOOLS, options.tools_version), lock)
        if code == SERVER_GONE and is_same_file(staging, options.staging):
            shutil.rmtree(options.staging, ignore_errors=True)
        return code
    except InvalidJob as error:
        print("The job for the playbook cannot be read (%s). Install again." % error, file=sys.stderr)
        return NO_JOB
    except HostError as error:
        print(error, file=sys.stderr, flush=True)
        return NO_TOOLS
    finally:
        lock.release()


def parse_options(words: "tuple[str, ...]") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install")
    parser.add_argument("--staging", required=True)
    parser.add_argument("--tools-version", required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--found-owner", default="")
    return parser.parse_args(words)


def claim_agent(owner: str, found: str) -> bool:
    """Writes down whose the agent is. Returns False where it has become somebody else's than it was found to be."""
    present = files.read_line(OWNER) or ""
    if re.fullmatch("[0-9a-f-]{36}/[0-9a-f-]{36}", present) and present not in (owner, found):
        return False
    if present != owner:
        os.makedirs(os.path.dirname(OWNER), mode=0o700, exist_ok=True)
        files.write_file(OWNER, (owner + "\n").encode())
    return True


def run_playbook(staging: str, tools: str, lock: InstallLock) -> int:
    job = read_job(os.path.join(staging, "job.json"))
    scratch = os.path.join(staging, "ansible")
    os.makedirs(scratch, mode=0o700, exist_ok=True)
    run = AnsibleRun(scratch, scratch, True, tools, os.path.join(staging, "result.json"))
    run.write_variables(job)
    groups = ProcessGroups()
    # Its processes inherit the lock: it is held for as long as one of them lives.
    playbook = run.start(job, groups, job.check, job.diff, inherited=(lock.handle,))
    lock.record_group(playbook.pid)
    groups.end_on_signal()
    groups.end_with_input()
    code = playbook.wait()
    return SERVER_GONE if groups.has_input_ended.is_set() else to_exit_code(code)
