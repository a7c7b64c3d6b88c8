"""What comes in and goes out about cases, derived from their facts."""

from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from casework.access.actions import Action
from casework.cases.lifecycle import CaseKind, CaseState
from casework.cases.models import CaseFacts, CaseNoteFacts
from casework.kernel.inputs import Input, Uuid, amendment
from casework.kernel.views import Page, View


class CaseOpening(CaseFacts, Input):
    """A case opened without an enquiry: proactive work at a priority site, or an event."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    team_id: Uuid
    kind: CaseKind = CaseKind.PROACTIVE
    premises_id: Uuid | None = None
    organisation_id: Uuid | None = None


if TYPE_CHECKING:
    CaseAmendment = Input
else:
    CaseAmendment = amendment("CaseAmendment", CaseFacts)


class CaseAllocation(Input):
    """Who is to work on a case."""

    adviser_id: Uuid


class CaseView(View):
    """A case in full."""

    id: UUID
    reference: str
    team_id: UUID
    team: str
    state: CaseState
    kind: CaseKind
    restricted: bool
    title: str
    summary: str | None
    strand: str
    sensitive: bool
    handling: str | None
    premises_id: UUID | None
    premises: str | None
    organisation_id: UUID | None
    adviser_id: UUID | None
    adviser: str | None
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    closed_at: datetime | None
    reason_code: str | None
    version: int
    amended_at: datetime
    allowed_actions: list[Action]


class CaseRow(View):
    """A case in a list."""

    id: UUID
    reference: str
    team_id: UUID
    state: CaseState
    kind: CaseKind
    restricted: bool
    title: str
    strand: str
    premises: str | None
    adviser_id: UUID | None
    adviser: str | None
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    version: int


class CasePage(Page):
    """Cases, one page."""

    items: list[CaseRow]
    next_cursor: str | None


class CaseNoteAdding(CaseNoteFacts, Input):
    """An internal note."""

    id: Uuid | None = None


class CaseNoteView(View):
    """A note on a case."""

    id: UUID
    case_id: UUID
    author_id: UUID
    author: str
    body: str
    created_at: datetime
