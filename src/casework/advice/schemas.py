"""What comes in and goes out about advice, derived from its facts."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from casework.access.actions import Action
from casework.advice.lifecycle import (
    AdviceState,
    Answer,
    Decision,
    DeliverBy,
    DeliveredBy,
    DeliveryState,
    Domain,
    Principle,
    Priority,
    ReturnReason,
    VerificationState,
)
from casework.advice.models import AdviceFacts, InterimAdviceFacts, RecommendationFacts
from casework.kernel.columns import LocalDate, Moment, Sha256, code, line, prose
from casework.kernel.inputs import Input, Truth, Uuid, amendment
from casework.kernel.views import Page, View
from casework.reference.models import Level, ThreatKind
from casework.visits.lifecycle import TimeMark


def _once_each(ids: list[UUID]) -> list[UUID]:
    return sorted(set(ids))


FindingIds = Annotated[list[Uuid], Field(max_length=50), AfterValidator(_once_each)]


class AdviceDrafting(AdviceFacts, Input):
    """The first version of a piece of advice."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""


class AdviceCorrection(Input):
    """A new version of issued advice. It begins as a copy; what is wrong is then amended."""

    id: Uuid | None = None
    correction_reason: Annotated[str, prose(2000)]


class RecommendationContent(RecommendationFacts):
    """One measure, proportionate and prioritised, with the findings it answers."""

    finding_ids: FindingIds = []


class RecommendationDrafting(RecommendationContent, Input):
    """A recommendation; it takes its place at the end."""

    id: Uuid | None = None


if TYPE_CHECKING:
    AdviceAmendment = Input
    RecommendationAmendment = Input
else:
    AdviceAmendment = amendment("AdviceAmendment", AdviceFacts)
    RecommendationAmendment = amendment("RecommendationAmendment", RecommendationContent)


class RecommendationOrder(Input):
    """All recommendations of a draft, in the order in which they are to be numbered."""

    recommendation_ids: Annotated[list[Uuid], Field(min_length=1, max_length=500)]


class ReviewerAsking(Input):
    """Who is asked to review."""

    reviewer_id: Uuid


class AdviceSubmission(Input):
    """Nothing needs to be said."""


class AdviceTakingBack(Input):
    """Why advice is taken back before it is decided, if that is to be said."""

    reason: Annotated[str, prose(2000)] | None = None


class Reviewing(Input):
    """What a review came to, and of which content."""

    decision: Decision
    content_sha256: Sha256
    """As the advice showed it: who has read another content than is there now has not reviewed it."""
    comment: Annotated[str, prose(5_000)] | None = None
    """Required when the advice is returned."""


class AdviceIssuing(Input):
    """When the business is to be asked how far it got, how the advice reaches it, and that a changed threat level was considered."""

    follow_up_on: LocalDate
    deliver_by: DeliverBy | None = None
    """Required where no verified contact can read it by their link; where one can, it is delivered so as well."""
    deliver_on: LocalDate | None = None
    """The day of it: today or to come; with ``later``, a day to come by which it is delivered."""
    confirm_threat_level: Annotated[str, code(20)] | None = None
    confirm_northern_ireland_threat_level: Annotated[str, code(20)] | None = None
    """At a site in Northern Ireland, where the level there changed."""


class DeliveryRecording(Input):
    """That advice was delivered: to whom, when and how."""

    delivered_to: Annotated[str, line(200)]
    delivered_at: Moment
    delivered_by: DeliveredBy


class AdviceWithdrawing(Input):
    """Why advice no longer stands."""

    reason: Annotated[str, prose(2000)]
    tell_business: Truth = False
    """Write to the business after a hand-over as well; it is told nothing then otherwise."""


class AnswerGiven(StrEnum):
    """What the business may answer."""

    ACCEPTED = Answer.ACCEPTED.value
    PART_ACCEPTED = Answer.PART_ACCEPTED.value
    DECLINED = Answer.DECLINED.value


class Responding(Input):
    """The answer of the business to a recommendation."""

    id: Uuid | None = None
    answer: AnswerGiven
    reason_code: Annotated[str, code(60)] | None = None
    """A word of ``reason_decline``; required when the recommendation is declined."""
    note: Annotated[str, prose(4_000)] | None = None


class Progress(StrEnum):
    """What an adviser may state of the carrying out."""

    IN_PROGRESS = VerificationState.IN_PROGRESS.value
    CLAIMED = VerificationState.CLAIMED.value
    VERIFIED = VerificationState.VERIFIED.value
    NOT_APPLICABLE = VerificationState.NOT_APPLICABLE.value


class Verifying(Input):
    """How far a recommendation was carried out, and what shows it: a visit made since it was issued, or other evidence."""

    id: Uuid | None = None
    state: Progress
    visit_id: Uuid | None = None
    """A completed visit of the case, made after the issue of the first version that held this recommendation."""
    evidence: Annotated[str, prose(4_000)] | None = None
    """What else shows it, in a sentence and more."""
    reason: Annotated[str, prose(1_000)] | None = None
    """Why it does not apply; needed where the state is ``not_applicable``."""


class InterimRecording(InterimAdviceFacts, Input):
    """Advice given by voice or in urgency."""

    id: Uuid | None = None


class StruckLevel(View):
    """A threat level that was recorded by mistake."""

    kind: ThreatKind
    level: Level
    since: datetime
    struck_at: datetime


class CitedFinding(View):
    """A finding that the advice cites."""

    id: UUID
    visit_id: UUID
    area: str
    phase: str
    methodology: str
    existing_control: str | None
    gap: str
    likelihood: int
    impact: int
    threat_level: str | None
    northern_ireland_threat_level: str | None
    frozen: bool
    visit_time_marks: list[TimeMark]
    """What is not plausible about the times of the visit at which it was found, for whoever reviews the advice."""
    visit_time_reason: str | None
    version: int


class AdviceRecommendation(View):
    """A recommendation within its advice."""

    id: UUID
    position: int
    line_id: UUID
    """The same in every version of the advice that has this recommendation."""
    action: str
    principle: Principle
    domain: Domain
    priority: Priority
    responsible_party: str | None
    target_on: date | None
    cost_band: str | None
    guidance: str | None
    finding_ids: list[UUID]
    answer: Answer
    verification: VerificationState
    version: int


class ReviewView(View):
    """One person's review."""

    id: UUID
    advice_id: UUID
    reviewer_id: UUID
    reviewer: str
    decision: Decision
    comment: str | None
    content_sha256: str | None
    """Of the content that was decided on; null of what was decided before contents were kept."""
    decided_at: datetime


class InterimView(View):
    """Interim advice."""

    id: UUID
    case_id: UUID
    given_by: UUID
    giver: str
    given_to: str
    given_at: datetime
    advice: str
    carried_into: UUID | None
    recorded_at: datetime


class InterimPage(Page):
    """Interim advice, one page."""

    items: list[InterimView]
    next_cursor: str | None


class DeliveryView(View):
    """How a version reaches, or reached, the business."""

    id: UUID
    state: DeliveryState
    how: str
    """``tracking``, by their link; else how it is to be delivered: ``in_person``, ``post`` or ``later``."""
    contact_id: UUID | None
    contact: str | None
    """The name, for whoever reads the enquiry."""
    due_on: date | None
    delivered_by: DeliveredBy | None
    delivered_to: str | None
    delivered_at: datetime | None
    recorded_by: UUID | None
    recorder: str | None
    recorded_at: datetime | None


class AdviceView(View):
    """A version of advice in full."""

    id: UUID
    reference: str
    number: int
    case_id: UUID
    team_id: UUID
    restricted: bool
    state: AdviceState
    title: str
    introduction: str | None
    author_id: UUID
    author: str
    reviewer_id: UUID | None
    reviewer: str | None
    approved_by: UUID | None
    approver: str | None
    return_reason: ReturnReason | None
    """Why it is back with its author, while it is returned."""
    content_sha256: str | None
    """Of the content that was submitted, from then on: the reviewer sends it back, and what is issued has it still."""
    correction_reason: str | None
    drafted_threat_level: str | None
    drafted_northern_ireland_threat_level: str | None
    issued_threat_level: str | None
    issued_northern_ireland_threat_level: str | None
    struck_threat_levels: list[StruckLevel]
    """Threat levels under which this was issued, and which were struck since: the advice stays, this is its note."""
    follow_up_on: date | None
    issued_at: datetime | None
    issued_by: UUID | None
    issuer: str | None
    delivery: list[DeliveryView]
    """Whom it reached when it was issued, and what is delivered otherwise; empty of what was issued before this was kept."""
    ended_at: datetime | None
    withdrawal_reason: str | None
    current_advice_id: UUID | None
    """The version of this reference that stands issued."""
    recommendations: list[AdviceRecommendation]
    findings: list[CitedFinding]
    reviews: list[ReviewView]
    interim_advice: list[InterimView]
    """What was advised by voice before and is carried into this version; until it is issued, what would be."""
    version: int
    created_at: datetime
    allowed_actions: list[Action]


class AdviceRow(View):
    """A version of advice in a list."""

    id: UUID
    reference: str
    number: int
    case_id: UUID
    team_id: UUID
    restricted: bool
    state: AdviceState
    title: str
    author_id: UUID
    author: str
    reviewer_id: UUID | None
    reviewer: str | None
    follow_up_on: date | None
    issued_at: datetime | None
    version: int
    created_at: datetime


class AdvicePage(Page):
    """Versions of advice, one page."""

    items: list[AdviceRow]
    next_cursor: str | None


class TeamContact(View):
    """How to reach the team."""

    name: str
    phone: str | None
    phone_extension: str | None
    relay: bool
    mailbox: str | None
    hours: str | None


class OwnRecommendation(View):
    """A recommendation within its advice, as the business reads it."""

    id: UUID
    position: int
    line_id: UUID
    """The same in every version of the advice that has this recommendation."""
    action: str
    principle: Principle
    domain: Domain
    priority: Priority
    responsible_party: str | None
    target_on: date | None
    cost_band: str | None
    guidance: str | None
    answer: Answer
    verification: VerificationState
    version: int


class OwnInterim(View):
    """Interim advice, as the business reads it."""

    given_to: str
    given_at: datetime
    advice: str


class OwnAdvice(View):
    """Issued advice, as the business reads it: the team instead of names, nothing internal."""

    id: UUID
    reference: str
    number: int
    case_id: UUID
    state: AdviceState
    title: str
    introduction: str | None
    correction_reason: str | None
    issued_threat_level: str | None
    issued_northern_ireland_threat_level: str | None
    struck_threat_levels: list[StruckLevel]
    """Threat levels under which this was issued, and which were recorded by mistake."""
    follow_up_on: date
    issued_at: datetime
    ended_at: datetime | None
    withdrawal_reason: str | None
    current_advice_id: UUID | None
    team: TeamContact
    recommendations: list[OwnRecommendation]
    interim_advice: list[OwnInterim]
    version: int


class OwnAdviceRow(View):
    """Issued advice in the business's list."""

    id: UUID
    reference: str
    number: int
    case_id: UUID
    state: AdviceState
    title: str
    follow_up_on: date
    issued_at: datetime
    version: int


class OwnAdvicePage(Page):
    """Issued advice, one page."""

    items: list[OwnAdviceRow]
    next_cursor: str | None


class RecommendationRow(View):
    """A recommendation in the register, the action plan."""

    id: UUID
    advice_id: UUID
    reference: str
    number: int
    advice_state: AdviceState
    case_id: UUID
    position: int
    line_id: UUID
    """The same in every version of the advice that has this recommendation."""
    action: str
    principle: Principle
    domain: Domain
    priority: Priority
    responsible_party: str | None
    target_on: date | None
    cost_band: str | None
    answer: Answer
    verification: VerificationState
    version: int
    created_at: datetime


class RecommendationPage(Page):
    """Recommendations, one page."""

    items: list[RecommendationRow]
    next_cursor: str | None


class ResponseView(View):
    """An answer of the business, and who of staff recorded it, if not the business itself."""

    id: UUID
    recommendation_id: UUID
    answer: Answer
    reason_code: str | None
    note: str | None
    person_id: UUID | None
    person: str | None
    responded_at: datetime


class OwnResponse(View):
    """An answer of the business, as it reads it."""

    id: UUID
    recommendation_id: UUID
    answer: Answer
    reason_code: str | None
    note: str | None
    responded_at: datetime


class VerificationView(View):
    """What an adviser saw of a recommendation being carried out."""

    id: UUID
    recommendation_id: UUID
    state: VerificationState
    visit_id: UUID | None
    evidence: str | None
    reason: str | None
    verified_by: UUID
    verifier: str
    verified_at: datetime


class OwnVerification(View):
    """How far the adviser holds a recommendation to be carried out."""

    state: VerificationState
    verified_at: datetime


class OpenReasonView(View):
    """Why a recommendation was still open when the case closed."""

    reason_code: str
    note: str | None
    stated_by: UUID
    stated_at: datetime


class RecommendationView(RecommendationRow):
    """A recommendation with both its tracks."""

    team_id: UUID
    restricted: bool
    guidance: str | None
    finding_ids: list[UUID]
    current_advice_id: UUID | None
    responses: list[ResponseView]
    verifications: list[VerificationView]
    open_reasons: list[OpenReasonView]
    allowed_actions: list[Action]


class OwnRecommendationView(RecommendationRow):
    """A recommendation with both its tracks, as the business reads it."""

    guidance: str | None
    current_advice_id: UUID | None
    responses: list[OwnResponse]
    verifications: list[OwnVerification]
    allowed_actions: list[Action]
