"""Tables that no login role can touch: sessions, memberships, grants, and the processing log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from casework.kernel.tables import flag, identity, moment, plain

ACCESS = {"schema": "access"}
AUDIT = {"schema": "audit"}
BY_MONTH = {"schema": "audit", "postgresql_partition_by": "RANGE (id)"}
BY_MONTH_OF_EVENT = {"schema": "audit", "postgresql_partition_by": "RANGE (event_id)"}


class Session(SQLModel, table=True):
    """Who holds which bearer token, by its SHA-256. The token itself is stored nowhere."""

    __tablename__ = "session"
    __table_args__ = (
        CheckConstraint("kind IN ('staff', 'client', 'enquirer')", name="kind"),
        Index("session_principal_id_idx", "principal_id"),
        Index("session_enquiry_id_idx", "enquiry_id", postgresql_where=text("enquiry_id IS NOT NULL")),
        ACCESS,
    )

    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    id: UUID = Field(nullable=False, unique=True, sa_column_kwargs={"server_default": text("casework.new_id()")})
    kind: str = Field(sa_type=Text, nullable=False)
    principal_id: UUID
    """A person, an API client, or the contact of an enquiry."""
    enquiry_id: UUID | None = None
    scopes: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    client: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = moment(real_now=True)
    last_seen_at: datetime = moment(real_now=True)
    idle_until: datetime | None = moment()
    expires_at: datetime = moment(nullable=False)
    idle_minutes: int | None = None
    issuer: str | None = Field(default=None, sa_type=Text)
    """The identity provider whose token this is, where a person came in by federated log-in."""
    revoked_at: datetime | None = moment()


class Principal(SQLModel, table=True):
    """A person or an API client, and whether it may come in at all. Kept by trigger from ``person`` and ``api_client``."""

    __tablename__ = "principal"
    __table_args__ = (ACCESS,)

    id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text, nullable=False)
    name: str = Field(sa_type=Text, nullable=False)
    active: bool = flag(True)
    tokens_from: datetime | None = moment()
    """When their sessions were last ended: an identity provider's token issued before opens nothing."""


class Suspension(SQLModel, table=True):
    """Somebody who is locked out until somebody else lifts it or makes it final; and how it ended."""

    __tablename__ = "suspension"
    __table_args__ = (
        CheckConstraint("outcome IN ('lifted', 'final')", name="outcome"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
        Index("suspension_person_id_key", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        ACCESS,
    )

    id: UUID = identity()
    person_id: UUID
    reason: str = Field(sa_type=Text, nullable=False)
    suspended_by: UUID
    suspended_at: datetime = moment(real_now=True)
    ended_at: datetime | None = moment()
    ended_by: UUID | None = None
    outcome: str | None = Field(default=None, sa_type=Text)


class Membership(SQLModel, table=True):
    """A role held in a team. National roles are held in a team as well; their reach is ``all``."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "membership_holding_key",
            "principal_id",
            "role",
            "team_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("membership_team_id_idx", "team_id", "role"),
        ACCESS,
    )

    id: UUID = identity()
    principal_id: UUID
    role: str = Field(sa_type=Text, nullable=False)
    team_id: UUID
    granted_by: UUID | None = None
    granted_at: datetime = moment(real_now=True)
    approved_by: UUID | None = None
    pending: bool = flag()
    """Administrator and auditor wait for a second administrator."""
    ended_at: datetime | None = moment()


class PersonChange(SQLModel, table=True):
    """What one administrator asked about somebody who administers or oversees, and what became of it: another approves."""

    __tablename__ = "person_change"
    __table_args__ = (
        CheckConstraint("kind IN ('role', 'deactivation', 'email')", name="kind"),
        CheckConstraint("state IN ('waiting', 'approved', 'withdrawn')", name="state"),
        CheckConstraint(
            "(kind = 'role') = (membership_id IS NOT NULL) AND (kind = 'email') = (email IS NOT NULL)", name="what"
        ),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint(
            "asked_by <> person_id AND (state <> 'approved' OR decided_by IS NULL AND alone OR decided_by <> asked_by"
            " AND (decided_by <> person_id OR alone))",
            name="separated",
        ),
        Index(
            "person_change_waiting_key",
            text("coalesce(membership_id, person_id)"),
            "kind",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("person_change_person_id_idx", "person_id"),
        ACCESS,
    )

    id: UUID = identity()
    person_id: UUID
    kind: str = Field(sa_type=Text, nullable=False)
    membership_id: UUID | None = None
    email: str | None = Field(default=None, sa_type=Text)
    leaving: bool = flag()
    state: str = plain("waiting")
    asked_by: UUID
    asked_at: datetime = moment(real_now=True)
    decided_by: UUID | None = None
    """Nobody where it was approved on the host."""
    decided_at: datetime | None = moment()
    alone: bool = flag()
    """Whether there was no third administrator: then the person concerned may approve, or the host."""


class PolicyRow(SQLModel, table=True):
    """The matrix of ``access/policy.py`` as the database judges by it; written by ``casework migrate``."""

    __tablename__ = "policy"
    __table_args__ = (Index("policy_role_idx", "role"), ACCESS)

    action: str = Field(primary_key=True, sa_type=Text)
    role: str = Field(primary_key=True, sa_type=Text)
    reach: str = Field(sa_type=Text, nullable=False)
    scope: str | None = Field(default=None, sa_type=Text)
    shared: str | None = Field(default=None, sa_type=Text)
    """``read`` or ``contribute``: the least share with another force that lends this action to this role."""


class SettingRow(SQLModel, table=True):
    """What ``casework migrate`` left behind, such as the digest of the matrix."""

    __tablename__ = "setting"
    __table_args__ = (ACCESS,)

    name: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text, nullable=False)


class OfferRow(SQLModel, table=True):
    """Which actions a record of a kind offers in which state: the lifecycles, as ``allowed_actions`` needs them."""

    __tablename__ = "offer"
    __table_args__ = (ACCESS,)

    kind: str = Field(primary_key=True, sa_type=Text)
    action: str = Field(primary_key=True, sa_type=Text)
    from_states: list[str] | None = Field(default=None, sa_type=ARRAY(Text))


class Credential(SQLModel, table=True):
    """The password of the local log-in (trial and tests only), as argon2."""

    __tablename__ = "credential"
    __table_args__ = (ACCESS,)

    principal_id: UUID = Field(primary_key=True)
    login: str = Field(sa_type=Text, nullable=False, unique=True)
    password_hash: str = Field(sa_type=Text, nullable=False)


class ClientSecret(SQLModel, table=True):
    """The SHA-256 of an API client's 256-bit secret."""

    __tablename__ = "client_secret"
    __table_args__ = (ACCESS,)

    client_id: UUID = Field(primary_key=True)
    secret_hash: bytes = Field(sa_type=LargeBinary, nullable=False)


class ClientGrant(SQLModel, table=True):
    """The scopes an API client has been given; kept by trigger."""

    __tablename__ = "client_grant"
    __table_args__ = (ACCESS,)

    client_id: UUID = Field(primary_key=True)
    scopes: list[str] = Field(sa_type=ARRAY(Text), nullable=False)


class FederatedIdentity(SQLModel, table=True):
    """Who somebody is at an identity provider: its ``sub`` for one of our people."""

    __tablename__ = "identity"
    __table_args__ = (Index("identity_principal_id_idx", "principal_id"), ACCESS)

    issuer: str = Field(primary_key=True, sa_type=Text)
    subject: str = Field(primary_key=True, sa_type=Text)
    id: UUID = Field(nullable=False, unique=True, sa_column_kwargs={"server_default": text("casework.new_id()")})
    principal_id: UUID
    linked_by: UUID | None = None
    linked_at: datetime = moment(real_now=True)


class OneTimeCode(SQLModel, table=True):
    """A one-time code by its keyed hash, with the tries that are left. It belongs to the request that asked for it.

    Kept for a day, because so many are sent to a contact in a day, and no more.
    """

    __tablename__ = "one_time_code"
    __table_args__ = (Index("one_time_code_contact_id_sent_at_idx", "contact_id", "sent_at"), ACCESS)

    id: UUID = identity()
    contact_id: UUID
    enquiry_id: UUID
    request_hash: bytes = Field(sa_type=LargeBinary, nullable=False, unique=True)
    """The SHA-256 of what the device that asked was given, and nobody else."""
    network_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    """A keyed hash of the network address that asked: it has one live request for a contact."""
    code_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    sent_at: datetime = moment(real_now=True)
    expires_at: datetime = moment(nullable=False)
    tries_left: int
    used_at: datetime | None = moment()
    told_at: datetime | None = moment()
    """When staff were told that more were asked for after this one than are sent in a day."""


class Confirmation(SQLModel, table=True):
    """What a device was given for the right code, by its SHA-256: it opens more, beside the tracking token it was given to."""

    __tablename__ = "confirmation"
    __table_args__ = (Index("confirmation_contact_id_idx", "contact_id"), ACCESS)

    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    contact_id: UUID
    session_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    """The tracking token beside which it counts."""
    created_at: datetime = moment(real_now=True)
    idle_minutes: int
    idle_until: datetime = moment(nullable=False)
    expires_at: datetime = moment(nullable=False)


class CaseGrant(SQLModel, table=True):
    """Why a person reaches one case beyond the team's: allocated, collaborator, reviewer, break_glass."""

    __tablename__ = "case_grant"
    __table_args__ = (
        Index("case_grant_principal_id_idx", "principal_id", "kind"),
        Index("case_grant_restricted_idx", "principal_id", postgresql_where=text("restricted")),
        ACCESS,
    )

    case_id: UUID = Field(primary_key=True)
    principal_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True, sa_type=Text)
    team_id: UUID
    restricted: bool = flag()
    until: datetime | None = moment()


class CaseShare(SQLModel, table=True):
    """A case lent to a team of another force, until a date."""

    __tablename__ = "case_share"
    __table_args__ = (Index("case_share_team_id_idx", "team_id"), ACCESS)

    case_id: UUID = Field(primary_key=True)
    team_id: UUID = Field(primary_key=True)
    mode: str = Field(sa_type=Text, nullable=False)
    until: datetime = moment(nullable=False)


class CaseHome(SQLModel, table=True):
    """Where each case lives and whether it is restricted, for the functions that may not read the case; kept by trigger."""

    __tablename__ = "case_home"
    __table_args__ = (
        Index("case_home_restricted_idx", "team_id", postgresql_where=text("restricted")),
        ACCESS,
    )

    case_id: UUID = Field(primary_key=True)
    team_id: UUID
    restricted: bool = flag()


class Reviewing(SQLModel, table=True):
    """Who is asked to review which advice just now; kept by trigger."""

    __tablename__ = "reviewing"
    __table_args__ = (Index("reviewing_case_id_idx", "case_id"), ACCESS)

    advice_id: UUID = Field(primary_key=True)
    case_id: UUID
    reviewer_id: UUID


class Visiting(SQLModel, table=True):
    """Whose visit it is, for what its own adviser may do about it; kept by trigger."""

    __tablename__ = "visiting"
    __table_args__ = (Index("visiting_case_id_idx", "case_id"), ACCESS)

    visit_id: UUID = Field(primary_key=True)
    case_id: UUID
    principal_id: UUID


class EnquiryLink(SQLModel, table=True):
    """Which case an enquiry became, and whether its contact stands verified; kept by trigger."""

    __tablename__ = "enquiry_link"
    __table_args__ = (ACCESS,)

    enquiry_id: UUID = Field(primary_key=True)
    case_id: UUID | None = None
    contact_id: UUID | None = None
    verified: bool = flag()
    withheld: bool = flag()
    """Whether the case is kept from the contact until its adviser or a supervisor opens it."""


class Introduction(SQLModel, table=True):
    """Who of staff had a part in bringing a contact in, was shown its token, or opened a case to it: none of them verifies it. Kept by trigger."""

    __tablename__ = "introduction"
    __table_args__ = (CheckConstraint("what IN ('submitted', 'replaced', 'token', 'opened')", name="what"), ACCESS)

    contact_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    what: str = Field(primary_key=True, sa_type=Text)
    at: datetime = moment(real_now=True)


class Event(SQLModel, table=True):
    """One request in the processing log: who, what, why, and whether it was allowed. Append only."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_principal_id_idx", "principal_id", "id"),
        Index("event_acting_for_idx", "acting_for", "id", postgresql_where=text("acting_for IS NOT NULL")),
        Index("event_refused_idx", "id", postgresql_where=text("decision <> 'allow'")),
        BY_MONTH,
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """Begins with the time: see ``audit.open_event``."""
    at: datetime = moment(real_now=True)
    request_id: UUID | None = None
    """Ours. Two callers may send the same one of theirs, which stands beside it."""
    client_request_id: UUID | None = None
    session_id: UUID | None = None
    principal_kind: str = Field(sa_type=Text, nullable=False)
    principal_id: UUID | None = None
    acting_for: UUID | None = None
    """The person for whom a tool acted."""
    roles: list[str] = Field(sa_type=ARRAY(Text), nullable=False)
    action: str = Field(sa_type=Text, nullable=False)
    purpose: str | None = Field(default=None, sa_type=Text)
    decision: str = Field(sa_type=Text, nullable=False)
    client: str | None = Field(default=None, sa_type=Text)


class EventObject(SQLModel, table=True):
    """A record that a logged request consulted or changed; field names, and values of closed vocabularies only."""

    __tablename__ = "event_object"
    __table_args__ = (
        Index("event_object_case_id_idx", "case_id", "event_id", postgresql_where=text("case_id IS NOT NULL")),
        # A line about a case itself is found by the case.
        Index("event_object_object_id_idx", "object_id", postgresql_where=text("object_id IS DISTINCT FROM case_id")),
        Index("event_object_refusal_idx", "event_id", postgresql_where=text("operation = 'refusal'")),
        BY_MONTH_OF_EVENT,
    )

    event_id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    position: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    kind: str = Field(sa_type=Text, nullable=False)
    object_id: UUID | None = None
    case_id: UUID | None = None
    operation: str = Field(sa_type=Text, nullable=False)
    fields: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    facts: dict[str, str] | None = Field(default=None, sa_type=JSONB(none_as_null=True))


class Queued(SQLModel, table=True):
    """An event that is not sealed yet. Small, because sealing empties it; transactions find their own event here."""

    __tablename__ = "queue"
    __table_args__ = (AUDIT,)

    event_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    session_id: UUID | None = None
    request_id: UUID | None = None
    principal_kind: str = Field(sa_type=Text, nullable=False)
    principal_id: UUID | None = None
    allowed: bool


class Seal(SQLModel, table=True):
    """The leaf of a sealed event: which batch holds it, at which place, and the digest of what was written beneath it."""

    __tablename__ = "seal"
    __table_args__ = (Index("seal_batch_idx", "batch", "place"), BY_MONTH_OF_EVENT)

    event_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    batch: int = Field(sa_type=BigInteger, nullable=False)
    place: int
    salt: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Random, so that a digest that is left after disposal tells nothing; gone with what was disposed of."""
    body_digest: bytes = Field(sa_type=LargeBinary, nullable=False)
    leaf: bytes = Field(sa_type=LargeBinary, nullable=False)


class Head(SQLModel, table=True):
    """A sealed batch: its Merkle root, chained to the head before it and signed (Ed25519) with a key outside the database."""

    __tablename__ = "head"
    __table_args__ = (AUDIT,)

    batch: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    count: int
    total: int = Field(sa_type=BigInteger, nullable=False)
    root: bytes = Field(sa_type=LargeBinary, nullable=False)
    previous: bytes = Field(sa_type=LargeBinary, nullable=False)
    sealed_at: datetime = moment(nullable=False)
    hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    key_id: str = Field(sa_type=Text, nullable=False)
    signature: bytes = Field(sa_type=LargeBinary, nullable=False)


class Recovery(SQLModel, table=True):
    """An operator's signed word that the log's tail was lost by a restore: explained for the verifier, never clean."""

    __tablename__ = "recovery"
    __table_args__ = (AUDIT,)

    id: UUID = identity()
    at: datetime = moment(real_now=True)
    last_batch: int = Field(sa_type=BigInteger, nullable=False)
    last_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    lost_to: int = Field(sa_type=BigInteger, nullable=False)
    reason: str = Field(sa_type=Text, nullable=False)
    operator: str = Field(sa_type=Text, nullable=False)
    key_id: str = Field(sa_type=Text, nullable=False)
    signature: bytes = Field(sa_type=LargeBinary, nullable=False)
