"""Text that a check has brought: hostile, and fit for a report once it has passed here."""

from __future__ import annotations

MAX_DETAIL = 120
MAX_REASON = 300
UNFIT = "\ufffd"


def plain(text: str, limit: int) -> str:
    """Returns one line of at most `limit` characters in which nothing can act on a terminal."""
    line = " ".join(text[: 4 * limit].split())
    # Beyond U+FFFF a character counts as two where the server reads it.
    return "".join(char if char.isprintable() and char <= "\uffff" else UNFIT for char in line[:limit])


def to_seconds(value: float) -> str:
    return ("%.1f" % value).rstrip("0").rstrip(".") + " s"
