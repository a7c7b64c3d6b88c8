"""What comes in and goes out about shares, emergency access and transfers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from casework.cases.schemas import CaseReference, Note, ReasonCode
from casework.circle.lifecycle import ShareMode, ShareState, TransferState
from casework.kernel.columns import Moment, code, prose
from casework.kernel.inputs import Input, Truth, Uuid
from casework.kernel.views import Page, View

PurposeCode = Annotated[str, code(60)]


class CaseSharing(Input):
    """With whom a case is shared, for what purpose, how far and until when."""

    id: Uuid | None = None
    """Your own id for it (a UUIDv7), so that a repeat is recognised."""
    to_team_id: Uuid
    mode: ShareMode = ShareMode.READ
    includes_restricted: Truth = False
    """Whether the share is meant to hold while the case is restricted."""
    purpose_code: PurposeCode
    until: Moment
    note: Note | None = None


class CaseShareEnding(Input):
    """Nothing needs to be stated: the share ends at once."""


class CaseShareView(View):
    """A case lent to a team of another force. ``rests``: the case is restricted, which the share does not include."""

    id: UUID
    case_id: UUID
    to_team_id: UUID
    to_team: str
    mode: ShareMode
    includes_restricted: bool
    purpose_code: str
    note: str | None
    until: datetime
    state: ShareState
    shared_by: UUID
    sharer: str
    shared_at: datetime
    ended_at: datetime | None


class CaseSharePage(Page):
    """Shares, one page."""

    items: list[CaseShareView]
    next_cursor: str | None


class EmergencyOpening(Input):
    """Which case has to be opened in an emergency, for what purpose, and what the emergency is."""

    reference: CaseReference
    purpose_code: PurposeCode
    reason: Annotated[str, prose(2_000)]


class EmergencyAccessView(View):
    """A case that somebody of another team opened in an emergency."""

    id: UUID
    case_id: UUID
    reference: str | None
    """Null for those who may not read the case itself, such as auditors."""
    person_id: UUID
    person: str
    purpose_code: str
    reason: str
    opened_at: datetime
    until: datetime


class EmergencyAccessPage(Page):
    """Emergency access, one page."""

    items: list[EmergencyAccessView]
    next_cursor: str | None


class CaseTransferring(Input):
    """To whom a case is offered, and why."""

    id: Uuid | None = None
    """Your own id for the offer (a UUIDv7), so that a repeat is recognised."""
    to_team_id: Uuid
    reason_code: ReasonCode
    note: Note | None = None


class CaseTransferWithdrawing(Input):
    """Nothing needs to be stated: the offer no longer stands."""


class CaseTransferAcceptance(Input):
    """The case is taken over, at a place that the team keeps already or at a copy of its facts."""

    premises_id: Uuid | None = None
    note: Note | None = None


class CaseTransferReturn(Input):
    """Why the case is not taken over."""

    note: Note


class CaseTransferView(View):
    """A case offered to another force: all that the team which cannot read it sees. Title and note go when the offer ends."""

    id: UUID
    reference: str
    title: str | None
    strand: str
    from_team_id: UUID
    from_team: str
    to_team_id: UUID
    to_team: str
    state: TransferState
    reason_code: str
    note: str | None
    offered_at: datetime
    decided_at: datetime | None
    decision_note: str | None
    version: int


class CaseTransferPage(Page):
    """Transfers, one page."""

    items: list[CaseTransferView]
    next_cursor: str | None
