"""The tables as SQLModel classes, with the relationships that the endpoints show."""

# mypy: ignore-errors
import itertools
import secrets
import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ARRAY, JSON, BigInteger, Column, LargeBinary, Text
from sqlmodel import Field, Relationship, SQLModel

_number = itertools.count()


def new_id() -> int:
    """As the log's ids are: the time, then a number."""
    return int((datetime.now(UTC).timestamp() - 1_577_836_800) * 1000) << 12 | next(_number) & 4095


class Team(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    name: str
    force_code: str
    intake: bool


class Postcode(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    postcode: str = Field(primary_key=True)
    force_code: str | None


class Person(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    name: str
    email: str


class Premises(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    team_id: uuid.UUID
    name: str
    sort_key: str
    address: str | None
    town: str | None
    postcode: str | None
    state: str
    version: int


class Login(SQLModel, table=True):
    __tablename__ = "session"
    __table_args__ = {"schema": "access"}
    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    kind: str
    principal_id: uuid.UUID
    enquiry_id: uuid.UUID | None = None
    expires_at: datetime
    revoked_at: datetime | None = None


class Membership(SQLModel, table=True):
    __table_args__ = {"schema": "access"}
    id: uuid.UUID = Field(primary_key=True)
    principal_id: uuid.UUID
    role: str
    team_id: uuid.UUID = Field(foreign_key="casework.team.id")
    ended_at: datetime | None
    team: Team = Relationship()


class Case(SQLModel, table=True):
    __tablename__ = "case_file"
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    reference: str
    team_id: uuid.UUID = Field(foreign_key="casework.team.id")
    state: str
    kind: str
    restricted: bool
    title: str
    summary: str | None
    strand: str
    sensitive: bool
    handling: str | None
    premises_id: uuid.UUID | None = Field(foreign_key="casework.premises.id")
    organisation_id: uuid.UUID | None
    adviser_id: uuid.UUID | None = Field(foreign_key="casework.person.id")
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    closed_at: datetime | None
    reason_code: str | None
    version: int
    amended_at: datetime
    team: Team = Relationship()
    premises: Premises | None = Relationship()
    adviser: Person | None = Relationship()


class Enquiry(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    team_id: uuid.UUID
    reference: str
    state: str = "received"
    channel: str = "web"
    force_code: str
    site_name: str
    postcode: str | None = None
    description: str
    respond_by: date


class Contact(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    enquiry_id: uuid.UUID = Field(foreign_key="casework.enquiry.id")
    team_id: uuid.UUID
    name: str
    job_title: str | None = None
    email: str | None = None
    phone: str | None = None


class Visit(SQLModel, table=True):
    __tablename__ = "site_visit"
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    case_id: uuid.UUID
    team_id: uuid.UUID
    restricted: bool
    state: str
    premises_id: uuid.UUID | None
    adviser_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    arrived_at: datetime | None
    left_at: datetime | None
    attendance: Any = Field(sa_type=JSON)
    notes: str | None
    version: int
    findings: list["Finding"] = Relationship()


class Finding(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    visit_id: uuid.UUID = Field(foreign_key="casework.site_visit.id")
    case_id: uuid.UUID
    team_id: uuid.UUID
    restricted: bool
    area: str
    phase: str
    methodology: str
    gap: str
    likelihood: int
    impact: int
    threat_level: str
    recorded_by: uuid.UUID


class CaseEvent(SQLModel, table=True):
    __tablename__ = "case_event"
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    case_id: uuid.UUID
    team_id: uuid.UUID
    restricted: bool
    action: str
    person_id: uuid.UUID
    actor: str = "staff"
    subject_kind: str
    subject_id: uuid.UUID


class Event(SQLModel, table=True):
    __table_args__ = {"schema": "audit"}
    id: int = Field(default_factory=new_id, sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    request_id: uuid.UUID = Field(default_factory=uuid.uuid4)
    principal_kind: str
    principal_id: uuid.UUID | None
    roles: list[str] = Field(sa_type=ARRAY(Text))
    action: str
    decision: str = "allow"


class EventObject(SQLModel, table=True):
    __tablename__ = "event_object"
    __table_args__ = {"schema": "audit"}
    event_id: int = Field(sa_type=BigInteger)
    position: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    kind: str
    object_id: uuid.UUID
    case_id: uuid.UUID | None
    operation: str


class Force(SQLModel, table=True):
    __tablename__ = "police_force"
    __table_args__ = {"schema": "casework"}
    code: str = Field(primary_key=True)
    nation: str


class BankHoliday(SQLModel, table=True):
    __tablename__ = "bank_holiday"
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    nation: str
    day: date
    active: bool


class Lookup(SQLModel, table=True):
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    kind: str
    code: str


class ThreatLevel(SQLModel, table=True):
    __tablename__ = "threat_level"
    __table_args__ = {"schema": "casework"}
    id: uuid.UUID = Field(primary_key=True)
    kind: str
    level: str
    state: str
    since: datetime


class IdempotencyKey(SQLModel, table=True):
    __tablename__ = "idempotency_key"
    __table_args__ = {"schema": "work"}
    caller: str = Field(primary_key=True)
    key_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    salt: bytes = Field(default_factory=lambda: secrets.token_bytes(16), sa_type=LargeBinary)
    status: int | None = None
    body: str | None = None


class Job(SQLModel, table=True):
    __tablename__ = "procrastinate_jobs"
    __table_args__ = {"schema": "jobs"}
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=True))
    queue_name: str = "casework"
    task_name: str = "messages.send"
    args: Any = Field(sa_type=JSON)
