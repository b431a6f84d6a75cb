"""What the containers of an instance and their units have written to the journal, a line each:

    <time, RFC 3339 with microseconds> <container> <out | err | host> <text>

`host` is what podman and systemd say. The output of a job is `out`, whichever stream it came from.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any, Iterator, Mapping, Optional

from .. import systemd
from ..host_error import HostError
from . import instances, paths
from .step_error import UNKNOWN, StepError

DEFAULT_LINES = 500
MAX_LINES = 10_000
MAX_ERROR_LENGTH = 300
PRIORITY_OF_ERRORS = "3"
# What programs write for terminals, colours above all.
COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)?")


def logs(
    id: str, container: Optional[str], since: Optional[str] = None, follow: bool = False, lines: Optional[int] = None
) -> int:
    """Prints the lines of an instance or one of its containers, the oldest first; with `follow` until it is ended."""
    instance = instances.read_instance(id)
    if instance is None or (container is not None and instance.container(container) is None):
        raise StepError(UNKNOWN, "This host has no such container of instance %s." % id)
    wanted = [each for each in instance.containers if container in (None, each["name"])]
    owners = {unit: each["name"] for each in wanted for unit in [instances.unit_of(id, each)] if unit is not None}
    if not owners:
        raise StepError(UNKNOWN, "Instance %s has no unit, and so no log: its playbook names none." % id)
    with subprocess.Popen(
        command(list(owners), since, follow, lines),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    ) as process:
        if process.stdout is None:
            raise HostError("journalctl has no output")
        try:
            for line in process.stdout:
                entry = json.loads(line)
                # podman writes down there what it does, for `podman events`.
                if "PODMAN_EVENT" not in entry:
                    sys.stdout.buffer.write(format_entry(id, entry, owners).encode("utf-8", "replace"))
                if follow:
                    sys.stdout.buffer.flush()
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            process.terminate()
    return 0


def command(units: list[str], since: Optional[str], follow: bool, lines: Optional[int]) -> list[str]:
    """Returns the argv of journalctl."""
    count = min(MAX_LINES, max(0, DEFAULT_LINES if lines is None else lines))
    return [
        "journalctl", "--output=json", "--all", "--no-pager", "--quiet", "--lines=%d" % count,
        *(["--since=@%.6f" % parse_time(since)] if since is not None else []),
        *(["--follow"] if follow else []),
        *["--unit=" + unit for unit in units],
    ]


def parse_time(text: str) -> float:
    """Returns seconds since the epoch. Older systemds do not read RFC 3339. Throws `HostError`."""
    found = TIME.fullmatch(text)
    if found is None:
        raise HostError("--since must be a time such as 2026-11-30T10:00:00Z")
    day, clock, fraction, zone = found.groups()
    offset = "+00:00" if zone in (None, "Z") else zone
    read = "%sT%s.%s%s" % (day, clock, (fraction or ".0")[1:].ljust(6, "0"), offset)
    try:
        return datetime.fromisoformat(read).timestamp()
    except ValueError as error:
        raise HostError("--since must be a time that there is") from error


def format_entry(id: str, entry: Mapping[str, Any], owners: Mapping[str, str] = {}) -> str:
    """Returns the lines of an entry of the journal: one for each line of its text. `owners` are containers by unit."""
    at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1_000_000, timezone.utc)
    time = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    name, stream = source(id, entry, owners)
    return "".join("%s %s %s %s\n" % (time, name, stream, line) for line in text_of(entry).split("\n"))


def source(id: str, entry: Mapping[str, Any], owners: Mapping[str, str]) -> tuple[str, str]:
    """Returns the container and stream of an entry."""
    prefix = paths.container_name(id, "")
    container = str(entry.get("CONTAINER_NAME", ""))
    if container.startswith(prefix):
        return container[len(prefix):], "err" if entry.get("PRIORITY") == PRIORITY_OF_ERRORS else "out"
    is_said_by_systemd = entry.get("_PID") == "1"
    unit = str(entry.get("UNIT") if is_said_by_systemd else entry.get("_SYSTEMD_UNIT"))
    if unit in owners and unit != paths.unit_name(id, owners[unit]):
        return owners[unit], "host" if is_said_by_systemd else "out"
    before, after = paths.unit_name(id, "|").split("|")
    name = unit[len(before):-len(after)] if unit.startswith(before) and unit.endswith(after) else "-"
    return name, "out" if entry.get("_TRANSPORT") == "stdout" and entry.get("_COMM") == "podman" else "host"


def text_of(entry: Mapping[str, Any]) -> str:
    """Returns the text of an entry, which the journal gives as bytes where it is not plain text."""
    message = entry.get("MESSAGE")
    if isinstance(message, list):
        message = bytes(each & 255 for each in message if isinstance(each, int)).decode("utf-8", "replace")
    text = COLOUR.sub("", str(message or "")).rstrip("\n")
    return "".join(each if each in "\n\t" or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def last_error(unit: str) -> str:
    """Returns what podman has said last of why a unit does not run; nothing where it has not."""
    found = systemd.run(["journalctl", "--output=cat", "--no-pager", "--quiet", "--lines=30", "--unit=" + unit])
    errors = list(find_errors(found.stdout))
    return errors[-1][:MAX_ERROR_LENGTH] if errors else ""


def find_errors(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("Error: "):
            yield line[len("Error: "):].strip()
