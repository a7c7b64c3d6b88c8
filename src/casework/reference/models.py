"""What everybody may look up: forces, local authorities, postcodes, vocabularies, signposts, threat levels."""

import contextlib
import re
import unicodedata
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic_core import PydanticCustomError
from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from casework.kernel.columns import LocalDate, Moment, Rule, code, line, prose, read_postcode
from casework.kernel.inputs import Truth, Whole
from casework.kernel.tables import flag, identity, moment, plain, sort_key, version, vocabulary
from casework.reference.lifecycle import EntryState

SCHEMA = {"schema": "casework"}


class Nation(StrEnum):
    """The nations whose bank holidays differ."""

    ENGLAND = "England"
    WALES = "Wales"
    SCOTLAND = "Scotland"
    NORTHERN_IRELAND = "Northern Ireland"


class Need(StrEnum):
    """What a caller may need: the first question of the public form. All but the last are other services' work."""

    EMERGENCY = "emergency"
    SUSPICIOUS_ACTIVITY = "suspicious_activity"
    TERRORIST_MATERIAL_ONLINE = "terrorist_material_online"
    HATE_MATERIAL_ONLINE = "hate_material_online"
    UNDERSTAND_PREVENT = "understand_prevent"
    CONCERN_ABOUT_PERSON = "concern_about_person"
    PREVENT_ACTIVITY = "prevent_activity"
    DRUGS_KNIVES_GUNS_GANGS = "drugs_knives_guns_gangs"
    GENERAL_QUESTION = "general_question"
    DOES_THE_LAW_APPLY = "does_the_law_apply"
    OWN_DATA_OR_FOI = "own_data_or_foi"
    PROTECTIVE_SECURITY_ADVICE = "protective_security_advice"


URGENT = (Need.EMERGENCY, Need.SUSPICIOUS_ACTIVITY)


class Level(StrEnum):
    """The national threat levels, from the lowest."""

    LOW = "low"
    MODERATE = "moderate"
    SUBSTANTIAL = "substantial"
    SEVERE = "severe"
    CRITICAL = "critical"


class ThreatKind(StrEnum):
    """Which threat level it is: the national one is the whole United Kingdom's; a site in Northern Ireland carries both."""

    NATIONAL = "national"
    NORTHERN_IRELAND = "northern_ireland"


_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_AREA_CODE = re.compile(r"[0-9A-Z]{1,20}")


def _read_code(value: Any) -> str:
    read: str = code(60).read(value)
    if _CODE.fullmatch(read):
        return read
    raise PydanticCustomError("code", "Use lower-case letters, digits and single underscores, such as wrong_number")


def _read_area_code(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 60:
        plain = unicodedata.normalize("NFKC", value)
        code = "".join(each for each in plain if unicodedata.category(each)[0] not in "CZ").upper()
        if _AREA_CODE.fullmatch(code):
            return code
    raise PydanticCustomError(
        "area-code",
        "Give the code of the Office for National Statistics, such as E07000035: letters and digits, at most 20",
    )


def _read_web(value: Any) -> str:
    read: str = line(300).read(value)
    # What stands before an @ looks like the host to whoever reads it, and is none.
    if not read.startswith("https://") or "@" in read.removeprefix("https://").partition("/")[0]:
        raise PydanticCustomError("web", "Give an address that begins with https:// and the name of its site")
    return read


Code = Annotated[str, Rule(_read_code, {"type": "string", "maxLength": 60, "pattern": "^[a-z0-9]+(_[a-z0-9]+)*$"})]
AreaCode = Annotated[
    str,
    Rule(
        _read_area_code,
        {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[0-9A-Za-z]+$", "examples": ["E07000035"]},
    ),
]
"""The code of a local authority or a police force, in capitals however it was written."""


def _known_form(value: Any) -> str | None:
    # Whoever mistypes a postcode is told 999 and the hotline all the same.
    with contextlib.suppress(ValueError):
        return read_postcode(value)
    return None


Whereabouts = Annotated[str | None, Rule(_known_form, {"type": "string", "maxLength": 32, "examples": ["SW1A 1AA"]})]
"""A postcode that need not be one."""
Web = Annotated[str, Rule(_read_web, {"type": "string", "maxLength": 300, "pattern": "^https://"})]


class PoliceForce(SQLModel, table=True):
    """A police force by its ONS code; some, such as British Transport Police, have no area."""

    __tablename__ = "police_force"
    __table_args__ = (SCHEMA,)

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    nation: str = Field(sa_type=Text)
    has_area: bool = flag(True)
    sort_key: str = sort_key()


class LocalAuthority(SQLModel, table=True):
    """A local authority and the force whose area it lies in. A former one names the one of today that took its place."""

    __tablename__ = "local_authority"
    __table_args__ = (SCHEMA,)

    code: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    nation: str = Field(sa_type=Text)
    force_code: str = Field(sa_type=Text, foreign_key="casework.police_force.code", index=True)
    replaced_by: str | None = Field(default=None, sa_type=Text, foreign_key="casework.local_authority.code", index=True)
    """Always one of today: when that is replaced as well, this follows."""
    sort_key: str = sort_key()


class Postcode(SQLModel, table=True):
    """A full postcode from the ONS look-up: its local authority and police force area."""

    __tablename__ = "postcode"
    __table_args__ = (SCHEMA,)

    postcode: str = Field(primary_key=True, sa_type=Text)
    local_authority_code: str | None = Field(default=None, sa_type=Text)
    force_code: str | None = Field(default=None, sa_type=Text)
    terminated: bool = flag()


class WordFacts(SQLModel):
    """What an administrator states of a word. Its code never gets another meaning: a new version adds codes."""

    label: Annotated[str, line(100)]
    parent: Code | None = None
    """The wider word of the same kind."""
    position: Annotated[Whole, Field(ge=0, le=10_000)] = 0
    active: Truth = True
    """A word that is no longer chosen stays, because old records use it."""


class Lookup(WordFacts, table=True):
    """One word of a closed vocabulary: sectors, reason codes, attack methodologies and the like."""

    __tablename__ = "lookup"
    __table_args__ = (UniqueConstraint("kind", "code"), SCHEMA)

    id: UUID = identity()
    kind: str = Field(sa_type=Text)
    code: str = Field(sa_type=Text)
    parent: str | None = Field(default=None, sa_type=Text)
    position: int = Field(default=None, nullable=False, sa_column_kwargs={"server_default": text("0")})
    active: bool = flag(True)
    version: int = version()


class SignpostFacts(SQLModel):
    """What an administrator states of a service: who it is for and how to reach it. Plain words."""

    title: Annotated[str, line(200)]
    who_for: Annotated[str, prose(2000)]
    phone: Annotated[str, line(60)] | None = None
    """As people dial it: 999, 101, 0800 789 321."""
    web: Web | None = None
    hours: Annotated[str, line(200)] | None = None
    other: Annotated[str, prose(2000)] | None = None
    explanation: Annotated[str, prose(2000)]
    title_cy: Annotated[str, line(200)] | None = None
    explanation_cy: Annotated[str, prose(2000)] | None = None
    active: Truth = True
    """A force's own entry can be taken away again; a national one always stands."""


class Signpost(SignpostFacts, table=True):
    """A service that callers mix up with ours: who it is for and how to reach it. A force may have its own entry."""

    __tablename__ = "signpost"
    __table_args__ = (
        vocabulary("need", Need),
        UniqueConstraint("need", "force_code", postgresql_nulls_not_distinct=True),
        CheckConstraint("active OR force_code IS NOT NULL", name="national"),
        SCHEMA,
    )

    id: UUID = identity()
    need: str = Field(sa_type=Text)
    force_code: str | None = Field(default=None, sa_type=Text, foreign_key="casework.police_force.code")
    position: int
    web: str | None = Field(default=None, sa_type=Text)
    active: bool = flag(True)
    version: int = version()


class ThreatLevelFacts(SQLModel):
    """A change of a threat level."""

    kind: ThreatKind
    level: Level
    source_url: Web
    """Where it was announced."""
    since: Moment | None = None
    """Since when it holds; now, unless stated."""


class ThreatLevel(SQLModel, table=True):
    """A threat level from a moment on, as somebody recorded it. It never changes; one entered by mistake is struck."""

    __tablename__ = "threat_level"
    __table_args__ = (
        vocabulary("kind", ThreatKind),
        vocabulary("level", Level),
        vocabulary("state", EntryState),
        CheckConstraint("(state = 'struck') = (struck_at IS NOT NULL)", name="struck"),
        Index("threat_level_current_idx", "kind", "since"),
        SCHEMA,
    )

    id: UUID = identity()
    kind: str = plain()
    level: str = plain()
    since: datetime = moment(nullable=False)
    source_url: str | None = Field(default=None, sa_type=Text)
    """Missing only in entries of releases that did not ask for it."""
    state: str = plain("confirmed")
    set_by: UUID | None = None
    recorded_at: datetime = moment(now=True)
    confirmed_by: UUID | None = None
    struck_by: UUID | None = None
    struck_at: datetime | None = moment()
    struck_reason: str | None = Field(default=None, sa_type=Text)
    version: int = version()


class BankHolidayFacts(SQLModel):
    """A day that is not a working day in a nation."""

    name: Annotated[str, line(100)]
    active: Truth = True
    """A day that turned out to be a working day stays on record, or the next ``migrate`` would bring it back."""


class BankHoliday(BankHolidayFacts, table=True):
    """A day that is not a working day, per nation; working-day deadlines count around it."""

    __tablename__ = "bank_holiday"
    __table_args__ = (vocabulary("nation", Nation), UniqueConstraint("nation", "day"), SCHEMA)

    id: UUID = identity()
    nation: str = Field(sa_type=Text)
    day: date
    active: bool = flag(True)
    recounted_at: datetime | None = moment()
    """When the deadlines that were counted across it were moved; once."""
    version: int = version()


class BankHolidayDay(BankHolidayFacts):
    """A bank holiday with its day."""

    nation: Nation
    day: LocalDate
