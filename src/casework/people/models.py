"""Staff, their teams and competences, and the machines that call."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator
from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from casework.kernel.columns import Email, Phone, PhoneExtension, line
from casework.kernel.inputs import Truth
from casework.kernel.tables import flag, identity, moment, numbered, sort_key, version
from casework.reference.models import AreaCode

SCHEMA = {"schema": "casework"}
StaffEmail = Annotated[Email, AfterValidator(str.lower)]
"""A colleague's mailbox, in lower case: they log in by it, so one mailbox has one spelling."""


class TeamFacts(SQLModel):
    """What an administrator states of a team; phone, mailbox and hours are published to businesses."""

    name: Annotated[str, line(120)]
    force_code: AreaCode
    intake: bool = False
    """Whether enquiries for the force arrive here; each force has one such team."""
    phone: Phone | None = None
    phone_extension: PhoneExtension | None = None
    relay: Truth = False
    """Whether they are rung by a relay service for text and speech, such as Relay UK."""
    mailbox: Email | None = None
    hours: Annotated[str, line(200)] | None = None


class Team(TeamFacts, table=True):
    """A team of a force. Scope is always a team."""

    __tablename__ = "team"
    __table_args__ = (
        Index("team_intake_key", "force_code", unique=True, postgresql_where=text("intake")),
        Index("team_sort_key_idx", "sort_key", "id"),
        numbered(),
        SCHEMA,
    )

    id: UUID = identity()
    sort_key: str = sort_key()
    force_code: str = Field(sa_type=Text, foreign_key="casework.police_force.code", index=True)
    intake: bool = flag()
    relay: bool = flag()
    version: int = version()
    created_at: datetime = moment(now=True)


class PersonFacts(SQLModel):
    """What an administrator states of a member of staff."""

    name: Annotated[str, line(120)]
    email: StaffEmail
    team_id: UUID
    """The home team: the one in whose directory the person stands."""


class Person(PersonFacts, table=True):
    """A member of staff."""

    __tablename__ = "person"
    __table_args__ = (Index("person_team_id_sort_key_idx", "team_id", "sort_key", "id"), SCHEMA)

    id: UUID = identity()
    sort_key: str = sort_key()
    email: str = Field(sa_type=Text, unique=True)
    team_id: UUID = Field(foreign_key="casework.team.id")
    active: bool = flag(True)
    competences: list[str] = Field(
        default=None,
        sa_type=ARRAY(Text),
        nullable=False,
        sa_column_kwargs={"server_default": text("'{}'")},
    )
    version: int = version()
    created_at: datetime = moment(now=True)


class ApiClientFacts(SQLModel):
    """What an administrator states of a machine client."""

    name: Annotated[str, line(120)]
    team_id: UUID


class ApiClient(ApiClientFacts, table=True):
    """An internal tool that calls with its own credentials and scopes."""

    __tablename__ = "api_client"
    __table_args__ = (Index("api_client_team_id_sort_key_idx", "team_id", "sort_key", "id"), SCHEMA)

    id: UUID = identity()
    sort_key: str = sort_key()
    team_id: UUID = Field(foreign_key="casework.team.id")
    scopes: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    active: bool = flag(True)
    version: int = version()
    created_at: datetime = moment(now=True)
