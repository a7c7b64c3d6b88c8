"""Who asks: the business, as far as there is one."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from casework.kernel.columns import CompanyNumber, Email, Phone, PhoneExtension, Postcode, code, line, prose
from casework.kernel.inputs import Truth
from casework.kernel.tables import flag, identity, moment, name_key, numbered, sort_key, version

SCHEMA = {"schema": "casework"}


class OrganisationFacts(SQLModel):
    """What staff state of an organisation. Name, company number, town and sector are directory facts, seen by every team."""

    name: Annotated[str, line(200)]
    company_number: CompanyNumber | None = None
    sector: Annotated[str, code(60)] | None = None
    address: Annotated[str, line(300)] | None = None
    town: Annotated[str, line(100)] | None = None
    postcode: Postcode | None = None
    phone: Phone | None = None
    phone_extension: PhoneExtension | None = None
    relay: Truth = False
    """Whether they are rung by a relay service for text and speech, such as Relay UK."""
    email: Email | None = None
    note: Annotated[str, prose(4000)] | None = None


class Organisation(OrganisationFacts, table=True):
    """An organisation in the keeping of a team."""

    __tablename__ = "organisation"
    __table_args__ = (Index("organisation_team_id_name_idx", "team_id", "name", "id"), numbered(), SCHEMA)

    id: UUID = identity()
    team_id: UUID = Field(foreign_key="casework.team.id")
    relay: bool = flag()
    version: int = version()
    created_at: datetime = moment(now=True)


class OrganisationDirectory(SQLModel, table=True):
    """The directory facts of an organisation, which every team may see; kept by trigger."""

    __tablename__ = "organisation_directory"
    __table_args__ = (
        Index("organisation_directory_sort_key_idx", "sort_key", "id"),
        Index("organisation_directory_name_key_idx", "name_key"),
        Index(
            "organisation_directory_company_number_idx",
            "company_number",
            postgresql_where=text("company_number IS NOT NULL"),
        ),
        Index("organisation_directory_team_id_idx", "team_id"),
        SCHEMA,
    )

    id: UUID = Field(primary_key=True, foreign_key="casework.organisation.id", ondelete="CASCADE")
    team_id: UUID
    name: str = Field(sa_type=Text)
    company_number: str | None = Field(default=None, sa_type=Text)
    sector: str | None = Field(default=None, sa_type=Text)
    town: str | None = Field(default=None, sa_type=Text)
    name_key: str = name_key()
    sort_key: str = sort_key()
