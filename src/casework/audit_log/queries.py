"""Every statement about the processing log. It is read through definer functions only, never from its tables."""

from sqlalchemy import Text, Uuid

from casework.kernel.statements import Statement, page_size, written
from casework.work.composing import BEGIN, BEGINNING, Listing

_ENTRIES = """
SELECT ctx.decision, ctx.event, r.body, r.length, r.found = {page} AS more, r.last_key, CAST(:id AS uuid) AS last_id,
       audit.consulted(ctx.event, 'access_log', CASE WHEN r.found > 0 THEN ARRAY[CAST(:id AS uuid)] END,
                       ARRAY[CAST(:id AS uuid)]) AS logged
FROM {begin} LEFT JOIN LATERAL (
    SELECT (json_agg(json_build_object(
                'event', n.event_id, 'at', to_char(n.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.MS"Z"'),
                'kind', n.principal_kind, 'person_id', n.principal_id, 'name', access.name_of(n.principal_id),
                'roles', n.roles, 'action', n.action, 'purpose', n.purpose, 'decision', n.decision, 'client', n.client,
                'request_id', n.request_id, 'objects', n.objects) ORDER BY n.place)
            FILTER (WHERE n.place < {page}))::text AS body,
           nullif(count(*) FILTER (WHERE n.place < {page}), 0) AS length, count(*) AS found,
           (min(n.event_id) FILTER (WHERE n.place < {page}))::text AS last_key
    FROM (SELECT l.*, row_number() OVER (ORDER BY l.event_id DESC) AS place
          FROM audit.case_log(:id, {before}, {page}::integer) l
          WHERE ctx.decision = 'allow') n
    OFFSET 0) r ON true"""


class CaseLog(Listing):
    """The log of a case, paged by the number of the request; the reading itself is not in it, but is in the next."""

    def __init__(self) -> None:
        self._first = self._entries("ctx.event")
        self._following = self._entries("CAST(CAST(:after_key AS text) AS bigint)", after_key=Text())

    def statement(self, filters: frozenset[str], sort: str, after: bool) -> Statement:  # noqa: ARG002 — as every list
        """The first page, or the one after a cursor."""
        return self._following if after else self._first

    @staticmethod
    def _entries(before: str, **types: Text) -> Statement:
        text = _ENTRIES.format(page=page_size(), begin=BEGIN, before=before)
        return written(text, **BEGINNING, id=Uuid(), **types)


CASE_LOG = CaseLog()
