"""Notices: what a force tells the public, in English and Welsh, and who wrote and approved it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from casework.kernel.columns import line, prose
from casework.kernel.tables import identity, moment, plain, version, vocabulary
from casework.notices.lifecycle import NoticeKind, NoticeState

SCHEMA = {"schema": "casework"}


class NoticeFacts(SQLModel):
    """What a notice says. Beside it every privacy notice says what holds everywhere: see ``NoticeText``."""

    title: Annotated[str, line(200)]
    text: Annotated[str, prose(20_000)]
    controller: Annotated[str, prose(1_000)] | None = None
    """Who decides what is done with personal details, and where to reach them."""
    data_protection_officer: Annotated[str, prose(1_000)] | None = None
    complaints: Annotated[str, prose(2_000)] | None = None
    """How to complain to the force."""
    title_cy: Annotated[str, line(200)] | None = None
    text_cy: Annotated[str, prose(20_000)] | None = None
    controller_cy: Annotated[str, prose(1_000)] | None = None
    data_protection_officer_cy: Annotated[str, prose(1_000)] | None = None
    complaints_cy: Annotated[str, prose(2_000)] | None = None


class Notice(NoticeFacts, table=True):
    """A version of a force's notice; without a force, what holds where none has published its own."""

    __tablename__ = "notice"
    __table_args__ = (
        vocabulary("kind", NoticeKind),
        vocabulary("state", NoticeState),
        CheckConstraint("(team_id IS NULL) = (force_code IS NULL)", name="force"),
        CheckConstraint(
            "kind <> 'privacy' OR num_nulls(controller, data_protection_officer, complaints) = 0", name="privacy"
        ),
        CheckConstraint("approved_by IS NULL OR approved_by <> ALL (writers)", name="apart"),
        CheckConstraint("force_code IS NULL OR cardinality(writers) > 0", name="written"),
        CheckConstraint(
            "(state IN ('approved', 'superseded')) = (number IS NOT NULL)"
            " AND (number IS NULL) = (approved_at IS NULL)"
            " AND (approved_by IS NULL) = (number IS NULL OR force_code IS NULL)",
            name="approved",
        ),
        Index(
            "notice_in_force_key",
            "kind",
            "force_code",
            unique=True,
            postgresql_where=text("state = 'approved'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "notice_number_key",
            "kind",
            "force_code",
            "number",
            unique=True,
            postgresql_where=text("number IS NOT NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("notice_team_id_idx", "team_id", "created_at", "id"),
        SCHEMA,
    )

    id: UUID = identity()
    kind: str = plain()
    force_code: str | None = Field(default=None, sa_type=Text, foreign_key="casework.police_force.code")
    team_id: UUID | None = Field(default=None, foreign_key="casework.team.id")
    state: str = plain("draft")
    number: int | None = None
    """Which version of this force's it is, counted from its approval."""
    writers: list[UUID] = Field(
        default=None, sa_type=ARRAY(Uuid), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """Who wrote or amended it; kept by trigger."""
    approved_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    approved_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    created_at: datetime = moment(now=True)
    version: int = version()
