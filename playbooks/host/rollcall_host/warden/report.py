"""The report on the host's instances, as a file that is replaced whole."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Mapping, Optional

MAX_BYTES = 1024 * 1024
# What the parts around the instances need.
MAX_HEAD_BYTES = 1024

Row = Mapping[str, Any]


def now_ms() -> int:
    return int(time.time() * 1000)


class ReportWriter:
    """Writes the report. Its digest is a number that grows when the instances change, within a life of the warden."""

    def __init__(self, path: str, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id
        self._life = "%013x" % now_ms()
        self._instances = ""
        self._count = 0
        self.written_at = float("-inf")

    def write(self, rows: list[Row]) -> None:
        """Replaces the report. Throws `OSError` where the disk does not take it."""
        instances = to_json(rows)
        if instances != self._instances:
            self._instances = instances
            self._count += 1
        digest = "%s%08x" % (self._life, self._count)
        head = {"format": 1, "boot_id": self._boot_id, "at_ms": now_ms(), "digest": digest}
        replace(self._path, json.dumps(head)[:-1] + ', "instances": ' + instances + "}")
        self.written_at = time.monotonic()


def to_json(rows: list[Row]) -> str:
    """Returns instances within the bounds of a report. Details go first, then checks, then the last instances."""
    room = MAX_BYTES - MAX_HEAD_BYTES
    for kept in (rows, [without_details(row) for row in rows], [{**row, "reason": None, "checks": []} for row in rows]):
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) <= room:
            return text
    return to_json(rows[: len(rows) // 2])


def without_details(row: Row) -> Row:
    return {**row, "checks": [{**check, "detail": None} for check in row["checks"]]}


def replace(path: str, text: str) -> None:
    fresh = path + ".new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
    os.replace(fresh, path)


def read_previous(path: str, boot_id: str) -> dict[str, Row]:
    """Returns the instances of an earlier warden's report of this boot, by id; none where it cannot be read."""
    try:
        with open(path, "rb") as file:
            report = json.loads(file.read(MAX_BYTES + 1).decode())
        if report["boot_id"] != boot_id or report["format"] != 1:
            return {}
        return {row["instance"]: row for row in report["instances"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def previous_container(row: Optional[Row], name: str) -> Optional[Row]:
    """Returns a container in an instance of an earlier report."""
    each = [] if row is None else row.get("containers", [])
    return next((container for container in each if container.get("name") == name), None)
