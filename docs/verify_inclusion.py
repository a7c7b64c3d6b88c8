"""Check a proof of `casework audit verify --event N` without any code of the service: python verify_inclusion.py proof.json VKEY"""

import base64
import hashlib
import json
import struct
import sys
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def part(value: object) -> bytes:
    """A field with its length before it; -1 for none. Numbers take eight bytes, ids sixteen."""
    if value is None:
        return struct.pack(">i", -1)
    raw = (
        struct.pack(">q", value)
        if isinstance(value, int)
        else value
        if isinstance(value, bytes)
        else str(value).encode()
    )
    return struct.pack(">i", len(raw)) + raw


def ident(value: str | None) -> bytes:
    """An id with its length before it."""
    return part(uuid.UUID(value).bytes if value else None)


def check(proof: dict, vkey: str) -> None:
    """Raise unless the event of the proof is in the log whose head the key's holder signed."""
    sha, e, head = hashlib.sha256, proof["event"], proof["head"]
    body = b"".join(
        part(r["position"]) + part(r["kind"]) + ident(r["object_id"]) + ident(r["case_id"])
        + part(r["operation"]) + part(r["fields"]) + part(r["facts"]) for r in proof["records"])  # fmt: skip
    digest = sha(bytes.fromhex(proof["salt"]) + body).digest()
    header = part(e["id"]) + part(e["at_ms"]) + b"".join(ident(e[n]) for n in ("request_id", "session_id"))
    header += part(e["principal_kind"]) + ident(e["principal_id"]) + ident(e["acting_for"])
    header += b"".join(part(e[n]) for n in ("roles", "action", "purpose", "decision", "client"))
    header += ident(e["client_request_id"]) if e.get("client_request_id") else b""
    node = sha(b"\x00" + header + part(digest)).digest()
    place, last, path = proof["place"], proof["count"] - 1, [bytes.fromhex(each) for each in proof["path"]]
    while last:
        if place % 2 or place < last:
            beside = path.pop(0)
            node = sha(b"\x01" + (beside + node if place % 2 else node + beside)).digest()
        place, last = place // 2, last // 2
    assert [node.hex(), *path] == [head["root"]], "the event is not beneath this root"
    numbers = struct.pack(">qqqq", head["batch"], head["count"], head["total"], head["sealed_at_ms"])
    chained = part(bytes.fromhex(head["root"])) + part(bytes.fromhex(head["previous"]))
    text, _, line = proof["checkpoint"].rpartition("\n\u2014 ")
    assert text.split("\n")[2] == base64.b64encode(sha(b"\x02" + numbers + chained).digest()).decode(), "another head"
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.strip().split("+", 2)[2])[1:])
    key.verify(base64.b64decode(line.split()[1])[4:], text.encode())


if __name__ == "__main__":
    check(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
    print("The event was sealed as the proof shows it.")
