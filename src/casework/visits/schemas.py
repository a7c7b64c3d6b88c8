"""What comes in and goes out about visits and findings, derived from their facts."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import Discriminator, Field, Tag

from casework.access.actions import Action
from casework.kernel.columns import Moment, WallTime, code, line, prose
from casework.kernel.inputs import Input, Truth, Uuid, absent, amendment
from casework.kernel.views import Page, View
from casework.visits.lifecycle import Decision, Phase, TimeMark, VisitKind, VisitState
from casework.visits.models import FindingFacts

SiteZone = Literal["Europe/London"]


class Attendee(Input):
    """Somebody who took part in a visit."""

    name: Annotated[str, line(120)]
    role: Annotated[str, line(120)]


class VisitProposing(Input):
    """A proposed visit, of twelve hours at most. A time without an offset is the clock's at the site, and needs ``zone``.

    A visit that was made without an appointment is stated with ``without_appointment``, ``arrived_at``, ``left_at`` and
    ``time_reason``, and without ``starts_at`` and ``ends_at``: it is logged as made at once.
    """

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    kind: VisitKind = VisitKind.SURVEY
    starts_at: WallTime | None = None
    ends_at: WallTime | None = None
    zone: SiteZone | None = None
    adviser_id: Uuid | None = None
    """The case's adviser unless stated."""
    premises_id: Uuid | None = None
    """The case's premises unless stated."""
    place_note: Annotated[str, line(300)] | None = None
    without_appointment: Truth = False
    """Whether it was made already, without having been agreed: 90 days ago at most."""
    arrived_at: Moment | None = None
    left_at: Moment | None = None
    time_reason: Annotated[str, prose(1000)] | None = None
    """Why it was made without an appointment."""
    attended_by: list[Uuid] = Field(default=[], max_length=20)
    """Colleagues who were there beside the adviser."""
    attendance: list[Attendee] = Field(default=[], max_length=50)
    notes: Annotated[str, prose(10_000)] | None = None


class VisitAmendment(Input):
    """What to change of a visit to come; absent fields stay as they are."""

    starts_at: WallTime = absent()
    ends_at: WallTime = absent()
    zone: SiteZone | None = None
    adviser_id: Uuid = absent()
    place_note: Annotated[str, line(300)] | None = None


class VisitConfirmation(Input):
    """The answer to a proposed time. A decline leaves the visit proposed, so that another time can be found."""

    decision: Decision
    note: Annotated[str, prose(1000)] | None = None


class FindingRecording(FindingFacts, Input):
    """A finding as the adviser records it."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""


if TYPE_CHECKING:
    FindingAmendment = Input
else:
    FindingAmendment = amendment("FindingAmendment", FindingFacts)


class VisitCompletion(Input):
    """A visit as it was made: when, with whom, and what was found."""

    arrived_at: Moment
    left_at: Moment
    time_reason: Annotated[str, prose(1000)] | None = None
    """Needed where the times are unusual (``time_marks``)."""
    attended_by: list[Uuid] = Field(default=[], max_length=20)
    """Colleagues who were there beside the visit's adviser; one of them logs it."""
    attendance: list[Attendee] = Field(default=[], max_length=50)
    notes: Annotated[str, prose(10_000)] | None = None
    findings: list[FindingRecording] = Field(default=[], max_length=200)


class VisitSupplementing(Input):
    """What to add to a completed visit, or to correct of it: each field that is stated is said instead of what stands."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    arrived_at: Moment | None = None
    left_at: Moment | None = None
    attended_by: list[Uuid] | None = Field(default=None, max_length=20)
    attendance: list[Attendee] | None = Field(default=None, max_length=50)
    notes: Annotated[str, prose(10_000)] | None = None
    reason: Annotated[str, prose(1000)]


class VisitEnding(Input):
    """Why a visit was not made."""

    reason_code: Annotated[str, code(60)]
    note: Annotated[str, prose(1000)] | None = None
    """Stands in the case's timeline; needed where the reason is ``other``."""


class VisitCancelling(VisitEnding):
    """Why a visit to come is cancelled."""

    tell_business: Truth = False
    """Write to the business where the contact is not verified, or after a hand-over, as well; it is told nothing then otherwise."""


class Risk(View):
    """Likelihood and impact on ProtectUK's 4 × 4 matrix, and their product; always with the finding behind it."""

    likelihood: int
    impact: int
    score: int


class FindingRow(View):
    """A finding in a list, or within its visit."""

    id: UUID
    visit_id: UUID
    case_id: UUID
    area_id: UUID | None
    area: str
    phase: Phase
    methodology: str
    existing_control: str | None
    gap: str
    risk: Risk
    threat_level: str | None
    northern_ireland_threat_level: str | None
    frozen: bool
    recorded_by: UUID
    recorder: str
    recorded_at: datetime
    version: int


class FindingView(FindingRow):
    """A finding: where, at which phase of use, against which attack, what is there and what is missing."""

    allowed_actions: list[Action]


class FindingStated(View):
    """What was stated of a finding, to recognise a repeat by."""

    id: UUID
    area_id: UUID | None
    area: str
    phase: Phase
    methodology: str
    existing_control: str | None
    gap: str
    likelihood: int
    impact: int


class FindingPage(Page):
    """Findings, one page."""

    items: list[FindingRow]
    next_cursor: str | None


class Attendance(View):
    """Somebody who took part in a visit."""

    name: str
    role: str


class VisitRow(View):
    """A visit in a list."""

    id: UUID
    case_id: UUID
    case_reference: str | None
    """Null for a reader who may read visits but not cases."""
    team_id: UUID
    restricted: bool
    state: VisitState
    kind: VisitKind
    premises_id: UUID | None
    premises: str | None
    adviser_id: UUID
    adviser: str
    adviser_left_at: datetime | None
    """Since when whoever was to make it can no longer be sent: name somebody else."""
    starts_at: datetime
    ends_at: datetime
    zone: str
    place_note: str | None
    declined_at: datetime | None
    version: int


class VisitView(VisitRow):
    """A visit for those who may not read its findings: neither they nor what the adviser noted is there."""

    confirmed_at: datetime | None
    confirmed_by: Literal["staff", "business"] | None
    declined_note: str | None
    arrived_at: datetime | None
    left_at: datetime | None
    time_marks: list[TimeMark]
    """What is not plausible about these times; all but *unconfirmed* took a reason."""
    logged_by: UUID | None
    logger: str | None
    """Who logged it, in the adviser's name or their own."""
    attended_by: list[UUID]
    """Colleagues who were there beside the adviser."""
    attended_by_names: list[str]
    reason_code: str | None
    created_at: datetime
    allowed_actions: list[Action]


class SupplementChange(View):
    """One field of a supplement: what it said, and what is said instead."""

    field: Literal["arrived_at", "left_at", "attended_by", "attendance", "notes"]
    old: str | list[Attendance] | list[UUID] | None
    new: str | list[Attendance] | list[UUID]


class SupplementRow(View):
    """What was added to a completed visit, or corrected of it."""

    id: UUID
    visit_id: UUID
    changes: list[SupplementChange]
    reason: str
    time_marks: list[TimeMark]
    recorded_by: UUID
    recorder: str
    recorded_at: datetime


class VisitWithFindings(VisitView):
    """A visit in full, as it was logged; ``supplements`` tell what was added or corrected afterwards, oldest first."""

    time_reason: str | None
    attendance: list[Attendance] | None
    notes: str | None
    findings: list[FindingRow]
    supplements: list[SupplementRow]


class OwnVisitRow(View):
    """A visit in a list, as the business sees it."""

    id: UUID
    state: VisitState
    starts_at: datetime
    ends_at: datetime
    zone: str
    place_note: str | None
    adviser: str
    version: int


class OwnVisitView(OwnVisitRow):
    """A visit as the verified contact of the business sees it."""

    allowed_actions: list[Action]


class VisitPage(Page):
    """Visits, one page."""

    items: list[VisitRow]
    next_cursor: str | None


class OwnVisitPage(Page):
    """The visits to a business, one page."""

    items: list[OwnVisitRow]
    next_cursor: str | None


def _which(answer: object) -> str:
    return type(answer).__name__


# By discriminator, so that the contract says `oneOf`: the views exclude each other.
VisitSeen = Annotated[
    Annotated[VisitWithFindings, Tag("VisitWithFindings")]
    | Annotated[VisitView, Tag("VisitView")]
    | Annotated[OwnVisitView, Tag("OwnVisitView")],
    Discriminator(_which),
]
VisitSeenByStaff = Annotated[
    Annotated[VisitWithFindings, Tag("VisitWithFindings")] | Annotated[VisitView, Tag("VisitView")],
    Discriminator(_which),
]
VisitsSeen = VisitPage | OwnVisitPage
