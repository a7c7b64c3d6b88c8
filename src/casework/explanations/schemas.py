"""What goes out about access: who, which record, whether, and why. Never what the record holds."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from casework.kernel.views import View


class Verdict(StrEnum):
    """How much of the record the person sees just now."""

    READABLE = "readable"
    HEADLINE = "headline"
    NO = "no"


class RecordKind(StrEnum):
    """What can be asked about."""

    CASE = "case"
    ENQUIRY = "enquiry"
    VISIT = "visit"
    FINDING = "finding"
    ADVICE = "advice"
    INTERIM_ADVICE = "interim_advice"
    RECOMMENDATION = "recommendation"
    PREMISES = "premises"
    ORGANISATION = "organisation"


class ReasonView(View):
    """One thing that opens the record to the person, or does not."""

    code: str
    opens: bool
    """Whether this alone lets the person read the record."""
    message: str
    role: str | None
    """The role by which it does, or does not; null where it is about the whole account."""
    team_id: UUID | None
    """The team in which that role is held."""
    until: datetime | None
    """When it ends, or ended."""


class ExplanationView(View):
    """Whether a person, or a tool, can see a record, and each reason."""

    person: UUID
    name: str
    record: UUID
    kind: RecordKind
    verdict: Verdict
    restricted: bool
    reasons: list[ReasonView]
