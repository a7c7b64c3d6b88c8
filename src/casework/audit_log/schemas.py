"""What goes out of the processing log."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from casework.kernel.views import Page, View


class Decided(StrEnum):
    """Whether a request was let through. Refused is also what was begun and then found nothing for its caller."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class LoggedObject(View):
    """A record that a request consulted or changed: field names, and values of closed vocabularies only."""

    kind: str
    id: UUID | None
    reference: str | None
    """Of a case, an enquiry, advice, or what belongs to an enquiry."""
    case_id: UUID | None
    case_reference: str | None
    """Of the case to which the record belonged when it was seen or changed."""
    operation: str
    """collection, alteration, consultation, disclosure, combination, erasure; or refusal"""
    fields: list[str] | None
    facts: dict[str, str | None] | None


class LogEntry(View):
    """One request in the log: who, when, in which part, why, what, and whether it was allowed."""

    event: int
    at: datetime
    kind: str
    """staff, client, enquirer, public or system"""
    person_id: UUID | None
    name: str | None
    acting_for_id: UUID | None
    """The person for whom a tool acted."""
    acting_for_name: str | None
    roles: list[str]
    action: str
    purpose: str | None
    decision: str
    client: str | None
    request_id: UUID | None
    client_request_id: UUID | None
    """What the client called its request (`X-Request-ID`); anybody may send any."""
    objects: list[LoggedObject]
    """At most 200 of them; other teams' records, of a case or of none, are left out for an information manager."""


class LogPage(Page):
    """Entries of the log, one page, newest first."""

    items: list[LogEntry]
    next_cursor: str | None


class HeadSeen(View):
    """The head of a sealed batch. ``checkpoint`` is the signed note to keep outside: `casework audit verify --anchors` reads it."""

    batch: int
    count: int
    """Events of the batch."""
    total: int
    """Events sealed so far."""
    root: str
    previous: str
    hash: str
    sealed_at: datetime
    key_id: str
    checkpoint: str


class HeadPage(Page):
    """Heads, one page, newest first."""

    items: list[HeadSeen]
    next_cursor: str | None
