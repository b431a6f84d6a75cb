"""The job: what one run of Ansible does. `ansibleJob` of the contracts defines it; job.schema.json comes from that."""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from dataclasses import dataclass
from typing import Any, Mapping, Optional

from .collections import collection_folder
from .host_error import HostError
from .schema import find_faults

SCHEMA_FILE = "job.schema.json"
# By these names agents of earlier releases hand over what the server has sent them, and no collection but its folder.
FORMER_NAMES = {"variables": "extra_vars", "expected": "expected_digest"}


class InvalidJob(HostError):
    """The job cannot be read, or is none."""


@dataclass(frozen=True)
class AnsibleJob:
    playbook: str
    # The folder that the playbook is in; None for the playbooks of the tools.
    project: Optional[str]
    extra_vars: Mapping[str, Any]
    # Marks the lines of JSON that tell of tasks; None for the output that Ansible has for people.
    nonce: Optional[str]
    check: bool
    diff: bool
    # Of a plan: unless --check gives it again, nothing is changed.
    expected_digest: Optional[str]
    # Seconds after which the run is ended, where nobody else would.
    timeout: Optional[float]


def load_schema() -> Any:
    data = pkgutil.get_data(__package__, SCHEMA_FILE)
    if data is None:
        raise InvalidJob("%s is missing beside this program" % SCHEMA_FILE)
    return json.loads(data)


def parse_job(data: Any) -> AnsibleJob:
    """Checks a job by the schema. Throws `InvalidJob`, which names the field that is wrong."""
    if not isinstance(data, dict):
        raise InvalidJob("a job must be an object")
    project, current = rename_former(data)
    faults = list(find_faults(load_schema(), current, "job"))
    if faults:
        raise InvalidJob("; ".join(faults[:3]))
    collection = current.pop("collection", None)
    if collection is not None:
        project = collection_folder(collection["name"], collection["version"])
    return AnsibleJob(project=project, **current)


def rename_former(data: Mapping[str, Any]) -> tuple[Optional[str], dict[str, Any]]:
    """Returns the playbook's folder, which agents of earlier releases name, and the job by its present names."""
    job = dict(data)
    project = job.pop("project", None)
    former = {name: job.pop(name) for name in FORMER_NAMES if name in job}
    if "extra_vars" in job:
        return None, job
    renamed = {FORMER_NAMES[name]: value for name, value in former.items()}
    return project, {"timeout": job.pop("seconds", None), **job, **renamed}


def read_job(path: str) -> AnsibleJob:
    """Reads the job from a file, which is removed, or for "-" from a line of standard input. Throws `InvalidJob`."""
    try:
        if path == "-":
            return parse_job(json.loads(sys.stdin.buffer.readline()))
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        os.unlink(path)
        return parse_job(data)
    except (OSError, ValueError) as error:
        # Not its text: that may quote the job, in which there are secrets.
        raise InvalidJob(type(error).__name__) from error
