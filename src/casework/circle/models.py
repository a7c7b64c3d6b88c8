"""Who is let into a case beyond its team: shares with other forces, emergencies, and offers to take it over."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from casework.cases.models import of_case
from casework.circle.lifecycle import ShareMode, TransferState
from casework.kernel.tables import flag, identity, moment, plain, version, vocabulary


class CaseShare(SQLModel, table=True):
    """A case lent to a team of another force: to read or to contribute, for a purpose, until a date."""

    __tablename__ = "case_share"
    __table_args__ = of_case(
        vocabulary("mode", ShareMode),
        # A case may move to a team with which it was shared once.
        CheckConstraint("to_team_id <> team_id OR ended_at IS NOT NULL", name="elsewhere"),
        Index(
            "case_share_case_id_to_team_id_key",
            "case_id",
            "to_team_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    to_team_id: UUID = Field(foreign_key="casework.team.id")
    mode: str = plain("read")
    includes_restricted: bool = flag()
    """Whether the share was meant to hold while the case is restricted: never unless named."""
    purpose_code: str = plain()
    note: str | None = Field(default=None, sa_type=Text)
    until: datetime = moment(nullable=False)
    shared_by: UUID = Field(foreign_key="casework.person.id")
    shared_at: datetime = moment(now=True)
    ended_at: datetime | None = moment()
    ended_by: UUID | None = Field(default=None, foreign_key="casework.person.id")


class EmergencyAccess(SQLModel, table=True):
    """A case of another team that a supervisor opened in an emergency (break-glass), for 24 hours. Written by a function only."""

    __tablename__ = "emergency_access"
    __table_args__ = of_case(
        Index("emergency_access_case_id_idx", "case_id", "opened_at"),
        Index("emergency_access_person_id_idx", "person_id", "opened_at"),
        Index("emergency_access_team_id_idx", "team_id", "opened_at", "id"),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    person_id: UUID = Field(foreign_key="casework.person.id")
    purpose_code: str = plain()
    reason: str = plain()
    opened_at: datetime = moment(now=True)
    until: datetime = moment(nullable=False)


class CaseTransfer(SQLModel, table=True):
    """A case offered to a team of another force, which accepts or returns it."""

    __tablename__ = "case_transfer"
    __table_args__ = of_case(
        vocabulary("state", TransferState),
        CheckConstraint("to_team_id <> from_team_id", name="elsewhere"),
        CheckConstraint("(state = 'offered') = (title IS NOT NULL)", name="offer"),
        Index("case_transfer_case_id_offered_key", "case_id", unique=True, postgresql_where=text("state = 'offered'")),
        Index("case_transfer_to_team_id_idx", "to_team_id", "offered_at", "id"),
        Index("case_transfer_from_team_id_idx", "from_team_id", "offered_at", "id"),
    )

    id: UUID = identity()
    case_id: UUID
    team_id: UUID
    restricted: bool = flag()
    reference: str = plain()
    """The case's, because whoever is asked to receive it cannot read the case yet."""
    title: str | None = Field(default=None, sa_type=Text)
    """Gone with the note once the offer has ended: what is left to the other team must tell nothing of the case."""
    strand: str = plain()
    from_team_id: UUID = Field(foreign_key="casework.team.id")
    to_team_id: UUID = Field(foreign_key="casework.team.id")
    state: str = plain("offered")
    reason_code: str = plain()
    note: str | None = Field(default=None, sa_type=Text)
    offered_by: UUID = Field(foreign_key="casework.person.id")
    offered_at: datetime = moment(now=True)
    decided_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    decided_at: datetime | None = moment()
    decision_note: str | None = Field(default=None, sa_type=Text)
    version: int = version()
