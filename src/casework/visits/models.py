"""Site visits, who attended, and what was found."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import StrictInt
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlalchemy.types import Uuid as Id
from sqlmodel import Field, SQLModel

from casework.cases.models import of_case
from casework.kernel.columns import code, line, prose
from casework.kernel.inputs import Uuid
from casework.kernel.tables import flag, identity, moment, plain, version, vocabulary
from casework.visits.lifecycle import Phase, VisitKind, VisitState

SCHEMA = {"schema": "casework"}
Level = Annotated[StrictInt, Field(ge=1, le=4)]
"""A level of likelihood or impact."""


def of_visit(*more: object) -> tuple[object, ...]:
    """The table arguments of a child of a visit; scope follows the visit, and so the case."""
    return (
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
        *more,
        SCHEMA,
    )


class SiteVisit(SQLModel, table=True):
    """A visit to a site. Times are moments; the site's zone tells how they were meant."""

    __tablename__ = "site_visit"
    __table_args__ = of_case(
        vocabulary("state", VisitState),
        vocabulary("kind", VisitKind),
        CheckConstraint("ends_at > starts_at AND ends_at <= starts_at + interval '12 hours'", name="period"),
        CheckConstraint("(state = 'completed') = (left_at IS NOT NULL)", name="completed"),
        CheckConstraint("state NOT IN ('cancelled', 'no_access') OR reason_code IS NOT NULL", name="reason"),
        CheckConstraint("state <> 'confirmed' OR confirmed_at IS NOT NULL AND declined_at IS NULL", name="confirmed"),
        CheckConstraint("declined_note IS NULL OR declined_at IS NOT NULL", name="declined"),
        CheckConstraint("adviser_left_at IS NULL OR state IN ('proposed', 'confirmed')", name="adviser_left"),
        UniqueConstraint("id", "case_id", "team_id", "restricted"),
        ExcludeConstraint(
            (text("casework.uuidrange(adviser_id, adviser_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="site_visit_adviser_available_excl",
            where=text("state IN ('proposed', 'confirmed')"),
        ),
        Index("site_visit_case_id_idx", "case_id", "starts_at"),
        Index("site_visit_team_id_starts_at_idx", "team_id", "starts_at", "id"),
        Index("site_visit_adviser_id_idx", "adviser_id", "starts_at", "id"),
        Index(
            "site_visit_adviser_id_left_at_idx", "adviser_id", "left_at", postgresql_where=text("state = 'completed'")
        ),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    state: str = plain("proposed")
    kind: str = plain("survey")
    premises_id: UUID | None = Field(default=None, foreign_key="casework.premises.id")
    adviser_id: UUID = Field(foreign_key="casework.person.id")
    adviser_left_at: datetime | None = moment()
    """Since when they can no longer be sent to it. Kept by trigger, while the visit is to come."""
    starts_at: datetime = moment(nullable=False)
    ends_at: datetime = moment(nullable=False)
    zone: str = plain("Europe/London")
    place_note: Annotated[str, line(300)] | None = None
    """Where to meet, as the business reads it."""
    confirmed_at: datetime | None = moment()
    confirmed_by: str | None = Field(default=None, sa_type=Text)
    """staff or business"""
    declined_at: datetime | None = moment()
    """When the business said that the proposed time does not suit; a new time clears it."""
    declined_note: Annotated[str, prose(1000)] | None = None
    arrived_at: datetime | None = moment()
    left_at: datetime | None = moment()
    time_marks: list[str] = Field(
        default=None, sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """What is not plausible about these times, as the database found when the visit was logged (``TimeMark``)."""
    time_reason: Annotated[str, prose(1000)] | None = None
    """Why they are so."""
    logged_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    """Who logged it, in the adviser's name or their own."""
    attended_by: list[UUID] = Field(
        default=None, sa_type=ARRAY(Id), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """The colleagues who were there beside the visit's adviser."""
    attendance: list[dict[str, str]] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    notes: Annotated[str, prose(10_000)] | None = None
    reason_code: str | None = Field(default=None, sa_type=Text)
    untold: list[UUID] = Field(
        default=None, sa_type=ARRAY(Id), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """The enquiries that were not told that it is cancelled: they go on reading it as it was (``access/sql/silence.sql``)."""
    version: int = version()
    created_at: datetime = moment(now=True)


class FindingFacts(SQLModel):
    """What an adviser found: where, at which phase of use, against which attack, what is there and what is missing."""

    area_id: Uuid | None = None
    """An area of the premises visited, where it is drawn up already."""
    area: Annotated[str, line(120)]
    """The area in the adviser's words."""
    phase: Phase
    methodology: Annotated[str, code(60)]
    existing_control: Annotated[str, prose(4_000)] | None = None
    gap: Annotated[str, prose(4_000)]
    likelihood: Level
    """1 to 4 (ProtectUK's matrix)."""
    impact: Level
    """1 to 4 (ProtectUK's matrix)."""


class Finding(FindingFacts, table=True):
    """A finding of a visit; frozen once advice that cites it is issued."""

    __tablename__ = "finding"
    __table_args__ = of_visit(
        vocabulary("phase", Phase),
        CheckConstraint("likelihood BETWEEN 1 AND 4", name="likelihood"),
        CheckConstraint("impact BETWEEN 1 AND 4", name="impact"),
        UniqueConstraint("id", "case_id", "team_id", "restricted"),
        Index("finding_visit_id_idx", "visit_id"),
        Index("finding_case_id_idx", "case_id", "recorded_at"),
        Index("finding_team_id_recorded_at_idx", "team_id", "recorded_at", "id"),
    )

    id: UUID = identity()
    visit_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    phase: Phase = plain()
    area_id: UUID | None = Field(default=None, foreign_key="casework.premises_area.id")
    threat_level: str | None = Field(default=None, sa_type=Text)
    """The national level when the visit began; null where none was recorded."""
    northern_ireland_threat_level: str | None = Field(default=None, sa_type=Text)
    """At a site in Northern Ireland: the level there when the visit began."""
    frozen: bool = flag()
    recorded_by: UUID = Field(foreign_key="casework.person.id")
    recorded_at: datetime = moment(now=True)
    version: int = version()


class VisitSupplement(SQLModel, table=True):
    """What was added to a completed visit, or corrected of it, afterwards; append only. The visit stays as it was logged."""

    __tablename__ = "visit_supplement"
    __table_args__ = of_visit(UniqueConstraint("visit_id", "visit_version"))

    id: UUID = identity()
    visit_id: UUID
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    changes: list[dict[str, Any]] = Field(sa_type=JSONB, nullable=False)
    """Each field with what it said (``old``) and what is said instead (``new``)."""
    visit_version: int
    """The version of the visit that it made, by which supplements follow each other."""
    reason: Annotated[str, prose(1000)]
    time_marks: list[str] = Field(
        default=None, sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """What is not plausible about the times as they are said instead."""
    recorded_by: UUID = Field(foreign_key="casework.person.id")
    recorded_at: datetime = moment(now=True)
