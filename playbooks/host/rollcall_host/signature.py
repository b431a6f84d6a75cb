"""Signatures of releases (Ed25519, RFC 8032). Ansible modules of ours import this too.

Signed are texts, so that one cannot pass for another:
    release_text()   names a release of the agent by version, architecture and SHA-256
    a keyring        "rollcall release keys", and then a key a line: which keys a host trusts
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Optional, Sequence, Tuple

KEYRING_HEAD = "rollcall release keys"
MAX_KEYS = 16

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


# A point in extended coordinates.
Point = Tuple[int, int, int, int]


class Refused(Exception):
    """Why a release is not laid out."""


def release_text(version: str, architecture: str, sha256: str) -> str:
    """Returns the text that is signed for a release."""
    return "rollcall agent release\nversion %s\narchitecture %s\nsha256 %s\n" % (version, architecture, sha256)


def read_keys(keyring: str) -> list[bytes]:
    """Returns the public keys of a keyring. Throws `Refused` for a text that is none."""
    head, *lines = keyring.strip().split("\n")
    if head != KEYRING_HEAD or not 1 <= len(lines) <= MAX_KEYS:
        raise Refused("The list of release keys cannot be read.")
    return [decode(line, 32, "A release key") for line in lines]


def decode(text: str, size: int, what: str) -> bytes:
    """Returns `size` bytes of base64. Throws `Refused`, which names `what`, for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != size:
        raise Refused("%s is not %d bytes in base64." % (what, size))
    return data


def check_keyring(keyring: str, signatures: Sequence[str], pinned: str) -> None:
    """Throws `Refused` unless one of the keys that the host trusts has signed the keyring that comes."""
    if keyring == pinned:
        return
    trusted, message = read_keys(pinned), keyring.encode()
    for signature in signatures[:MAX_KEYS]:
        if any(verify(key, message, decode(signature, 64, "A signature")) for key in trusted):
            return
    raise Refused(
        "The server trusts other release keys than this host does, and none that the host trusts has signed them. "
        "If they were changed on purpose, install the agent again over SSH."
    )


def check_release(version: str, architecture: str, sha256: str, signature: Optional[str], keyring: str) -> None:
    """Throws `Refused` unless a key of the keyring has signed this release."""
    if not signature:
        raise Refused("The release %s is not signed." % version)
    message, given = release_text(version, architecture, sha256).encode(), decode(signature, 64, "The signature")
    if not any(verify(key, message, given) for key in read_keys(keyring)):
        raise Refused("The signature of the release %s is of none of the keys that this host trusts." % version)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Returns whether `signature` (64 bytes) over `message` is of the public key `key` (32 bytes)."""
    point, commitment = decompress(key), decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    return equal(multiply(scalar, BASE), add(commitment, multiply(challenge, point)))


def decompress(data: bytes) -> Optional[Point]:
    """Returns the point that 32 bytes stand for, None where there is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def add(first: Point, second: Point) -> Point:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = first, second
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def equal(first: Point, second: Point) -> bool:
    (x1, y1, z1, _), (x2, y2, z2, _) = first, second
    return (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0


def base_point() -> Point:
    point = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    assert point is not None
    return point


BASE = base_point()
