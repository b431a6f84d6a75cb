"""What the containers of an instance and their units have written to the journal, a line each:

    <time, RFC 3339 with microseconds> <container> <out | err | host> <text>

`host` says how a container ended, and why podman did not run it; what else podman and systemd say is left out. The
output of a job is `out`, whichever stream it came from.
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import Any, Iterator, Mapping, Optional

from .. import systemd
from ..host_error import HostError
from . import instances, paths
from .step_error import UNKNOWN, StepError

DEFAULT_LINES = 500
MAX_LINES = 10_000
MAX_ERROR_LENGTH = 300
# Entries that are read back to find so many lines of containers.
MAX_READ = 100_000
PRIORITY_OF_ERRORS = "3"
# What systemd says of ends: how the main process failed, that the unit ended well, that there was no memory for it.
PROCESS_ENDED = "98e322203f7a4ed290d09fe03c09fe15"
ENDED_WELL = "7ad2d189f7e94e70a38c781354912448"
OUT_OF_MEMORY = "fe6faa94e7774663a0da52717891d8ef"
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
    units = ["--unit=" + unit for unit in owners]
    begin = time.time()
    count = min(MAX_LINES, max(0, DEFAULT_LINES if lines is None else lines))
    try:
        cursor = print_latest(id, owners, since, count)
        if follow:
            after = "--since=@%.6f" % begin if cursor is None else "--after-cursor=" + cursor
            for entry in read(["--follow", "--lines=all", after, *units]):
                print_entry(id, entry, owners)
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        pass
    return 0


def print_latest(id: str, owners: Mapping[str, str], since: Optional[str], count: int) -> Optional[str]:
    """Prints the latest entries that are told, the oldest first. Returns where the journal ends, None if empty."""
    words = ["--since=@%.6f" % parse_time(since)] if since is not None else []
    words += ["--unit=" + unit for unit in owners]
    kept: list[Mapping[str, Any]] = []
    cursor: Optional[str] = None
    # Of a container that ends again and again, most is systemd's: read back until enough is the container's.
    for entry in itertools.islice(read(["--reverse", "--lines=%d" % MAX_READ, *words]), MAX_READ):
        cursor = cursor or entry.get("__CURSOR")
        if len(kept) >= count:
            break
        if is_told(id, entry, owners):
            kept.append(entry)
    for entry in reversed(kept):
        print_entry(id, entry, owners)
    sys.stdout.buffer.flush()
    return cursor


def read(words: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yields entries of the journal. journalctl ends with the reading of them."""
    with subprocess.Popen(
        ["journalctl", "--output=json", "--all", "--no-pager", "--quiet", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    ) as process:
        if process.stdout is None:
            raise HostError("journalctl has no output")
        try:
            for line in process.stdout:
                yield json.loads(line)
        finally:
            process.terminate()


def print_entry(id: str, entry: Mapping[str, Any], owners: Mapping[str, str]) -> None:
    if is_told(id, entry, owners):
        sys.stdout.buffer.write(format_entry(id, entry, owners).encode("utf-8", "replace"))


def is_told(id: str, entry: Mapping[str, Any], owners: Mapping[str, str] = {}) -> bool:
    """Returns whether an entry is of a container, says how it ended, or why podman did not run it."""
    # podman writes down there what it does, for `podman events`.
    if "PODMAN_EVENT" in entry:
        return False
    return source(id, entry, owners)[1] != "host" or is_end(entry) or text_of(entry).startswith("Error: ")


def is_end(entry: Mapping[str, Any]) -> bool:
    return entry.get("MESSAGE_ID") in (PROCESS_ENDED, ENDED_WELL, OUT_OF_MEMORY)


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
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    name, stream = source(id, entry, owners)
    return "".join("%s %s %s %s\n" % (moment, name, stream, line) for line in text_of(entry).split("\n"))


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
    if entry.get("MESSAGE_ID") == PROCESS_ENDED and str(entry.get("EXIT_STATUS", "")).isdigit():
        how = "with exit code" if entry.get("EXIT_CODE") == "exited" else "by signal"
        return "ended %s %s" % (how, entry["EXIT_STATUS"])
    if entry.get("MESSAGE_ID") == ENDED_WELL:
        return "ended well"
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
