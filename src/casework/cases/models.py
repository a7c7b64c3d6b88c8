"""Cases from opening to closing, with everything that was said and decided on the way."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from casework.cases.lifecycle import Audience, CaseKind, CaseState
from casework.kernel.columns import LocalDate, code, line, prose
from casework.kernel.inputs import Truth
from casework.kernel.tables import flag, identity, moment, plain, version, vocabulary

SCHEMA = {"schema": "casework"}


def of_case(*more: object) -> tuple[object, ...]:
    """The table arguments of a child of a case: its team and restriction follow the case's, or a child would leak."""
    return (
        ForeignKeyConstraint(
            ["case_id", "team_id", "restricted"],
            ["casework.case_file.id", "casework.case_file.team_id", "casework.case_file.restricted"],
            onupdate="CASCADE",
        ),
        *more,
        SCHEMA,
    )


class CaseFacts(SQLModel):
    """What staff state of a case."""

    title: Annotated[str, line(200)]
    summary: Annotated[str, prose(10_000)] | None = None
    strand: Annotated[str, code(30)] = "pal"
    """The competence that the work needs: pal, hss, cni or events."""
    sensitive: Truth = False
    handling: Annotated[str, line(300)] | None = None
    """The handling instruction of an OFFICIAL-SENSITIVE case."""
    due_on: LocalDate | None = None
    next_review_on: LocalDate | None = None


class Case(CaseFacts, table=True):
    """A case in the keeping of a team."""

    __tablename__ = "case_file"
    __table_args__ = (
        vocabulary("state", CaseState),
        vocabulary("kind", CaseKind),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'on_hold') = (held_from IS NOT NULL)", name="held"),
        CheckConstraint("state NOT IN ('allocated', 'active', 'follow_up') OR adviser_id IS NOT NULL", name="adviser"),
        CheckConstraint(
            "adviser_left_at IS NULL OR (adviser_id IS NOT NULL AND state <> 'closed')", name="adviser_left"
        ),
        UniqueConstraint("id", "team_id", "restricted"),
        ForeignKeyConstraint(["premises_id", "team_id"], ["casework.premises.id", "casework.premises.team_id"]),
        Index("case_file_team_id_opened_at_idx", "team_id", "opened_at", "id"),
        Index("case_file_team_id_state_opened_at_idx", "team_id", "state", "opened_at", "id"),
        Index(
            "case_file_team_id_due_on_idx",
            "team_id",
            text("coalesce(due_on, 'infinity'::date)"),
            "id",
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("case_file_adviser_id_idx", "adviser_id", "opened_at", "id"),
        Index("case_file_premises_id_idx", "premises_id"),
        SCHEMA,
    )

    id: UUID = identity()
    team_id: UUID = Field(foreign_key="casework.team.id")
    restricted: bool = flag()
    reference: str = Field(sa_type=Text, unique=True)
    state: str = plain("open")
    kind: str = plain()
    strand: str = plain("pal")
    sensitive: bool = flag()
    premises_id: UUID | None = None
    organisation_id: UUID | None = Field(default=None, foreign_key="casework.organisation.id")
    adviser_id: UUID | None = Field(default=None, foreign_key="casework.person.id")
    adviser_left_at: datetime | None = moment()
    """Since when its adviser is none of the team any more: it waits for another. Kept by trigger."""
    due_counted_from: date | None = None
    """The day from which the deadline was counted in working days; null where somebody stated it."""
    opened_at: datetime = moment(now=True)
    held_from: str | None = Field(default=None, sa_type=Text)
    """The state to which a case on hold returns."""
    held_on: date | None = None
    """The day it was put on hold: its deadline moves by the working days until it is resumed."""
    closed_at: datetime | None = moment()
    reason_code: str | None = Field(default=None, sa_type=Text)
    """Why the case is on hold or closed."""
    version: int = version()
    amended_at: datetime = moment(now=True)


class CaseHeadline(SQLModel, table=True):
    """That a case exists: all that the rest of a team sees of a restricted case. Kept by trigger."""

    __tablename__ = "case_headline"
    __table_args__ = (
        Index("case_headline_team_id_idx", "team_id", "opened_at", "id"),
        # in the order in which an auditor reads them, for whom the date is not
        Index("case_headline_outline_idx", "team_id", "id"),
        SCHEMA,
    )

    id: UUID = Field(primary_key=True, foreign_key="casework.case_file.id", ondelete="CASCADE")
    team_id: UUID
    reference: str = Field(sa_type=Text, unique=True)
    state: str = Field(sa_type=Text)
    adviser_id: UUID | None = None
    premises_id: UUID | None = None
    restricted: bool
    opened_at: datetime = moment(nullable=False)


class Allocation(SQLModel, table=True):
    """Who a case was given to, by whom, from when to when."""

    __tablename__ = "allocation"
    __table_args__ = of_case(
        Index(
            "allocation_case_id_current_key",
            "case_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    adviser_id: UUID = Field(foreign_key="casework.person.id")
    allocated_by: UUID = Field(foreign_key="casework.person.id")
    allocated_at: datetime = moment(now=True)
    ended_at: datetime | None = moment()


class Collaborator(SQLModel, table=True):
    """A colleague who works along on a case."""

    __tablename__ = "collaborator"
    __table_args__ = of_case(
        Index(
            "collaborator_case_id_person_id_key",
            "case_id",
            "person_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    person_id: UUID = Field(foreign_key="casework.person.id")
    added_by: UUID = Field(foreign_key="casework.person.id")
    added_at: datetime = moment(now=True)
    ended_at: datetime | None = moment()


class CaseNoteFacts(SQLModel):
    """An internal note; the business never sees it."""

    body: Annotated[str, prose(10_000)]


class CaseNote(CaseNoteFacts, table=True):
    """A note on a case; append only."""

    __tablename__ = "case_note"
    __table_args__ = of_case(vocabulary("audience", Audience), Index("case_note_case_id_idx", "case_id", "created_at"))

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    audience: str = plain()
    author_id: UUID = Field(foreign_key="casework.person.id")
    created_at: datetime = moment(now=True)


class CaseEvent(SQLModel, table=True):
    """One line of a case's timeline: which action, by whom, when, and why."""

    __tablename__ = "case_event"
    __table_args__ = of_case(Index("case_event_case_id_idx", "case_id", "at", "id"))

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    action: str = Field(sa_type=Text)
    person_id: UUID | None = None
    """The member of staff; absent when the business or a tool acted."""
    actor: str = plain()
    """staff, client, enquirer or system"""
    subject_kind: str | None = Field(default=None, sa_type=Text)
    subject_id: UUID | None = None
    reason_code: str | None = Field(default=None, sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    facts: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    at: datetime = moment(now=True)
