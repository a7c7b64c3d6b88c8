"""The raw rows of the log as the verifier asks for them, and the bytes that they amount to (docs/processing-log.md).

Written a second time, in another language than ``sql/sealing.sql``: the verifier must not ask the database what to expect.
"""

import struct
from collections.abc import Sequence
from typing import Any

from casework.audit_log.hashing import NOTHING

HEADS = "SELECT * FROM audit.head WHERE batch >= $1 ORDER BY batch"
RECOVERIES = "SELECT * FROM audit.recovery ORDER BY at, id"
COLUMNS = """e.id, (extract(epoch FROM e.at) * 1000)::bigint AS at_ms, uuid_send(e.request_id) AS request_id,
    uuid_send(e.session_id) AS session_id, e.principal_kind, uuid_send(e.principal_id) AS principal_id,
    uuid_send(e.acting_for) AS acting_for, e.roles::text AS roles, e.action, e.purpose, e.decision, e.client,
    uuid_send(e.client_request_id) AS client_request_id"""
EVENTS = f"""
SELECT s.batch, s.place, s.event_id, s.salt, s.body_digest, s.leaf, {COLUMNS}
FROM audit.seal s LEFT JOIN audit.event e ON e.id = s.event_id
WHERE s.batch BETWEEN $1 AND $2 ORDER BY s.batch, s.place, s.event_id"""  # noqa: S608 — constants of the code
OBJECTS = """
SELECT o.event_id, o.position, o.kind, uuid_send(o.object_id), uuid_send(o.case_id), o.operation, o.fields::text, o.facts::text
FROM unnest($1::bigint[]) AS i (id) JOIN audit.event_object o ON o.event_id = i.id ORDER BY o.event_id, o.position"""
WAITING = """
SELECT count(*) AS waiting, extract(epoch FROM now()) - 1577836800 - (min(q.event_id) >> 12) / 1000.0 AS oldest
FROM audit.queue q"""
# Beside the chain. The first batch looked at bounds them where a verification does not begin at the first.
_FROM = "(SELECT coalesce(min(f.event_id), 0) FROM audit.seal f WHERE $1::bigint > 1 AND f.batch = $1)"
STRAYS = {
    "unsealed": (
        "is neither sealed nor waiting for its seal",
        f"""SELECT e.id AS event FROM audit.event e WHERE e.id >= {_FROM}
            AND NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.id)
            AND NOT EXISTS (SELECT FROM audit.queue q WHERE q.event_id = e.id) ORDER BY 1 LIMIT 100""",  # noqa: S608
    ),
    "unlogged": (
        "records are told beneath an event that is not there",
        f"""SELECT DISTINCT o.event_id AS event FROM audit.event_object o WHERE o.event_id >= {_FROM}
            AND NOT EXISTS (SELECT FROM audit.event e WHERE e.id = o.event_id) ORDER BY 1 LIMIT 100""",  # noqa: S608
    ),
    "headless": (
        "is sealed in a batch that has no head",
        """SELECT s.batch, min(s.event_id) AS event FROM audit.seal s WHERE s.batch >= $1
           AND NOT EXISTS (SELECT FROM audit.head h WHERE h.batch = s.batch) GROUP BY s.batch ORDER BY 1 LIMIT 100""",
    ),
    "waiting": (
        "waits for its seal, but is not as it was when it began to, or is gone",
        """SELECT q.event_id AS event FROM audit.queue q LEFT JOIN audit.event e ON e.id = q.event_id
           WHERE $1::bigint > 0 AND (e.id IS NULL
              OR (e.session_id, e.request_id, e.principal_kind, e.principal_id, e.decision = 'allow')
                 IS DISTINCT FROM (q.session_id, q.request_id, q.principal_kind, q.principal_id, q.allowed))
           ORDER BY 1 LIMIT 100""",
    ),
    "twice": (
        "waits for a seal that it has already",
        """SELECT q.event_id AS event FROM audit.queue q JOIN audit.seal s ON s.event_id = q.event_id
           WHERE $1::bigint > 0 ORDER BY 1 LIMIT 100""",
    ),
}
"""What may not be there: by name, how it is told, and the statement that finds it. ``$1`` is the first batch looked at."""

_NUMBER = struct.pack(">i", 8)
_ID = struct.pack(">i", 16)
_long = struct.Struct(">q").pack
_known: dict[str | None, bytes] = {None: NOTHING}


def _word(value: str | None) -> bytes:
    """A text with its length; those of closed vocabularies come again and again, so that a few are kept."""
    found = _known.get(value)
    if found is None:
        assert value is not None
        coded = value.encode()
        found = struct.pack(">i", len(coded)) + coded
        if len(_known) < 20_000:
            _known[value] = found
    return found


def _id(value: bytes | None) -> bytes:
    return NOTHING if value is None else _ID + value


def header_bytes(row: Any) -> bytes:
    """An event as it is hashed: who, when, what, why, and whether it was allowed. A row of ``EVENTS``."""
    number, at, request, session, kind, principal, acting, roles, action, purpose, decision, client, asked = tuple(row)[
        6:
    ]
    return b"".join(
        (
            _NUMBER, _long(number), _NUMBER, _long(at), _id(request), _id(session), _word(kind), _id(principal), _id(acting),
            _word(roles), _word(action), _word(purpose), _word(decision), _word(client),
            b"" if asked is None else _id(asked),
        )
    )  # fmt: skip


def body_bytes(records: Sequence[Any]) -> bytes:
    """The records beneath an event as they are hashed, in the order in which they were told."""
    return b"".join(
        part
        for _, position, kind, object_id, case_id, operation, fields, facts in records
        for part in (
            _NUMBER, _long(position), _word(kind), _id(object_id), _id(case_id), _word(operation), _word(fields), _word(facts),
        )
    )  # fmt: skip
