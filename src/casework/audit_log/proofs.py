"""The proof that one event is in the sealed log, for somebody who has nothing but the checkpoint and the public key."""

from typing import Any
from uuid import UUID

from casework.audit_log import notes
from casework.audit_log.hashing import HeadFacts, path_of
from casework.audit_log.rows import COLUMNS, OBJECTS
from casework.audit_log.sealing import milliseconds
from casework.kernel.statements import Connection

_EVENT = f"SELECT {COLUMNS}, s.batch, s.place, s.salt FROM audit.event e JOIN audit.seal s ON s.event_id = e.id WHERE e.id = $1"  # noqa: S608
_LEAVES = "SELECT leaf FROM audit.seal WHERE batch = $1 ORDER BY place"
_HEAD = "SELECT * FROM audit.head WHERE batch = $1"
_IDS = ("request_id", "session_id", "principal_id", "acting_for", "client_request_id")


async def proof(connection: Connection, event: int) -> dict[str, Any] | None:
    """Event, records, salt, the way to the root, and the signed head; ``None`` where the event is not sealed."""
    row = await connection.fetchrow(_EVENT, event)
    head = await connection.fetchrow(_HEAD, row["batch"]) if row else None
    if row is None or head is None or row["salt"] is None:
        return None
    leaves = [each["leaf"] for each in await connection.fetch(_LEAVES, row["batch"])]
    facts = HeadFacts(
        head["batch"], head["count"], head["total"], head["root"], head["previous"], milliseconds(head["sealed_at"])
    )
    header = {
        name: str(UUID(bytes=value)) if name in _IDS and value is not None else value
        for name, value in row.items()
        if name not in ("batch", "place", "salt")
    }
    records = [
        {
            "position": position, "kind": kind, "object_id": object_id and str(UUID(bytes=object_id)),
            "case_id": case_id and str(UUID(bytes=case_id)), "operation": operation, "fields": fields, "facts": facts_,
        }
        for _, position, kind, object_id, case_id, operation, fields, facts_ in await connection.fetch(OBJECTS, [event])
    ]  # fmt: skip
    return {
        "event": header,
        "records": records,
        "salt": row["salt"].hex(),
        "place": row["place"],
        "count": facts.count,
        "path": [each.hex() for each in path_of(leaves, row["place"])],
        "head": {
            "batch": facts.batch, "count": facts.count, "total": facts.total, "root": facts.root.hex(),
            "previous": facts.previous.hex(), "sealed_at_ms": facts.sealed_at,
        },
        "checkpoint": notes.signed(facts, head["key_id"], head["signature"]),
    }  # fmt: skip
