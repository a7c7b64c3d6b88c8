"""Advice in versions, its recommendations, the answers of the business and what was verified."""

from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from casework.advice.lifecycle import (
    AdviceState,
    Answer,
    Contribution,
    DeliverBy,
    DeliveredBy,
    Domain,
    Principle,
    Priority,
    ReturnReason,
    VerificationState,
)
from casework.cases.models import of_case
from casework.kernel.columns import LocalDate, Moment, code, line, prose
from casework.kernel.tables import NEW_ID, flag, identity, moment, plain, version, vocabulary

SCHEMA = {"schema": "casework"}


def https_link(value: str) -> str:
    """A link that a reader may follow: https, with a host, without a user's name before it."""
    try:
        link = urlsplit(value)
        fine = link.scheme == "https" and bool(link.hostname) and "@" not in link.netloc
    except ValueError:
        fine = False
    if not fine or any(character.isspace() for character in value):
        raise PydanticCustomError("https-link", "Give a link that begins with https://")
    return value


def of_advice(*more: object) -> tuple[object, ...]:
    """The table arguments of a child of advice; scope follows the advice, and so the case."""
    return (
        ForeignKeyConstraint(
            ["advice_id", "case_id", "team_id", "restricted"],
            [
                "casework.advice.id",
                "casework.advice.case_id",
                "casework.advice.team_id",
                "casework.advice.restricted",
            ],
            onupdate="CASCADE",
        ),
        *more,
        SCHEMA,
    )


def of_recommendation(*more: object) -> tuple[object, ...]:
    """The table arguments of a child of a recommendation."""
    return (
        ForeignKeyConstraint(
            ["recommendation_id", "case_id", "team_id", "restricted"],
            [
                "casework.recommendation.id",
                "casework.recommendation.case_id",
                "casework.recommendation.team_id",
                "casework.recommendation.restricted",
            ],
            onupdate="CASCADE",
        ),
        *more,
        SCHEMA,
    )


class AdviceFacts(SQLModel):
    """What an adviser writes."""

    title: Annotated[str, line(200)]
    introduction: Annotated[str, prose(10_000)] | None = None


class Advice(AdviceFacts, table=True):
    """One version of advice: ``ADV-…/2`` is the second."""

    __tablename__ = "advice"
    __table_args__ = of_case(
        vocabulary("state", AdviceState),
        CheckConstraint("reviewer_id IS NULL OR reviewer_id <> author_id", name="reviewer"),
        CheckConstraint(
            "state NOT IN ('issued', 'superseded', 'withdrawn') OR (issued_at IS NOT NULL AND follow_up_on IS NOT NULL"
            " AND approved_by IS NOT NULL)",
            name="issued",
        ),
        CheckConstraint("approved_by IS NULL OR approved_by <> author_id", name="approved"),
        vocabulary("return_reason", ReturnReason),
        CheckConstraint("(state = 'returned') = (return_reason IS NOT NULL)", name="returned"),
        # What is reviewed is what was submitted, what is approved is what was reviewed, what is issued is what was approved.
        CheckConstraint("(state IN ('draft', 'returned')) = (content_sha256 IS NULL)", name="content"),
        CheckConstraint(
            "(state IN ('draft', 'returned', 'in_review')) = (approved_sha256 IS NULL)"
            " AND (approved_sha256 IS NULL OR approved_sha256 = content_sha256)",
            name="approved_content",
        ),
        CheckConstraint(
            "(state IN ('draft', 'returned', 'in_review', 'approved')) = (issued_sha256 IS NULL)"
            " AND (issued_sha256 IS NULL OR issued_sha256 = approved_sha256)",
            name="issued_content",
        ),
        CheckConstraint("number = 1 OR correction_reason IS NOT NULL", name="correction"),
        UniqueConstraint("id", "case_id", "team_id", "restricted"),
        UniqueConstraint("reference", "number"),
        Index(
            "advice_reference_working_key",
            "reference",
            unique=True,
            postgresql_where=text("state IN ('draft', 'in_review', 'returned', 'approved')"),
        ),
        Index("advice_case_id_idx", "case_id", "number"),
        Index("advice_reviewer_id_idx", "reviewer_id", postgresql_where=text("state = 'in_review'")),
        Index("advice_team_id_created_at_idx", "team_id", "created_at", "id"),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    reference: str = Field(sa_type=Text)
    number: int = Field(default=None, nullable=False, sa_column_kwargs={"server_default": text("1")})
    state: str = plain("draft")
    author_id: UUID = Field(foreign_key="casework.person.id")
    reviewer_id: UUID | None = Field(default=None, foreign_key="casework.person.id")
    approved_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    return_reason: str | None = Field(default=None, sa_type=Text)
    content_sha256: bytes | None = None
    """Of the content that was submitted (``AdviceContent``); the database keeps all three by the state."""
    approved_sha256: bytes | None = None
    issued_sha256: bytes | None = None
    correction_reason: Annotated[str, prose(2000)] | None = None
    drafted_threat_level: str | None = Field(default=None, sa_type=Text)
    drafted_northern_ireland_threat_level: str | None = Field(default=None, sa_type=Text)
    issued_threat_level: str | None = Field(default=None, sa_type=Text)
    issued_northern_ireland_threat_level: str | None = Field(default=None, sa_type=Text)
    issued_under: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    """The recorded threat levels that this was issued under; one that is struck later leaves a note here."""
    follow_up_on: date | None = None
    issued_at: datetime | None = moment()
    issued_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    ended_at: datetime | None = moment()
    """When it was superseded or withdrawn."""
    withdrawal_reason: Annotated[str, prose(2000)] | None = None
    untold: list[UUID] = Field(
        default=None, sa_type=ARRAY(Uuid), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """The enquiries that were not told of the withdrawal: they go on reading this as issued (``access/sql/silence.sql``)."""
    version: int = version()
    created_at: datetime = moment(now=True)


class AdviceContent(SQLModel, table=True):
    """The content of a version as it was submitted: canonical JSON, written by ``casework.keep_content``; append only."""

    __tablename__ = "advice_content"
    __table_args__ = of_advice(
        CheckConstraint("sha256 = pg_catalog.sha256(content)", name="sha256"),
        Index("advice_content_advice_id_idx", "advice_id", "made_at"),
    )

    id: UUID = identity()
    advice_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    content: bytes
    sha256: bytes
    reconstructed: bool = flag()
    """Made from what stood there when contents began to be kept, not at a submission."""
    made_at: datetime = moment(now=True)


class AdviceContributor(SQLModel, table=True):
    """Somebody who contributed to a version what stands in it; kept by trigger (``advice/sql/contributors.sql``)."""

    __tablename__ = "advice_contributor"
    __table_args__ = of_advice(
        vocabulary("what", Contribution), UniqueConstraint("advice_id", "person_id", "what", "subject_id")
    )

    id: UUID = identity()
    advice_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    person_id: UUID = Field(foreign_key="casework.person.id")
    what: str = plain()
    subject_id: UUID
    """The version, recommendation, finding, visit or interim advice."""


class QualityReview(SQLModel, table=True):
    """One person's review of a version of advice."""

    __tablename__ = "quality_review"
    __table_args__ = of_advice(
        CheckConstraint("decision IN ('returned', 'approved')", name="decision"),
        Index("quality_review_advice_id_idx", "advice_id", "decided_at"),
    )

    id: UUID = identity()
    advice_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    reviewer_id: UUID = Field(foreign_key="casework.person.id")
    decision: str = plain()
    comment: Annotated[str, prose(5_000)] | None = None
    content_sha256: bytes | None = None
    """Of the content that was decided on; absent of what was decided before contents were kept."""
    decided_at: datetime = moment(now=True)


class AdviceDelivery(SQLModel, table=True):
    """Whom a version reached when it was issued, or how it is to reach the business; recorded as done once, else append only."""

    __tablename__ = "advice_delivery"
    __table_args__ = of_advice(
        CheckConstraint("num_nonnulls(contact_id, deliver_by) = 1", name="either"),
        vocabulary("deliver_by", DeliverBy),
        CheckConstraint("(deliver_by IS NULL) = (due_on IS NULL)", name="due"),
        vocabulary("delivered_by", DeliveredBy),
        CheckConstraint(
            "num_nulls(delivered_by, delivered_to, delivered_at, recorded_by, recorded_at) IN (0, 5)"
            " AND (delivered_at IS NULL OR deliver_by IS NOT NULL)",
            name="done",
        ),
        Index("advice_delivery_advice_id_key", "advice_id", unique=True, postgresql_where=text("contact_id IS NULL")),
        Index("advice_delivery_advice_id_idx", "advice_id", "created_at"),
    )

    id: UUID = identity()
    advice_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    contact_id: UUID | None = None
    """The verified contact whom it reached by the link."""
    deliver_by: str | None = plain(nullable=True)
    due_on: date | None = None
    delivered_by: str | None = plain(nullable=True)
    delivered_to: Annotated[str, line(200)] | None = None
    delivered_at: datetime | None = moment()
    recorded_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    recorded_at: datetime | None = moment()
    created_at: datetime = moment(now=True)


class RecommendationFacts(SQLModel):
    """One measure, proportionate and prioritised."""

    action: Annotated[str, prose(4_000)]
    principle: Principle
    domain: Domain
    priority: Priority
    responsible_party: Annotated[str, line(200)] | None = None
    target_on: LocalDate | None = None
    cost_band: Annotated[str, code(30)] | None = None
    guidance: Annotated[str, line(300), AfterValidator(https_link)] | None = None
    """A link to guidance, https only."""


class Recommendation(RecommendationFacts, table=True):
    """A recommendation of a version of advice, on two tracks: the answer of the business, and verification."""

    __tablename__ = "recommendation"
    __table_args__ = of_advice(
        vocabulary("principle", Principle),
        vocabulary("domain", Domain),
        vocabulary("priority", Priority),
        vocabulary("answer", Answer),
        vocabulary("verification", VerificationState),
        UniqueConstraint("id", "case_id", "team_id", "restricted"),
        # Judged at the end of a statement, so that one can move several.
        UniqueConstraint("advice_id", "position", deferrable=True, initially="IMMEDIATE"),
        UniqueConstraint("advice_id", "line_id"),
        Index("recommendation_case_id_idx", "case_id"),
        Index("recommendation_team_id_idx", "team_id", "created_at", "id"),
    )

    id: UUID = identity()
    advice_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    position: int
    """From one on without a gap; it may change until the advice is issued."""
    line_id: UUID = Field(default=None, nullable=False, sa_column_kwargs={"server_default": NEW_ID})
    """The same in every version that has this recommendation: made once, and kept by a copy."""
    principle: Principle = plain()
    domain: Domain = plain()
    priority: Priority = plain()
    answer: str = plain("no_answer")
    verification: str = plain("not_started")
    version: int = version()
    created_at: datetime = moment(now=True)


class RecommendationFinding(SQLModel, table=True):
    """A recommendation cites a finding; both lie in one case."""

    __tablename__ = "recommendation_finding"
    __table_args__ = of_recommendation(
        ForeignKeyConstraint(
            ["finding_id", "case_id", "team_id", "restricted"],
            [
                "casework.finding.id",
                "casework.finding.case_id",
                "casework.finding.team_id",
                "casework.finding.restricted",
            ],
            onupdate="CASCADE",
        ),
        UniqueConstraint("recommendation_id", "finding_id"),
        Index("recommendation_finding_finding_id_idx", "finding_id"),
    )

    id: UUID = identity()
    recommendation_id: UUID
    finding_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()


class BusinessResponse(SQLModel, table=True):
    """What the business answered to a recommendation; append only, the last one counts."""

    __tablename__ = "business_response"
    __table_args__ = of_recommendation(
        vocabulary("answer", Answer),
        CheckConstraint("answer <> 'declined' OR reason_code IS NOT NULL", name="reason"),
        Index("business_response_recommendation_id_idx", "recommendation_id", "responded_at"),
    )

    id: UUID = identity()
    recommendation_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    answer: str = plain()
    reason_code: str | None = Field(default=None, sa_type=Text)
    note: Annotated[str, prose(4_000)] | None = None
    person_id: UUID | None = Field(default=None, foreign_key="casework.person.id")
    """The member of staff who recorded it; absent when the business answered itself."""
    responded_at: datetime = moment(now=True)


class Verification(SQLModel, table=True):
    """What an adviser saw of a recommendation being carried out, citing a visit or other evidence; append only."""

    __tablename__ = "verification"
    __table_args__ = of_recommendation(
        vocabulary("state", VerificationState),
        CheckConstraint("state <> 'verified' OR visit_id IS NOT NULL OR evidence IS NOT NULL", name="evidence"),
        ForeignKeyConstraint(
            ["visit_id", "case_id", "team_id", "restricted"],
            [
                "casework.site_visit.id",
                "casework.site_visit.case_id",
                "casework.site_visit.team_id",
                "casework.site_visit.restricted",
            ],
            onupdate="CASCADE",
        ),
        Index("verification_recommendation_id_idx", "recommendation_id", "verified_at"),
    )

    id: UUID = identity()
    recommendation_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    state: str = plain()
    visit_id: UUID | None = None
    evidence: Annotated[str, prose(4_000)] | None = None
    reason: Annotated[str, prose(1_000)] | None = None
    """Why it does not apply, where that is the state."""
    verified_by: UUID = Field(foreign_key="casework.person.id")
    verified_at: datetime = moment(now=True)


class OpenReason(SQLModel, table=True):
    """Why a recommendation was still open when its case closed."""

    __tablename__ = "open_reason"
    __table_args__ = of_recommendation(Index("open_reason_recommendation_id_idx", "recommendation_id"))

    id: UUID = identity()
    recommendation_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    reason_code: str = plain()
    note: str | None = Field(default=None, sa_type=Text)
    stated_by: UUID = Field(foreign_key="casework.person.id")
    stated_at: datetime = moment(now=True)


class InterimAdviceFacts(SQLModel):
    """Advice given by voice or in urgency before a report."""

    given_to: Annotated[str, line(200)]
    given_at: Moment
    advice: Annotated[str, prose(5_000)]


class InterimAdvice(InterimAdviceFacts, table=True):
    """Interim advice, carried into the next issued version."""

    __tablename__ = "interim_advice"
    __table_args__ = of_case(Index("interim_advice_case_id_idx", "case_id", "given_at"))

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    given_at: datetime = moment(nullable=False)
    given_by: UUID = Field(foreign_key="casework.person.id")
    carried_into: UUID | None = Field(default=None, foreign_key="casework.advice.id")
    recorded_at: datetime = moment(now=True)
