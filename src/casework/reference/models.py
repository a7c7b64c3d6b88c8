"""What everybody may look up: forces, local authorities, postcodes, vocabularies, signposts, threat levels."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from casework.kernel.tables import flag, identity, moment, plain

SCHEMA = {"schema": "casework"}


class PoliceForce(SQLModel, table=True):
    """A police force by its ONS code; some, such as British Transport Police, have no area."""

    __tablename__ = "police_force"
    __table_args__ = (SCHEMA,)

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    nation: str = Field(sa_type=Text)
    has_area: bool = flag(True)


class LocalAuthority(SQLModel, table=True):
    """A current local authority and the force whose area it lies in."""

    __tablename__ = "local_authority"
    __table_args__ = (SCHEMA,)

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    nation: str = Field(sa_type=Text)
    force_code: str = Field(sa_type=Text, foreign_key="casework.police_force.code", index=True)


class Postcode(SQLModel, table=True):
    """A full postcode from the ONS look-up: its local authority and police force area."""

    __tablename__ = "postcode"
    __table_args__ = (SCHEMA,)

    postcode: str = Field(primary_key=True, sa_type=Text)
    local_authority_code: str | None = Field(default=None, sa_type=Text)
    force_code: str | None = Field(default=None, sa_type=Text)
    terminated: bool = flag()


class Lookup(SQLModel, table=True):
    """One word of a closed vocabulary: sectors, reason codes, attack methodologies and the like."""

    __tablename__ = "lookup"
    __table_args__ = (SCHEMA,)

    kind: str = Field(primary_key=True, sa_type=Text)
    code: str = Field(primary_key=True, sa_type=Text)
    label: str = Field(sa_type=Text)
    parent: str | None = Field(default=None, sa_type=Text)
    position: int = Field(default=None, nullable=False, sa_column_kwargs={"server_default": text("0")})
    active: bool = flag(True)


class Signpost(SQLModel, table=True):
    """A service that callers mix up with ours: who it is for and how to reach it. A force may have its own entry."""

    __tablename__ = "signpost"
    __table_args__ = (
        UniqueConstraint("need", "force_code", postgresql_nulls_not_distinct=True),
        SCHEMA,
    )

    id: UUID = identity()
    need: str = Field(sa_type=Text)
    force_code: str | None = Field(default=None, sa_type=Text, foreign_key="casework.police_force.code")
    position: int
    title: str = Field(sa_type=Text)
    who_for: str = Field(sa_type=Text)
    phone: str | None = Field(default=None, sa_type=Text)
    web: str | None = Field(default=None, sa_type=Text)
    hours: str | None = Field(default=None, sa_type=Text)
    other: str | None = Field(default=None, sa_type=Text)
    explanation: str = Field(sa_type=Text)
    title_cy: str | None = Field(default=None, sa_type=Text)
    explanation_cy: str | None = Field(default=None, sa_type=Text)


class ThreatLevel(SQLModel, table=True):
    """The national threat level from a moment on: one for Great Britain, one for Northern Ireland."""

    __tablename__ = "threat_level"
    __table_args__ = (Index("threat_level_current_idx", "nation", "since"), SCHEMA)

    id: UUID = identity()
    nation: str = plain()
    level: str = plain()
    since: datetime = moment(nullable=False)
    set_by: UUID | None = None


class BankHoliday(SQLModel, table=True):
    """A day that is not a working day, per nation; working-day deadlines count around it."""

    __tablename__ = "bank_holiday"
    __table_args__ = (SCHEMA,)

    nation: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
