"""How a sealed batch is hashed: framed fields, salted bodies, leaves, the Merkle tree of RFC 6962, and the chained head."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

NOTHING = b"\xff\xff\xff\xff"
"""How an absent field is written: told from an empty one, which is four zero bytes."""
GENESIS = bytes(32)
"""What the first head has for the one before it."""
EPOCH = 1_577_836_800_000
"""Event ids count milliseconds from 2020-01-01, shifted left by the twelve bits of a counter."""


def framed(part: bytes | None) -> bytes:
    """A part with its length before it."""
    return NOTHING if part is None else struct.pack(">i", len(part)) + part


def digest_of(salt: bytes, body: bytes) -> bytes:
    """What stands for the records beneath an event; without its salt it tells nothing."""
    return hashlib.sha256(salt + body).digest()


def leaf_of(header: bytes, body_digest: bytes) -> bytes:
    """The leaf of an event."""
    return hashlib.sha256(b"\x00" + header + framed(body_digest)).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves. Level by level, the odd one out going up as it is: the same tree as RFC 6962's recursion."""
    level = list(leaves)
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _next(level)
    return level[0]


def path_of(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """What leads from a leaf to the root, lowest first."""
    level, path = list(leaves), []
    while len(level) > 1:
        beside = place ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, place = _next(level), place >> 1
    return path


def _next(level: list[bytes]) -> list[bytes]:
    sha = hashlib.sha256
    above = [sha(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return above + level[-1:] if len(level) % 2 else above


def time_of(event: int) -> int:
    """The milliseconds since 1970 with which an event's id begins."""
    return (event >> 12) + EPOCH


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What a head says of its batch, and the hash that chains it to the one before."""

    batch: int
    count: int
    total: int
    root: bytes
    previous: bytes
    sealed_at: int
    """Milliseconds since 1970."""

    @property
    def hash(self) -> bytes:
        """Covers everything said here, and through ``previous`` everything ever sealed."""
        numbers = struct.pack(">qqqq", self.batch, self.count, self.total, self.sealed_at)
        return hashlib.sha256(b"\x02" + numbers + framed(self.root) + framed(self.previous)).digest()
