"""What comes in and goes out about enquiries, derived from their facts."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic import model_validator as validated
from pydantic_core import PydanticCustomError

from casework.access.actions import Action
from casework.enquiries.lifecycle import Author, Channel, EnquiryState, PassingState
from casework.enquiries.models import ContactFacts, EnquiryFacts, MessageFacts, TransferFacts
from casework.kernel.columns import Moment, OneTimeCode, code, line, opaque, prose, reference
from casework.kernel.inputs import Input, Truth, Uuid
from casework.kernel.views import Page, View
from casework.notices.schemas import NoticeText
from casework.reference.models import Need

ADVICE = Need.PROTECTIVE_SECURITY_ADVICE
NEEDS = [need.value for need in Need]
OtherNeeds = Literal[
    "emergency",
    "suspicious_activity",
    "terrorist_material_online",
    "hate_material_online",
    "understand_prevent",
    "concern_about_person",
    "prevent_activity",
    "drugs_knives_guns_gangs",
    "general_question",
    "does_the_law_apply",
    "own_data_or_foi",
]


# --- what comes in ---


class ContactStated(ContactFacts, Input):
    """Who asks, and at least one way to reach them."""

    @validated(mode="after")
    def _reachable(self) -> "ContactStated":
        if self.email is None and self.phone is None:
            raise PydanticCustomError("unreachable", "Give an e-mail address or a telephone number")
        return self


class EnquirySubmission(EnquiryFacts, Input):
    """A business, or an individual at their business, asks for protective security advice for a site or an event."""

    need: Literal["protective_security_advice"]
    id: Uuid | None = None
    """Your own id for it (a random UUID), so that a repeat is recognised."""
    channel: Channel | None = None
    """How the caller reached you; staff only."""
    notice_id: Uuid | None = None
    """The version of the privacy notice that you have shown (``GET /v1/notices/in-force``); the one in force unless stated."""
    contact: ContactStated


class OtherNeed(BaseModel):
    """Another service's work: send the need alone. Whatever else came along would be neither judged nor kept."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})

    need: OtherNeeds


def _by_need(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, dict):
        return check(value)
    need = value.get("need")
    if need not in NEEDS:
        # Said alone: what the rest must be depends on it.
        told = PydanticCustomError("enum", "Say first what is needed: {needs}", {"needs": ", ".join(NEEDS)})
        raise ValidationError.from_exception_data("Submission", [{"type": told, "loc": ("need",), "input": None}])
    return check(value) if need == ADVICE else OtherNeed(need=need)


Submission = Annotated[
    EnquirySubmission,
    WrapValidator(
        _by_need, json_schema_input_type=Annotated[EnquirySubmission | OtherNeed, Field(discriminator="need")]
    ),
]
"""What ``POST /v1/enquiries`` takes: the need decides what the rest must be."""


class MessageAdding(MessageFacts, Input):
    """A message to the other side."""

    id: Uuid | None = None


class Nothing(Input):
    """Nothing needs to be stated."""


class EnquiryTriage(Input):
    """What was found at triage; it replaces what an earlier triage found."""

    premises_id: Uuid | None = None
    organisation_id: Uuid | None = None
    strand: Annotated[str, code(30)]
    """The competence that the work needs: a word of ``competences``."""
    note: Annotated[str, prose(2_000)] | None = None


ReasonNote = Annotated[str, prose(2_000)]


class EnquirySignposting(Input):
    """Which service is the right one, and why."""

    signposted_to: OtherNeeds
    reason_code: Annotated[str, code(60)]
    """A word of ``reason_signpost``."""
    note: ReasonNote | None = None
    """Required with the reason `other`. For the team alone."""
    tell_business: Truth = False
    """Tell the business all the same: of a hoax or abuse, of somebody who is not verified or has no connection to the place, or
    after a hand-over, it is told nothing otherwise, and reads on its page what it read before."""


class EnquiryRefusal(Input):
    """Why we cannot help."""

    reason_code: Annotated[str, code(60)]
    """A word of ``reason_refuse``."""
    note: ReasonNote | None = None
    """Required with the reason `other`. For the team alone."""
    tell_business: Truth = False
    """Tell the business all the same: of a hoax or abuse, of somebody who is not verified or has no connection to the place, or
    after a hand-over, it is told nothing otherwise, and reads on its page what it read before."""


class EnquiryReopening(Input):
    """Why a refusal, signposting or withdrawal is taken back."""

    reason: ReasonNote


class DuplicateMarking(Input):
    """The enquiry that this one repeats."""

    duplicate_of: Uuid


class EnquiryHandOver(Input):
    """To whom intelligence or an emergency was passed on, and when. Its text is removed here.

    The description and what staff noted at triage and verification always go. What else may hold it, one names.
    """

    to: Annotated[str, line(200)]
    at: Moment
    messages: Annotated[list[Uuid], Field(max_length=200)] = []
    """The messages whose text is to be removed as well."""
    site_name: Truth = False
    """Whether the names of site and organisation hold it, and are to be removed with the address."""


class ContactVerification(Input):
    """How the contact was verified."""

    method: Annotated[str, code(60)]
    """A word of ``verification_methods``."""
    note: Annotated[str, prose(2_000)] | None = None
    exception_reason: Annotated[str, prose(2_000)] | None = None
    """Why an address of the force, or of a colleague, is the business's all the same; a supervisor's word."""


class ContactReplacement(ContactStated):
    """Who is there for the business from now on, and why somebody else was until now."""

    reason: Annotated[str, prose(2_000)]
    tell_business: Truth = False
    """Write to both contacts after a hand-over as well; nobody is told then otherwise."""


class CodeEntry(Input):
    """The code, as it stands in the message; what stands between its digits does not matter."""

    request: Annotated[str, opaque(100)]
    """What was answered on this device when the code was asked for."""
    code: OneTimeCode


class ContactUnverification(Input):
    """Why the verification is taken back."""

    reason: Annotated[str, prose(2_000)]


class EnquiryTransferring(TransferFacts, Input):
    """The intake team of the force that should look at the enquiry, and what it should know before it decides."""

    to_team_id: Uuid


class TransferDeciding(Input):
    """What was decided about an offer, in a few words where that helps."""

    note: Annotated[str, prose(2_000)] | None = None


EnquiryReference = Annotated[str, reference("ENQ")]
"""A reference as somebody read it out; a mistyped one is told as mistyped."""


# --- what goes out to whoever asked ---

SecondStep = Literal["awaiting_verification", "code_required", "confirmed"]


class CodeSent(View):
    """A code is on its way to the e-mail address that we have of you. It is good on the device that asked for it."""

    outcome: Literal["sent"]
    request: str
    """Keep it on this device, until the code is entered with it. It is shown this once."""
    valid_minutes: int
    tries: int


class CodeAccepted(View):
    """The code was right: this device sees more for a while."""

    second_step: Literal["confirmed"]
    confirmation: str
    """Send it in `X-Confirmation`, beside the tracking token. It is shown this once."""
    confirmed_until: datetime
    """When it ends at the latest; after a while without a request it ends before."""


class ForceView(View):
    """The police force whose area the site lies in."""

    code: str
    name: str


class TeamContact(View):
    """How to reach the advisers."""

    name: str
    phone: str | None
    phone_extension: str | None
    relay: bool
    mailbox: str | None
    hours: str | None


class Received(View):
    """An enquiry was received. The tracking token is shown once: keep it, it opens the enquiry's progress."""

    outcome: Literal["received"]
    id: UUID
    reference: str
    tracking_token: str
    expected_wait: str
    respond_by: date
    force: ForceView
    team: TeamContact
    privacy_notice: NoticeText
    """The version that was shown: the one that was named, else the one in force."""


class MessageView(View):
    """A message of the conversation. Its body is null where it was removed."""

    id: UUID
    author: Author
    body: str | None
    created_at: datetime


class MessageList(View):
    """The conversation, oldest first."""

    items: list[MessageView]


class TrackingView(View):
    """An enquiry as the business sees it: where it stands, and the conversation."""

    id: UUID
    reference: str
    organisation_name: str | None
    site_name: str
    state: EnquiryState
    status: str
    what_happens_next: str
    signposted_to: Need | None
    received_at: datetime
    respond_by: date
    ended_at: datetime | None
    verified: bool
    """Whether staff have verified the contact; until then there is status and messages only."""
    second_step: SecondStep
    """What is still needed to see the visit's time and the advice."""
    confirmed_until: datetime | None
    """Until when the one-time code that was entered on this device is good."""
    team: TeamContact
    messages: list[MessageView]
    version: int
    allowed_actions: list[Action]


class TrackingStanding(View):
    """Where an enquiry stands after the business withdrew it."""

    id: UUID
    reference: str
    state: EnquiryState
    status: str
    ended_at: datetime | None
    version: int


# --- what goes out to staff ---


class ContactView(View):
    """The person at the business, and how we know that it is them."""

    id: UUID
    name: str
    job_title: str | None
    email: str | None
    phone: str | None
    phone_extension: str | None
    relay: bool
    verified_at: datetime | None
    verified_by: str | None
    verification_method: str | None
    verification_note: str | None
    verification_exception: str | None
    """Why an address of the force, or of a colleague, was verified all the same."""
    unverified_reason: str | None
    force_address: bool
    """Whether the e-mail address is of a police force: its owner is hardly the business."""


class ContactOfPast(ContactView):
    """A contact of the enquiry, now or before."""

    current: bool
    created_at: datetime


class ContactList(View):
    """Who was there for the business, newest first."""

    items: list[ContactOfPast]


class LikelyPremises(View):
    """A place that may be the one meant, and why we think so."""

    id: UUID
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    reasons: list[Literal["postcode", "name", "alias"]]


class NoticeShown(View):
    """A version of a privacy notice. ``GET /v1/notices/{id}/text`` has its words."""

    id: UUID
    number: int
    force_code: str | None
    """Null: what holds where the force has published none of its own."""


class EnquiryView(View):
    """An enquiry in full."""

    id: UUID
    reference: str
    team_id: UUID
    team: str
    force_code: str
    state: EnquiryState
    channel: Channel
    restricted: bool
    organisation_name: str | None
    site_name: str
    site_address: str | None
    town: str | None
    postcode: str | None
    local_authority_code: str | None
    sector: str | None
    description: str | None
    contact: ContactView
    premises_id: UUID | None
    premises: str | None
    organisation_id: UUID | None
    strand: str | None
    triage_note: str | None
    case_id: UUID | None
    case_withheld: bool
    """Whether its contact sees nothing of the case that it joined, until the case's adviser or a supervisor opens it."""
    duplicate_of: UUID | None
    signposted_to: Need | None
    reason_code: str | None
    reason_note: str | None
    reopened_at: datetime | None
    reopened_reason: str | None
    handed_over_to: str | None
    handed_over_at: datetime | None
    submitted_by: str | None
    privacy_notice: NoticeShown | None
    """Which version was shown when it came in; null for what came in before that was kept."""
    received_at: datetime
    respond_by: date
    ended_at: datetime | None
    business_spoke_at: datetime | None
    """When the business wrote, where nobody of ours has written since."""
    shown_stage: str | None
    """Where the business goes on reading that it stands, where it was not told of the end."""
    version: int
    likely_premises: list[LikelyPremises] | None
    """Null for callers who may not read premises."""
    allowed_actions: list[Action]


class EnquiryStanding(View):
    """Where an enquiry stands after a move.

    No free text: answers are kept for 72 hours under their Idempotency-Key, and text may have to be taken out of an enquiry.
    """

    id: UUID
    reference: str
    team_id: UUID
    state: EnquiryState
    restricted: bool
    strand: str | None
    premises_id: UUID | None
    organisation_id: UUID | None
    case_id: UUID | None
    case_withheld: bool
    """Whether its contact sees nothing of the case that it joined, until the case's adviser or a supervisor opens it."""
    duplicate_of: UUID | None
    signposted_to: Need | None
    reason_code: str | None
    reopened_at: datetime | None
    handed_over_at: datetime | None
    contact_verified: bool
    respond_by: date
    ended_at: datetime | None
    shown_stage: str | None
    """Where the business goes on reading that it stands, where it was not told of the end."""
    version: int
    allowed_actions: list[Action]


class TokenReissued(View):
    """A new tracking token, shown once. The one before has ended."""

    id: UUID
    reference: str
    tracking_token: str


class EnquiryRow(View):
    """An enquiry in a list."""

    id: UUID
    reference: str
    team_id: UUID
    state: EnquiryState
    channel: Channel
    restricted: bool
    organisation_name: str | None
    site_name: str
    town: str | None
    postcode: str | None
    sector: str | None
    strand: str | None
    premises_id: UUID | None
    case_id: UUID | None
    received_at: datetime
    respond_by: date
    ended_at: datetime | None
    business_spoke_at: datetime | None
    """When the business wrote, where nobody of ours has written since."""
    version: int


class EnquiryPage(Page):
    """Enquiries, one page."""

    items: list[EnquiryRow]
    next_cursor: str | None


class StaffMessageView(MessageView):
    """A message with the colleague who wrote it; the business never sees who."""

    person: str | None


class StaffMessageList(View):
    """The conversation, oldest first."""

    items: list[StaffMessageView]


class MessageAdded(View):
    """A message was added. Its text is not repeated: answers are kept under their Idempotency-Key."""

    id: UUID
    enquiry_id: UUID
    author: Author
    created_at: datetime
    answer: str | None
    """What a business that writes when all has ended is told: that a colleague hears of it, and whom to ring."""


class TransferRow(View):
    """An enquiry passed from one force to another: its line, without the enquiry."""

    id: UUID
    enquiry_id: UUID
    reference: str
    site_name: str
    from_team_id: UUID
    from_team: str
    to_team_id: UUID
    to_team: str
    state: PassingState
    note: str | None
    offered_by: str | None
    offered_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_note: str | None
    version: int


class TransferView(TransferRow):
    """The same with what may be done about it."""

    allowed_actions: list[Action]


class TransferPage(Page):
    """Enquiries passed on, one page."""

    items: list[TransferRow]
    next_cursor: str | None
