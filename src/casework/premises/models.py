"""Where: one canonical premises with its areas, parties and aliases."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from casework.kernel.columns import (
    Email,
    LocalDate,
    Phone,
    PhoneExtension,
    Postcode,
    Uprn,
    YearOrDay,
    code,
    line,
    prose,
)
from casework.kernel.inputs import DEGREES, Truth, Uuid, Whole
from casework.kernel.tables import flag, identity, moment, name_key, numbered, plain, sort_key, version, vocabulary
from casework.premises.lifecycle import OccupancyBasis, PartyRole, PremisesState, WhollyOrMainly
from casework.reference.models import AreaCode

SCHEMA = {"schema": "casework"}


Latitude = Annotated[Decimal, Field(ge=-90, le=90, max_digits=9, decimal_places=6), DEGREES]
Longitude = Annotated[Decimal, Field(ge=-180, le=180, max_digits=9, decimal_places=6), DEGREES]


class PremisesFacts(SQLModel):
    """What staff state of a place. Occupancy is the peak number of people reasonably expected at once, staff included."""

    name: Annotated[str, line(200)]
    address: Annotated[str, line(300)] | None = None
    town: Annotated[str, line(100)] | None = None
    postcode: Postcode | None = None
    uprn: Uprn | None = None
    local_authority_code: AreaCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    sector: Annotated[str, code(60)] | None = None
    schedule_1_use: Annotated[str, code(60)] | None = None
    wholly_or_mainly: WhollyOrMainly = WhollyOrMainly.UNKNOWN
    """Whether that use is what the place is wholly or mainly for. Unknown, no tier is told."""
    schedule_2_exclusion: Annotated[str, code(60)] | None = None
    """A word of `schedule_2_exclusions`: by which regime Schedule 2 takes the place out. Never follows from sector or use."""
    exclusion_basis: Annotated[str, prose(2000)] | None = None
    """What shows it; required with an exclusion."""
    excluded_on: LocalDate | None = None
    """The day on which that was established; required with an exclusion."""
    expected_peak_occupancy: Annotated[Whole, Field(ge=0)] | None = None
    occupancy_basis: OccupancyBasis | None = None
    occupancy_on: LocalDate | None = None
    priority: Truth = False
    priority_reason: Annotated[str, prose(2000)] | None = None


class Premises(PremisesFacts, table=True):
    """A place in the keeping of a team."""

    __tablename__ = "premises"
    __table_args__ = (
        vocabulary("state", PremisesState),
        vocabulary("occupancy_basis", OccupancyBasis),
        vocabulary("wholly_or_mainly", WhollyOrMainly),
        CheckConstraint(
            "schedule_2_exclusion IS NULL OR exclusion_basis IS NOT NULL AND excluded_on IS NOT NULL", name="excluded"
        ),
        CheckConstraint("state <> 'open' OR closed_on IS NULL", name="closed_on"),
        CheckConstraint("state <> 'merged' OR merged_into IS NOT NULL", name="merged"),
        CheckConstraint("NOT priority OR priority_reason IS NOT NULL", name="priority"),
        UniqueConstraint("id", "team_id"),
        Index(
            "premises_source_key",
            "source",
            "source_ref",
            unique=True,
            postgresql_where=text("source IS NOT NULL"),
        ),
        Index("premises_team_id_sort_key_idx", "team_id", "sort_key", "id"),
        Index("premises_team_id_created_at_idx", "team_id", "created_at", "id"),
        Index("premises_team_id_postcode_idx", "team_id", "postcode"),
        Index("premises_team_id_uprn_idx", "team_id", "uprn", postgresql_where=text("uprn IS NOT NULL")),
        Index("premises_team_id_name_key_idx", "team_id", "name_key"),
        Index("premises_complex_id_idx", "complex_id", postgresql_where=text("complex_id IS NOT NULL")),
        SCHEMA,
    )

    id: UUID = identity()
    team_id: UUID = Field(foreign_key="casework.team.id")
    force_code: str | None = Field(default=None, sa_type=Text, foreign_key="casework.police_force.code", index=True)
    state: str = plain("open")
    closed_on: YearOrDay | None = None
    """The year or day from which the place is closed, as its source tells it."""
    merged_into: UUID | None = Field(default=None, foreign_key="casework.premises.id")
    complex_id: UUID | None = None
    name_key: str = name_key()
    sort_key: str = sort_key()
    latitude: Decimal | None = Field(default=None, sa_type=Numeric(9, 6))
    longitude: Decimal | None = Field(default=None, sa_type=Numeric(9, 6))
    expected_peak_occupancy: int | None = None
    occupancy_basis: OccupancyBasis | None = Field(default=None, sa_type=Text)
    wholly_or_mainly: WhollyOrMainly = plain("unknown")
    priority: bool = flag()
    source: str | None = Field(default=None, sa_type=Text)
    source_ref: str | None = Field(default=None, sa_type=Text)
    source_facts: dict[str, str | None] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    """What the source told at the last import: a fact that differs from it has been changed by staff since."""
    version: int = version()
    created_at: datetime = moment(now=True)


class PremisesAreaFacts(SQLModel):
    """A part of a place: a foyer, a loading bay, the queue outside."""

    name: Annotated[str, line(120)]
    description: Annotated[str, prose(2000)] | None = None


class PremisesArea(PremisesAreaFacts, table=True):
    """An area of a premises, to which findings refer; one that has ended takes no new ones."""

    __tablename__ = "premises_area"
    __table_args__ = (
        ForeignKeyConstraint(
            ["premises_id", "team_id"],
            ["casework.premises.id", "casework.premises.team_id"],
            onupdate="CASCADE",
        ),
        Index("premises_area_premises_id_idx", "premises_id"),
        SCHEMA,
    )

    id: UUID = identity()
    premises_id: UUID
    team_id: UUID
    ended_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = moment(now=True)


class PremisesPartyFacts(SQLModel):
    """Who has to do with a place, and in which part."""

    role: PartyRole
    name: Annotated[str, line(200)]
    organisation_id: Uuid | None = None
    phone: Phone | None = None
    phone_extension: PhoneExtension | None = None
    relay: Truth = False
    """Whether they are rung by a relay service for text and speech, such as Relay UK."""
    email: Email | None = None


class PremisesParty(PremisesPartyFacts, table=True):
    """A party to a premises; ended ones are kept."""

    __tablename__ = "premises_party"
    __table_args__ = (
        vocabulary("role", PartyRole),
        numbered(),
        ForeignKeyConstraint(
            ["premises_id", "team_id"],
            ["casework.premises.id", "casework.premises.team_id"],
            onupdate="CASCADE",
        ),
        Index("premises_party_premises_id_idx", "premises_id"),
        SCHEMA,
    )

    id: UUID = identity()
    premises_id: UUID
    team_id: UUID
    role: PartyRole = plain()
    relay: bool = flag()
    organisation_id: UUID | None = Field(default=None, foreign_key="casework.organisation.id", index=True)
    ended_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = moment(now=True)


class PremisesAliasFacts(SQLModel):
    """Another name or address by which a place is known."""

    name: Annotated[str, line(200)]
    postcode: Postcode | None = None


class PremisesAlias(PremisesAliasFacts, table=True):
    """An alias of a premises; matching looks here too, until it has ended."""

    __tablename__ = "premises_alias"
    __table_args__ = (
        ForeignKeyConstraint(
            ["premises_id", "team_id"],
            ["casework.premises.id", "casework.premises.team_id"],
            onupdate="CASCADE",
        ),
        Index("premises_alias_premises_id_idx", "premises_id"),
        Index("premises_alias_team_id_name_key_idx", "team_id", "name_key"),
        SCHEMA,
    )

    id: UUID = identity()
    premises_id: UUID
    team_id: UUID
    name_key: str = name_key()
    sort_key: str = sort_key()
    ended_at: datetime | None = moment()
    version: int = version()
    created_at: datetime = moment(now=True)
