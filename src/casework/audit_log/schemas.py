"""What goes out of the processing log."""

from datetime import datetime
from uuid import UUID

from casework.kernel.views import Page, View


class LoggedObject(View):
    """A record that a request consulted or changed: field names, and values of closed vocabularies only."""

    kind: str
    id: UUID | None
    operation: str
    """collection, alteration, consultation, disclosure, combination, erasure; or refusal"""
    fields: list[str] | None
    facts: dict[str, str | None] | None


class LogEntry(View):
    """One request that touched the case: who, when, in which part, why, what, and whether it was allowed."""

    event: int
    at: datetime
    kind: str
    """staff, client, enquirer, public or system"""
    person_id: UUID | None
    name: str | None
    roles: list[str]
    action: str
    purpose: str | None
    decision: str
    client: str | None
    request_id: UUID | None
    objects: list[LoggedObject]


class LogPage(Page):
    """Entries of the log, one page, newest first."""

    items: list[LogEntry]
    next_cursor: str | None
