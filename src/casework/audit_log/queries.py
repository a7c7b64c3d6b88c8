"""Every statement about the processing log. It is read through definer functions only, never from its tables."""

from typing import Any

from sqlalchemy import DateTime, Text, Uuid

from casework.kernel.statements import Statement, page_size, written
from casework.work.composing import BEGIN, BEGINNING, Listing

_NOBODY = "CAST('00000000-0000-0000-0000-000000000000' AS uuid)"
"""Cursors carry an id besides the number; here the number says it all."""

_ENTRIES = """
SELECT ctx.decision, ctx.event, r.body, r.length, r.found = {page} AS more, r.last_key, {nobody} AS last_id,
       audit.consulted(ctx.event, 'access_log', CASE WHEN r.found > 0 THEN a.cases END, a.cases) AS logged
FROM {begin} LEFT JOIN LATERAL (
    SELECT audit.cases_asked({asked}) AS cases WHERE ctx.decision = 'allow' OFFSET 0) a ON true
LEFT JOIN LATERAL (
    SELECT (json_agg(json_build_object(
                'event', n.event_id, 'at', to_char(n.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.MS"Z"'),
                'kind', n.principal_kind, 'person_id', n.principal_id, 'name', access.name_of(n.principal_id),
                'acting_for_id', n.acting_for, 'acting_for_name', access.name_of(n.acting_for),
                'roles', n.roles, 'action', n.action, 'purpose', n.purpose, 'decision', n.decision, 'client', n.client,
                'request_id', n.request_id, 'client_request_id', n.client_request_id, 'objects', n.objects) ORDER BY n.place)
            FILTER (WHERE n.place < {page}))::text AS body,
           nullif(count(*) FILTER (WHERE n.place < {page}), 0) AS length, count(*) AS found,
           (min(n.event_id) FILTER (WHERE n.place < {page}))::text AS last_key
    FROM (SELECT l.*, row_number() OVER (ORDER BY l.event_id DESC) AS place
          FROM audit.case_log(a.cases, {before}, {page}::integer) l
          WHERE ctx.decision = 'allow') n
    OFFSET 0) r ON true"""

_LINES = """
SELECT ctx.decision, ctx.event, r.body, r.length, r.found = {page} AS more, r.last_key::text AS last_key, {nobody} AS last_id,
       audit.log_read(:person, a.records, r.last_key, r.first_key) AS logged
FROM {begin} LEFT JOIN LATERAL (
    SELECT audit.asked(:record, :reference, :premises) AS records WHERE ctx.decision = 'allow' OFFSET 0) a ON true
LEFT JOIN LATERAL (
    SELECT (json_agg(n.entry ORDER BY n.place) FILTER (WHERE n.place < {page}))::text AS body,
           nullif(count(*) FILTER (WHERE n.place < {page}), 0) AS length, count(*) AS found,
           min(n.event_id) FILTER (WHERE n.place < {page}) AS last_key, max(n.event_id) AS first_key
    FROM (SELECT l.event_id, l.entry, row_number() OVER (ORDER BY l.event_id DESC) AS place
          FROM audit.lines(:person, a.records, :wanted, :decided, :why, audit.first_id(:since),
                           least(audit.first_id(:until), {before}), {page}::integer) l
          WHERE ctx.decision = 'allow') n
    OFFSET 0) r ON true"""
_LINE_TYPES: dict[str, Any] = {
    "person": Uuid(), "record": Uuid(), "reference": Text(), "premises": Uuid(), "wanted": Text(), "decided": Text(), "why": Text(),
    "since": DateTime(timezone=True), "until": DateTime(timezone=True),
}  # fmt: skip

_HEADS = """
SELECT ctx.decision, ctx.event, r.body, r.length, r.found = {page} AS more, r.last_key::text AS last_key, {nobody} AS last_id
FROM {begin} LEFT JOIN LATERAL (
    SELECT (json_agg(n.entry ORDER BY n.place) FILTER (WHERE n.place < {page}))::text AS body,
           nullif(count(*) FILTER (WHERE n.place < {page}), 0) AS length, count(*) AS found,
           min(n.batch) FILTER (WHERE n.place < {page}) AS last_key
    FROM (SELECT h.batch, h.entry, row_number() OVER (ORDER BY h.batch DESC) AS place
          FROM audit.heads({before}, {page}::integer) h
          WHERE ctx.decision = 'allow') n
    OFFSET 0) r ON true"""


class Numbered(Listing):
    """A list of the log, newest first, paged by a number: before ``first`` on the first page, then before the cursor's."""

    def __init__(self, text: str, first: str, asked: str = "", **types: Any) -> None:
        self._first = self._entries(text, first, asked, **types)
        following = "CAST(CAST(:after_key AS text) AS bigint)"
        self._following = self._entries(text, following, asked, after_key=Text(), **types)

    def statement(self, filters: frozenset[str], sort: str, after: bool) -> Statement:  # noqa: ARG002 — as every list
        """The first page, or the one after a cursor."""
        return self._following if after else self._first

    @staticmethod
    def _entries(text: str, before: str, asked: str, **types: Any) -> Statement:
        filled = text.format(page=page_size(), begin=BEGIN, before=before, nobody=_NOBODY, asked=asked)
        return written(filled, **BEGINNING, **types)


# The reading itself is not in what it reads, but is in the next.
CASE_LOG = Numbered(_ENTRIES, "ctx.event", "ARRAY[CAST(:id AS uuid)], NULL, NULL", id=Uuid())
CASE_LOGS = Numbered(_ENTRIES, "ctx.event", "NULL, :reference, :premises", reference=Text(), premises=Uuid())
EVENTS = Numbered(_LINES, "ctx.event", "", **_LINE_TYPES)
HEADS = Numbered(_HEADS, "9223372036854775807")

EVENT = written(
    f"""
SELECT ctx.decision, ctx.event, r.entry::text AS body, NULL AS version,
       audit.log_read(NULL, NULL, r.event_id, r.event_id) AS logged
FROM {BEGIN} LEFT JOIN LATERAL (
    SELECT l.event_id, l.entry FROM audit.lines(NULL, NULL, NULL, NULL, NULL, CAST(CAST(:number AS text) AS bigint),
                                                CAST(CAST(:number AS text) AS bigint) + 1, 1) l
    WHERE ctx.decision = 'allow' OFFSET 0) r ON true""",  # noqa: S608 — constants of the code
    **BEGINNING,
    number=Text(),
)
NEWEST_HEAD = written(
    f"""
SELECT ctx.decision, ctx.event, r.entry::text AS body, NULL AS version
FROM {BEGIN} LEFT JOIN LATERAL (
    SELECT h.entry FROM audit.heads(9223372036854775807, 1) h WHERE ctx.decision = 'allow' OFFSET 0) r ON true""",  # noqa: S608
    **BEGINNING,
)
