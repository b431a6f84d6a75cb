"""Runs one playbook and reports its tasks in lines of JSON (callback_plugins/rollcall_events.py).

    run JOB [--login] [--while-stdin] [--own]

JOB is a file of mode 0600, which is removed as soon as it was read, or "-" for the first line of standard input. With
`--while-stdin` the run ends with that input. `--login` keeps the umask, which is that of a login of root; without it
the umask is 022. `--own` says that the playbook is one of Rollcall's own (see AnsibleRun). Returns Ansible's exit code,
72 where the host is not as the plan says, 73 where the job cannot be read.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from typing import Iterator, Optional

from .ansible import AnsibleRun
from .groups import ProcessGroups, to_exit_code
from .jobs import AnsibleJob, InvalidJob, read_job

PLAN_OUTDATED = 72
NO_JOB = 73
MAX_PLAN_BYTES = 8 * 1024 * 1024
# Variables lie in memory and are gone with the power; what tasks write, which may be large, lies on the disk.
PRIVATE = "/run"
ON_DISK = "/var/tmp"
PREFIX = "rollcall-playbook-"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def main(_verb: str, path: str, *flags: str) -> int:
    if "--login" not in flags:
        os.umask(0o022)
    try:
        job = read_job(path)
    except InvalidJob as error:
        print("The job for the playbook cannot be read (%s). Run it again." % error, file=sys.stderr)
        return NO_JOB
    try:
        with temporary_folders() as (private, scratch):
            run = AnsibleRun(private, scratch, is_own="--own" in flags)
            run.write_variables(job)
            return supervise(run, job, ends_with_input="--while-stdin" in flags)
    except OSError as error:
        print("There is no place for the playbook's temporary files: %s" % error, file=sys.stderr)
        return NO_JOB


def supervise(run: AnsibleRun, job: AnsibleJob, ends_with_input: bool) -> int:
    groups = ProcessGroups()
    groups.end_on_signal()
    if ends_with_input:
        groups.end_with_input()
    if job.timeout is not None:
        groups.end_after(job.timeout)
    if job.expected_digest is not None and plan_digest(run, job, groups) != job.expected_digest:
        print(json.dumps({"nonce": job.nonce, "event": "outdated"}), flush=True)
        return PLAN_OUTDATED
    return to_exit_code(run.start(job, groups, job.check, job.diff).wait())


def plan_digest(run: AnsibleRun, job: AnsibleJob, groups: ProcessGroups) -> Optional[str]:
    """Returns the digest that --check gives now, None where it fails."""
    planned = run.start(job, groups, check=True, diff=True, stdout=subprocess.PIPE)
    assert planned.stdout is not None
    output = planned.stdout.read(MAX_PLAN_BYTES)
    planned.stdout.close()
    if planned.wait() != 0:
        return None
    for line in reversed(output.decode("utf-8", "replace").splitlines()):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("nonce") == job.nonce and event.get("event") == "end":
            digest = event.get("digest")
            return digest if isinstance(digest, str) else None
    return None


@contextmanager
def temporary_folders() -> Iterator[tuple[str, str]]:
    """Makes the run's private folder and its scratch folder, and removes both at its end."""
    made: list[str] = []
    try:
        for place in (PRIVATE, ON_DISK):
            remove_leftovers(place)
            made.append(tempfile.mkdtemp(prefix="%s%d-%s-" % (PREFIX, os.getpid(), read_boot()), dir=place))
        yield made[0], made[1]
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def read_boot() -> str:
    """Returns what names this boot of the host."""
    with open(BOOT_ID) as file:
        return file.read(8)


def remove_leftovers(place: str) -> None:
    """Removes the folders of runs that were killed or lost power: their variables must not stay."""
    for name in os.listdir(place):
        if not name.startswith(PREFIX):
            continue
        pid, _, rest = name[len(PREFIX):].partition("-")
        is_of_this_boot = rest.count("-") == 0 or rest.startswith(read_boot() + "-")
        if not pid.isdigit() or (is_of_this_boot and os.path.exists("/proc/" + pid)):
            continue
        path = os.path.join(place, name)
        try:
            # Anybody may make a folder in one of the places; root's alone are ours.
            is_ours = os.lstat(path).st_uid == os.getuid()
        except FileNotFoundError:
            continue
        if is_ours:
            shutil.rmtree(path, ignore_errors=True)
