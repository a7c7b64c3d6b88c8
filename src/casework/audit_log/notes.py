"""The texts that are signed: checkpoints (as C2SP's signed notes) and recovery records. No key is needed to read one."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from casework.audit_log.hashing import HeadFacts

ORIGIN = "ctsa-casework/processing-log"
_SIGNATURE = re.compile(r"^\u2014 (\S+) (\S+)$", re.M)


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def key_id(public: bytes) -> str:
    """The id of a public key, as a signed note carries it: eight hexadecimal digits."""
    return hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4].hex()


def verifier_key(public: bytes) -> str:
    """A public key as one line, for those who verify: name, id, and the key."""
    coded = _b64(b"\x01" + public)
    return f"{ORIGIN}+{key_id(public)}+{coded}"


def public_keys(text: str) -> dict[str, bytes]:
    """The public keys in a text with such lines; whatever is none is passed over."""
    found = {}
    for line in text.split():
        name, _, rest = line.partition("+")
        given, _, key = rest.partition("+")
        try:
            raw = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            continue
        if name == ORIGIN and raw[:1] == b"\x01" and len(raw) == 33 and key_id(raw[1:]) == given:
            found[given] = raw[1:]
    return found


def moment(milliseconds: int) -> str:
    """A moment as it always leaves."""
    return (
        datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
    )


def body(head: HeadFacts) -> str:
    """What is signed for a head: origin, events so far, hash; then the lines of its batch."""
    return (
        f"{ORIGIN}\n{head.total}\n{_b64(head.hash)}\nbatch {head.batch} of {head.count}\nroot {_b64(head.root)}\n"
        f"previous {_b64(head.previous)}\ntime {moment(head.sealed_at)}\n"
    )


def signed(head: HeadFacts, key: str, signature: bytes) -> str:
    """The whole note, to be kept where no administrator of the database can reach it."""
    return f"{body(head)}\n\u2014 {ORIGIN} {_b64(bytes.fromhex(key) + signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint that was kept: what it says, and the signature beneath it."""

    batch: int
    total: int
    hash: bytes
    text: str
    key_id: str
    signature: bytes


_BODY = re.compile(
    re.escape(ORIGIN)
    + r"\n(?P<total>\d+)\n(?P<hash>[A-Za-z0-9+/=]{44})\nbatch (?P<batch>\d+) of \d+\nroot \S+\nprevious \S+\n"
    r"time \S+\n(?=\n\u2014 )"
)


def kept(text: str) -> list[Note]:
    """Every checkpoint in a text, in the order of the batches."""
    found = []
    for match in _BODY.finditer(text):
        line = _SIGNATURE.search(text, match.end())
        try:
            raw = base64.b64decode(line[2], validate=True) if line and line.start() == match.end() + 1 else b""
        except (binascii.Error, ValueError):
            raw = b""
        values = (int(match["batch"]), int(match["total"]), base64.b64decode(match["hash"]))
        found.append(Note(*values, match[0], raw[:4].hex(), raw[4:]))
    return sorted(found, key=lambda note: note.batch)


@dataclass(frozen=True, slots=True)
class RecoveryFacts:
    """What an operator says of a restore: the last batch that is left, and up to which batch the log was lost."""

    at: int
    last_batch: int
    last_hash: bytes
    lost_to: int
    operator: str
    reason: str

    @property
    def text(self) -> str:
        """What is signed."""
        words = (_b64(self.operator.encode()), _b64(self.reason.encode()))
        return (
            f"{ORIGIN}/recovery\n{self.last_batch}\n{_b64(self.last_hash)}\nlost to {self.lost_to}\n"
            f"time {moment(self.at)}\n{words[0]}\n{words[1]}\n"
        )
