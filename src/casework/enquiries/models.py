"""What came in: enquiries, their contacts and the conversation with the business."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from casework.enquiries.lifecycle import Author, Channel, EnquiryState, PassingState
from casework.kernel.columns import Email, Phone, PhoneExtension, Postcode, code, line, prose
from casework.kernel.inputs import Truth
from casework.kernel.tables import flag, identity, moment, numbered, plain, version, vocabulary
from casework.reference.models import AreaCode

SCHEMA = {"schema": "casework"}


class EnquiryFacts(SQLModel):
    """What a business states when it asks for advice. An individual at their business has no organisation."""

    organisation_name: Annotated[str, line(200)] | None = None
    site_name: Annotated[str, line(200)]
    site_address: Annotated[str, line(300)] | None = None
    town: Annotated[str, line(100)] | None = None
    postcode: Postcode | None = None
    local_authority_code: AreaCode | None = None
    sector: Annotated[str, code(60)] | None = None
    description: Annotated[str, prose(10_000)]
    """What they ask and what worries them."""


class Enquiry(EnquiryFacts, table=True):
    """An enquiry in the keeping of the intake team of the force where the site lies."""

    __tablename__ = "enquiry"
    __table_args__ = (
        vocabulary("state", EnquiryState),
        vocabulary("channel", Channel),
        CheckConstraint("(state = 'accepted') = (case_id IS NOT NULL)", name="accepted"),
        CheckConstraint("state <> 'duplicate' OR duplicate_of IS NOT NULL", name="duplicate"),
        CheckConstraint("state NOT IN ('refused', 'signposted') OR reason_code IS NOT NULL", name="reason"),
        CheckConstraint("description IS NOT NULL OR handed_over_at IS NOT NULL", name="description"),
        UniqueConstraint("id", "team_id", "restricted"),
        ForeignKeyConstraint(
            ["case_id", "team_id", "restricted"],
            ["casework.case_file.id", "casework.case_file.team_id", "casework.case_file.restricted"],
            onupdate="CASCADE",
            use_alter=True,
        ),
        ForeignKeyConstraint(["premises_id", "team_id"], ["casework.premises.id", "casework.premises.team_id"]),
        Index("enquiry_team_id_received_at_idx", "team_id", "received_at", "id"),
        Index("enquiry_team_id_state_received_at_idx", "team_id", "state", "received_at", "id"),
        Index("enquiry_team_id_respond_by_idx", "team_id", "respond_by", "id"),
        Index(
            "enquiry_team_id_business_spoke_at_idx",
            "team_id",
            "business_spoke_at",
            postgresql_where=text("business_spoke_at IS NOT NULL"),
        ),
        Index("enquiry_case_id_idx", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        Index("enquiry_duplicate_of_idx", "duplicate_of", postgresql_where=text("duplicate_of IS NOT NULL")),
        Index("enquiry_premises_id_idx", "premises_id", postgresql_where=text("premises_id IS NOT NULL")),
        SCHEMA,
    )

    id: UUID = Field(default=None, primary_key=True, sa_column_kwargs={"server_default": text("gen_random_uuid()")})
    team_id: UUID = Field(foreign_key="casework.team.id")
    restricted: bool = flag()
    reference: str = Field(sa_type=Text, unique=True)
    state: str = plain("received")
    channel: str = plain("web")
    force_code: str = Field(sa_type=Text, foreign_key="casework.police_force.code")
    description: str | None = Field(default=None, sa_type=Text)  # type: ignore[assignment]  # gone once handed over
    premises_id: UUID | None = None
    organisation_id: UUID | None = Field(default=None, foreign_key="casework.organisation.id")
    case_id: UUID | None = None
    case_withheld: bool = flag()
    """Whether it joined a case that its contact sees nothing of, until the case's adviser or a supervisor opens it."""
    duplicate_of: UUID | None = Field(default=None, foreign_key="casework.enquiry.id")
    strand: str | None = Field(default=None, sa_type=Text)
    """The competence the work needs, as triaged."""
    triage_note: str | None = Field(default=None, sa_type=Text)
    """What staff found at triage; the business never sees it."""
    signposted_to: str | None = Field(default=None, sa_type=Text)
    reason_code: str | None = Field(default=None, sa_type=Text)
    reason_note: str | None = Field(default=None, sa_type=Text)
    """What staff said beside the reason; the business never sees it. After a reopening both tell how it had ended."""
    reopened_at: datetime | None = moment()
    reopened_reason: str | None = Field(default=None, sa_type=Text)
    handed_over_to: str | None = Field(default=None, sa_type=Text)
    handed_over_at: datetime | None = moment()
    notice_id: UUID | None = Field(default=None, foreign_key="casework.notice.id")
    """The version of the privacy notice that was shown; nobody knows which with what came in before it was kept."""
    submitted_by: UUID | None = None
    """The member of staff or tool that submitted it for a caller."""
    received_at: datetime = moment(now=True)
    respond_by: date
    """The working day by which the business is told what happens next."""
    ended_at: datetime | None = moment()
    shown_stage: str | None = Field(default=None, sa_type=Text)
    """Where the business goes on reading that it stands, where it was not told of the end."""
    shown_ended_at: datetime | None = moment()
    """When the business withdrew it, which had not been told that it had ended before."""
    business_spoke_at: datetime | None = moment()
    """When the business wrote, where nobody of ours has written since (``access/sql/speaking.sql``)."""
    token_number: int = Field(default=None, nullable=False, sa_column_kwargs={"server_default": text("1")})
    version: int = version()


class ContactFacts(SQLModel):
    """Who asks. At least one way to reach them is needed."""

    name: Annotated[str, line(120)]
    job_title: Annotated[str, line(120)] | None = None
    email: Email | None = None
    phone: Phone | None = None
    phone_extension: PhoneExtension | None = None
    relay: Truth = False
    """Whether they are rung by a relay service for text and speech, such as Relay UK."""


class TransferFacts(SQLModel):
    """To whom an enquiry is passed, and what the other team should know."""

    to_team_id: UUID
    note: Annotated[str, prose(2_000)] | None = None


class Contact(ContactFacts, table=True):
    """The person at the business. Verified once staff have called back on an independently found number, or the like."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="reachable"),
        numbered(),
        CheckConstraint("(verified_at IS NULL) = (verification_method IS NULL)", name="verified"),
        ForeignKeyConstraint(
            ["enquiry_id", "team_id", "restricted"],
            ["casework.enquiry.id", "casework.enquiry.team_id", "casework.enquiry.restricted"],
            onupdate="CASCADE",
        ),
        Index("contact_enquiry_id_current_key", "enquiry_id", unique=True, postgresql_where=text("current")),
        SCHEMA,
    )

    id: UUID = identity()
    enquiry_id: UUID
    team_id: UUID
    restricted: bool = flag()
    current: bool = flag(True)
    relay: bool = flag()
    verified_at: datetime | None = moment()
    verified_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    verification_method: str | None = Field(default=None, sa_type=Text)
    verification_note: str | None = Field(default=None, sa_type=Text)
    verification_exception: str | None = Field(default=None, sa_type=Text)
    """Why an address of the force, or of a colleague, was verified all the same."""
    unverified_reason: str | None = Field(default=None, sa_type=Text)
    """Why an earlier verification was taken back."""
    version: int = version()
    created_at: datetime = moment(now=True)


class MessageFacts(SQLModel):
    """One message of the conversation with the business."""

    body: Annotated[str, prose(5_000)]


class EnquiryMessage(MessageFacts, table=True):
    """A message; append only, but for text that was handed over."""

    __tablename__ = "enquiry_message"
    __table_args__ = (
        vocabulary("author", Author),
        CheckConstraint("body IS NOT NULL OR removed_at IS NOT NULL", name="body"),
        ForeignKeyConstraint(
            ["enquiry_id", "team_id", "restricted"],
            ["casework.enquiry.id", "casework.enquiry.team_id", "casework.enquiry.restricted"],
            onupdate="CASCADE",
        ),
        Index("enquiry_message_enquiry_id_idx", "enquiry_id", "created_at"),
        SCHEMA,
    )

    id: UUID = identity()
    enquiry_id: UUID
    team_id: UUID
    restricted: bool = flag()
    author: str = plain()
    person_id: UUID | None = Field(default=None, foreign_key="casework.person.id")
    body: str | None = Field(default=None, sa_type=Text)  # type: ignore[assignment]  # gone once handed over
    created_at: datetime = moment(now=True)
    removed_at: datetime | None = moment()


class EnquiryTransfer(SQLModel, table=True):
    """An enquiry passed to the team of another force, which accepts or returns it."""

    __tablename__ = "enquiry_transfer"
    __table_args__ = (
        vocabulary("state", PassingState),
        CheckConstraint("to_team_id <> from_team_id", name="elsewhere"),
        ForeignKeyConstraint(
            ["enquiry_id", "team_id", "restricted"],
            ["casework.enquiry.id", "casework.enquiry.team_id", "casework.enquiry.restricted"],
            onupdate="CASCADE",
        ),
        Index(
            "enquiry_transfer_enquiry_id_offered_key",
            "enquiry_id",
            unique=True,
            postgresql_where=text("state = 'offered'"),
        ),
        Index("enquiry_transfer_to_team_id_idx", "to_team_id", "offered_at", "id"),
        Index("enquiry_transfer_from_team_id_idx", "from_team_id", "offered_at", "id"),
        SCHEMA,
    )

    id: UUID = identity()
    enquiry_id: UUID
    team_id: UUID
    restricted: bool = flag()
    reference: str = plain()
    site_name: str = plain()
    from_team_id: UUID = Field(foreign_key="casework.team.id")
    to_team_id: UUID = Field(foreign_key="casework.team.id")
    state: str = plain("offered")
    state_before: str = plain()
    """Where the enquiry stood, and stands again when it is returned."""
    note: str | None = Field(default=None, sa_type=Text)
    offered_by: UUID = Field(foreign_key="casework.person.id")
    offered_at: datetime = moment(now=True)
    decided_by: UUID | None = Field(default=None, foreign_key="casework.person.id")
    decided_at: datetime | None = moment()
    decision_note: str | None = Field(default=None, sa_type=Text)
    version: int = version()
