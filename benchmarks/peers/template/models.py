"""What goes in and out."""

# mypy: ignore-errors
import uuid
from datetime import date, datetime

from pydantic import BaseModel


class Named(BaseModel):
    id: uuid.UUID
    name: str


class CaseRow(BaseModel):
    id: uuid.UUID
    reference: str
    team_id: uuid.UUID
    state: str
    kind: str
    restricted: bool
    title: str
    strand: str
    premises: Named | None
    adviser: Named | None
    opened_at: datetime
    due_on: date | None
    next_review_on: date | None
    version: int


class CasePublic(CaseRow):
    team: Named
    summary: str | None
    sensitive: bool
    handling: str | None
    premises_id: uuid.UUID | None
    organisation_id: uuid.UUID | None
    adviser_id: uuid.UUID | None
    closed_at: datetime | None
    reason_code: str | None
    amended_at: datetime


class CasesPublic(BaseModel):
    items: list[CaseRow]
    next_cursor: str | None


class PremisesPublic(BaseModel):
    id: uuid.UUID
    team_id: uuid.UUID
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    state: str
    version: int


class PremisesPage(BaseModel):
    items: list[PremisesPublic]
    next_cursor: str | None


class Role(BaseModel):
    role: str
    team: Named


class Me(Named):
    email: str
    roles: list[Role]


class ContactCreate(BaseModel):
    name: str
    job_title: str | None = None
    email: str | None = None
    phone: str | None = None


class EnquiryCreate(BaseModel):
    need: str
    site_name: str
    postcode: str
    description: str
    contact: ContactCreate


class EnquiryReceived(BaseModel):
    id: uuid.UUID
    reference: str
    tracking_token: str
    respond_by: date
    team: str


class FindingCreate(BaseModel):
    area: str
    phase: str
    methodology: str
    gap: str
    likelihood: int
    impact: int


class VisitCompletion(BaseModel):
    arrived_at: datetime
    left_at: datetime
    notes: str | None = None
    attendance: list[dict[str, str]] = []
    findings: list[FindingCreate] = []


class FindingPublic(FindingCreate):
    id: uuid.UUID


class VisitPublic(BaseModel):
    id: uuid.UUID
    case_id: uuid.UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    arrived_at: datetime | None
    left_at: datetime | None
    notes: str | None
    version: int
    findings: list[FindingPublic]
