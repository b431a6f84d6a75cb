"""Ansible as a program: its arguments and environment as values, and how it is started for a job."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Mapping, Optional

from . import files
from .groups import ProcessGroups
from .jobs import AnsibleJob
from .variables import format_variables

VARIABLES = "variables.yml"
# What our playbooks are written for. A host's own Ansible of this version or a later one is used by users' playbooks.
MIN_OWN_VERSION = (2, 14)
OWN_PROGRAM = "/usr/bin/ansible-playbook"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Variables that would change how Ansible and Python themselves work.
REMOVED_PREFIXES = ("ANSIBLE_", "PYTHON", "LC_", "LD_", "SSH_", "SUDO_")


def tools_folder() -> str:
    """Returns the folder of Ansible and playbooks that this package is part of."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def login_environment() -> dict[str, str]:
    """Returns what a login of this user has."""
    user = pwd.getpwuid(os.getuid())
    return {
        "PATH": PATH,
        **{name: value for name, value in os.environ.items() if not name.startswith(REMOVED_PREFIXES)},
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
    }


def own_version() -> tuple[int, ...]:
    from importlib import metadata

    try:
        return tuple(int(part) for part in metadata.version("ansible-core").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return ()


@dataclass(frozen=True)
class AnsibleRun:
    """One run's surroundings: the tools, two folders that only root can read, and whether it is Rollcall's own.

    Rollcall's own runs have the bundled Ansible and nothing of the login; others the host's Ansible where it is recent.
    """

    private: str
    scratch: str
    is_own: bool
    tools: str = field(default_factory=tools_folder)
    # Where the outcome is written, as JSON.
    result: Optional[str] = None

    def write_variables(self, job: AnsibleJob) -> None:
        files.write_file(os.path.join(self.private, VARIABLES), format_variables(job.extra_vars).encode())

    def program(self) -> list[str]:
        if not self.is_own and os.access(OWN_PROGRAM, os.X_OK) and own_version() >= MIN_OWN_VERSION:
            return [OWN_PROGRAM]
        return [sys.executable, "-I", os.path.join(self.tools, "ansible")]

    def command(self, job: AnsibleJob, check: bool, diff: bool) -> list[str]:
        return [
            *self.program(),
            "--inventory", "localhost,",
            "--connection", "local",
            "--extra-vars", "ansible_python_interpreter=" + sys.executable,
            "--extra-vars", "@" + os.path.join(self.private, VARIABLES),
            *(["--check"] if check else []),
            *(["--diff"] if diff else []),
            os.path.join(self.project(job), job.playbook),
        ]

    def environment(self, job: AnsibleJob) -> dict[str, str]:
        playbooks = os.path.join(self.tools, "playbooks")
        roles = [os.path.join(folder, "roles") for folder in (self.project(job), playbooks)]
        return {
            **(self.plain_environment() if self.is_own else login_environment()),
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_CONFIG": os.path.join(playbooks, "ansible.cfg"),
            "ANSIBLE_HOME": self.scratch,
            "ANSIBLE_LOCAL_TEMP": os.path.join(self.scratch, "local"),
            "ANSIBLE_REMOTE_TEMP": os.path.join(self.scratch, "remote"),
            # In the home folder Ansible looks for it in two places: that of HOME, and that of root.
            "ANSIBLE_ASYNC_DIR": os.path.join(self.scratch, "jobs"),
            "ANSIBLE_ROLES_PATH": ":".join(roles),
            **self.reporting(job),
        }

    def plain_environment(self) -> dict[str, str]:
        return {"PATH": PATH, "HOME": self.scratch, "TMPDIR": self.scratch}

    def reporting(self, job: AnsibleJob) -> Mapping[str, str]:
        if job.nonce is None:
            return {} if self.result is None else {"ROLLCALL_RESULT": self.result}
        return {
            "ANSIBLE_STDOUT_CALLBACK": "rollcall_events",
            "ROLLCALL_NONCE": job.nonce,
            "ROLLCALL_SCRATCH": self.scratch,
        }

    def project(self, job: AnsibleJob) -> str:
        return job.project or os.path.join(self.tools, "playbooks")

    def start(
        self,
        job: AnsibleJob,
        groups: ProcessGroups,
        check: bool,
        diff: bool,
        stdout: Optional[int] = None,
        inherited: tuple[int, ...] = (),
    ) -> "subprocess.Popen[bytes]":
        """Starts Ansible, with the variables that `write_variables` has written."""
        return groups.start(self.command(job, check, diff), self.environment(job), stdout, inherited)
