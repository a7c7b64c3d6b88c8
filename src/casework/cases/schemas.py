"""What comes in and goes out about cases, derived from their facts."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from casework.access.actions import Action
from casework.cases.lifecycle import Audience, CaseKind, CaseState, Handed
from casework.cases.models import CaseFacts, CaseNoteFacts
from casework.kernel.columns import LocalDate, code, line, prose, reference
from casework.kernel.inputs import Input, Truth, Uuid, amendment
from casework.kernel.views import Page, View

ReasonCode = Annotated[str, code(60)]
Note = Annotated[str, prose(2_000)]


CaseReference = Annotated[str, reference("CASE")]
"""A case's reference however it was typed; a mistyped one is told as mistyped."""


class CaseOpening(CaseFacts, Input):
    """A case opened without an enquiry: proactive work at a priority site, or an event."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    team_id: Uuid
    kind: CaseKind = CaseKind.PROACTIVE
    premises_id: Uuid | None = None
    organisation_id: Uuid | None = None


class EnquiryAcceptance(Input):
    """An enquiry becomes a case of its own, or joins ``case_id``. What is not stated comes from the enquiry."""

    case_id: Uuid | None = None
    id: Uuid | None = None
    """Your own id for a new case (a UUIDv7), so that a repeat is recognised."""
    title: Annotated[str, line(200)] | None = None
    strand: Annotated[str, code(30)] | None = None


if TYPE_CHECKING:
    CaseAmendment = Input
else:
    CaseAmendment = amendment("CaseAmendment", CaseFacts)


class CaseTaking(Input):
    """Nothing needs to be stated: the next case is the one that is due first."""


class HandedVisit(Input):
    """What becomes of a visit to come."""

    visit_id: Uuid
    then: Handed
    """Whether the new adviser makes it, or whoever was to make it still does."""


class CaseAllocation(Input):
    """Who is to work on a case."""

    adviser_id: Uuid
    visits: list[HandedVisit] = Field(default=[], max_length=100)
    """What becomes of each visit to come of the former adviser, and of each in nobody's hands."""


class CaseHandingOver(Input):
    """Which colleague takes a case over, and why."""

    adviser_id: Uuid
    reason_code: ReasonCode
    note: Note | None = None
    visits: list[HandedVisit] = Field(default=[], max_length=100)
    """What becomes of each visit to come of the former adviser, and of each in nobody's hands."""


class CaseCollaboration(Input):
    """Who is to work along on a case."""

    person_id: Uuid


class CaseHolding(Input):
    """Why a case has to wait."""

    reason_code: ReasonCode
    note: Note | None = None


class CaseResuming(Input):
    """What ended the waiting, where there is something to say."""

    note: Note | None = None


class OpenRecommendation(Input):
    """A recommendation that is still open when its case closes, and why."""

    recommendation_id: Uuid
    reason_code: ReasonCode
    note: Note | None = None


class CaseClosing(Input):
    """Why a case closes, and why recommendations stay open."""

    reason_code: ReasonCode
    note: Note | None = None
    open_recommendations: list[OpenRecommendation] = Field(default=[], max_length=500)
    next_review_on: LocalDate | None = None
    """When to look at the place again; the case's own date stays where none is given."""
    tell_business: Truth = False
    """Write to the business after a hand-over as well; it is told nothing then otherwise."""


class CaseReopening(Input):
    """What brought the case back, where there is something to say."""

    note: Note | None = None


class CaseRestricting(Input):
    """Why only those who work on the case may see more than its headline."""

    reason_code: ReasonCode
    note: Note | None = None


class CaseUnrestricting(Input):
    """Why the whole team may see the case again."""

    note: Note


class CaseColleague(View):
    """Somebody who works along on a case."""

    person_id: UUID
    name: str


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
    adviser_left_at: datetime | None
    """Since when the adviser is none of the team any more; the case then counts as unallocated."""
    collaborators: list[CaseColleague]
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    held_on: date | None
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
    adviser_left_at: datetime | None
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    version: int


class CasePage(Page):
    """Cases, one page."""

    items: list[CaseRow]
    next_cursor: str | None


class CaseHeadlineView(View):
    """That a case exists: all that colleagues see of a restricted one."""

    id: UUID
    reference: str
    team_id: UUID
    team: str
    state: CaseState
    restricted: bool
    adviser_id: UUID | None
    adviser: str | None
    opened_at: datetime


class CaseOutlineView(View):
    """What an auditor sees of a case: its reference, its state and its team."""

    id: UUID
    reference: str
    team_id: UUID
    team: str
    state: CaseState


class CaseHeadlinePage(Page):
    """Headlines, one page; what is seen as auditor only comes last, and is told in outline."""

    items: list[CaseHeadlineView | CaseOutlineView]
    next_cursor: str | None


class CaseNoteAdding(CaseNoteFacts, Input):
    """An internal note."""

    id: Uuid | None = None
    audience: Audience | None = None
    """Who reads it: ``desk``, coordinators and tools too; ``casework``, those alone who read findings and advice of the case.
    Left out, it is ``casework`` from whoever reads such notes, else ``desk``."""


class CaseNoteView(View):
    """A note on a case."""

    id: UUID
    case_id: UUID
    author_id: UUID
    author: str
    audience: Audience
    """``desk``: coordinators and tools read it too. ``casework``: those alone who read findings and advice of the case."""
    body: str
    created_at: datetime


class CaseNotePage(Page):
    """Notes, one page."""

    items: list[CaseNoteView]
    next_cursor: str | None


class CaseEventView(View):
    """One line of a case's timeline."""

    id: UUID
    at: datetime
    action: Action
    actor: str
    """staff, client, enquirer or system"""
    person_id: UUID | None
    person: str | None
    """The member of staff who acted; null when the business or a tool did."""
    subject_kind: str | None
    subject_id: UUID | None
    subject: str | None
    """The name of the colleague it was about, where it was about one."""
    reason_code: str | None
    reason: str | None
    """Null as well where it tells why a visit was made at unusual times, for whoever may not read what was found there."""
    facts: dict[str, str] | None


class CaseEventPage(Page):
    """A timeline, one page."""

    items: list[CaseEventView]
    next_cursor: str | None
