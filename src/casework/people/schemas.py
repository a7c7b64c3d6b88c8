"""What comes in and goes out about people and sessions."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from casework.access import policy
from casework.kernel.columns import Email, code, line, prose, secret
from casework.kernel.inputs import Input, Truth, Uuid, amendment
from casework.kernel.strict_json import is_sound
from casework.kernel.views import ForeignView, Page, View
from casework.people.models import ApiClientFacts, PersonFacts, TeamFacts
from casework.people.problems import InvalidClient, InvalidTokenRequest

StaffRole = Literal[
    "adviser",
    "reviewer",
    "coordinator",
    "supervisor",
    "information_manager",
    "auditor",
    "national_reader",
    "professional_lead",
    "administrator",
]
"""The parts that a member of staff can play."""
SCOPES = policy.grantable()


def _once(words: list[str]) -> list[str]:
    if len(set(words)) != len(words):
        raise PydanticCustomError("repeated", "Name each word once")
    return words


def _scope(word: str) -> str:
    if word not in SCOPES:
        raise PydanticCustomError("enum", "Use a scope of these: {scopes}", {"scopes": ", ".join(SCOPES)})
    return word


Competences = Annotated[list[Annotated[str, code(40)]], Field(max_length=20), AfterValidator(_once)]
Scope = Annotated[str, AfterValidator(_scope), WithJsonSchema({"type": "string", "enum": SCOPES})]
Scopes = Annotated[list[Scope], Field(max_length=len(SCOPES)), AfterValidator(_once)]


class SessionOpening(Input):
    """A log-in with a password (trial and tests)."""

    login: Email
    password: Annotated[str, secret(1, 200)]


class SessionOpened(View):
    """A session. The token is shown once."""

    token: str
    token_type: Literal["Bearer"]
    expires_at: datetime


class SessionRow(View):
    """A running session of the caller."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    way: Literal["local", "federated", "client_credentials", "tracking_token"]
    """How it was opened: see ``log_in`` of ``GET /v1/me``."""
    current: bool
    """Whether it is the session of this very request."""


class SessionsView(View):
    """The running sessions of the caller."""

    items: list[SessionRow]


class SessionsEnded(View):
    """How many sessions have ended."""

    ended: int


class TokenIssued(ForeignView):
    """An API client's token (RFC 6749, 5.1). It is shown once."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class RoleView(View):
    """A role held in a team."""

    role: str
    team_id: UUID
    team: str


class ActionView(View):
    """An action that the caller has, by which role, in which team (none for a business), and how far it reaches."""

    action: str
    role: str
    team_id: UUID | None
    reach: str


class LogInView(View):
    """How the caller came in."""

    way: Literal["local", "federated", "client_credentials", "tracking_token"]
    """By a password here, by a token of the identity provider, as a tool, or by the token of an enquiry."""
    issuer: str | None
    """The identity provider, where the way is `federated`."""
    expires_at: datetime
    """When this ends at the latest; a session that is not used ends sooner."""


class Me(View):
    """Who is calling, how they came in, and what they may do."""

    id: UUID
    kind: str
    """staff, client or enquirer"""
    log_in: LogInView
    name: str | None
    email: str | None
    competences: list[str]
    roles: list[RoleView]
    actions: list[ActionView]


class PersonCreation(PersonFacts, Input):
    """A new member of staff. They can do nothing before they are given a role."""

    id: Uuid | None = None
    team_id: Uuid
    competences: Competences = []


class _PersonStanding(PersonFacts):
    """A member of staff who is not active is out at once, and keeps their history."""

    team_id: Uuid
    competences: Competences
    active: Truth
    leaving: Truth
    """Beside `active: false`: leave to their teams what they still hold."""


class RoleGiving(Input):
    """A role in a team. Administrator and auditor wait for a second administrator."""

    role: StaffRole
    team_id: Uuid


class PasswordSetting(Input):
    """A password for the local log-in (trial and tests)."""

    password: Annotated[str, secret(12, 200)]


class PasswordSet(View):
    """By what the person logs in now. Their earlier sessions have ended."""

    person_id: UUID
    login: str


class ColleagueView(View):
    """What everybody who may look for colleagues sees of one."""

    id: UUID
    name: str
    team_id: UUID
    team: str
    competences: list[str]
    suspended: bool | None
    """Whether they are locked out just now; null for whoever may not read that (`person.suspend` in reach)."""


class RoleHeldView(View):
    """A role of a person, and whether it waits for a second administrator."""

    id: UUID
    role: str
    team_id: UUID
    team: str
    state: Literal["active", "pending"]
    granted_at: datetime
    granted_by: UUID | None


class RolesView(View):
    """The roles of a person that have not ended."""

    items: list[RoleHeldView]


class ChangeView(View):
    """A change of somebody who administers or oversees: asked by one administrator, approved by another."""

    id: UUID
    kind: Literal["new_role", "role", "deactivation", "email"]
    """A role that is to be given or taken, the end of a person, or another address."""
    state: Literal["waiting", "approved", "withdrawn"]
    person_id: UUID
    person: str
    role: str | None
    team_id: UUID | None
    team: str | None
    email: str | None
    """As it is now."""
    email_asked: str | None
    leaving: bool
    asked_by: UUID
    asker: str | None
    asked_at: datetime
    decided_by: UUID | None
    """Nobody while it waits, or where it was approved on the host; nor is it kept who refused a new role."""
    decided_at: datetime | None
    """Not kept of a new role that was approved."""


class ChangesView(View):
    """The changes that wait for an administrator, the oldest first."""

    items: list[ChangeView]


class IdentityLinking(Input):
    """Who a person is at the identity provider."""

    issuer: Annotated[str, line(255)] | None = None
    """The provider, as it writes itself; the one that is configured unless given."""
    subject: Annotated[str, line(255)]
    """The provider's lasting name for the person (`sub`); never an e-mail address, which can be given to somebody else."""


class IdentityView(View):
    """Who a person is at an identity provider, and by whom that was said (nobody: on the host's command line)."""

    id: UUID
    issuer: str
    subject: str
    linked_at: datetime
    linked_by: UUID | None


class IdentitiesView(View):
    """The identities by which a person may come in."""

    items: list[IdentityView]


class SuspensionStating(Input):
    """Why somebody is locked out at once."""

    reason: Annotated[str, prose(2_000)]


class SuspensionView(View):
    """Since when somebody is locked out, and until when somebody else is to lift it or make it final."""

    reason: str
    suspended_at: datetime
    suspended_by: str | None
    decide_by: datetime


class LockOutView(View):
    """Whether a person is locked out."""

    person_id: UUID
    suspension: SuspensionView | None


class PersonView(View):
    """What whoever manages people sees of one."""

    id: UUID
    name: str
    email: str
    team_id: UUID
    team: str
    competences: list[str]
    active: bool
    suspension: SuspensionView | None
    roles: list[RoleHeldView]
    version: int
    created_at: datetime


class PeoplePage(Page):
    """Colleagues, one page."""

    items: list[ColleagueView]
    next_cursor: str | None


class TeamCreation(TeamFacts, Input):
    """A new team. The first team of a force is its intake team."""

    id: Uuid | None = None
    intake: Truth = False


class _TeamStanding(TeamFacts):
    """A team that becomes the intake team of its force takes over from the one that was."""

    intake: Truth


class TeamView(View):
    """A team of a force."""

    id: UUID
    name: str
    force_code: str
    force: str
    intake: bool
    phone: str | None
    phone_extension: str | None
    relay: bool
    mailbox: str | None
    hours: str | None
    version: int
    created_at: datetime


class TeamPage(Page):
    """Teams, one page."""

    items: list[TeamView]
    next_cursor: str | None


class ForceCreation(Input):
    """A force without an area of its own, such as British Transport Police. Premises name it; no postcode finds it."""

    code: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
    name: Annotated[str, line(120)]
    nation: Literal["England", "Wales", "Scotland", "Northern Ireland"]
    """Where its headquarters are: by its bank holidays its deadlines count."""


class ForceView(View):
    """A police force."""

    code: str
    name: str
    nation: str
    has_area: bool


class ApiClientCreation(ApiClientFacts, Input):
    """A new API client of a team."""

    id: Uuid | None = None
    team_id: Uuid
    scopes: Scopes


class _ApiClientStanding(ApiClientFacts):
    """Running tokens end when a scope is taken or the client is no longer active."""

    scopes: Scopes
    active: Truth


class ApiClientView(View):
    """An internal tool that calls with its own credentials and scopes."""

    id: UUID
    name: str
    team_id: UUID
    team: str
    scopes: list[str]
    active: bool
    version: int
    created_at: datetime


class ApiClientSecretView(ApiClientView):
    """An API client with its new secret, which is shown this once."""

    client_secret: str


class ApiClientPage(Page):
    """API clients, one page."""

    items: list[ApiClientView]
    next_cursor: str | None


if TYPE_CHECKING:
    PersonAmendment = Input
    TeamAmendment = Input
    ApiClientAmendment = Input
else:
    PersonAmendment = amendment("PersonAmendment", _PersonStanding)
    TeamAmendment = amendment("TeamAmendment", _TeamStanding, without=("force_code",))
    ApiClientAmendment = amendment("ApiClientAmendment", _ApiClientStanding, without=("team_id",))


@dataclass(frozen=True, repr=False)
class TokenRequest:
    """A client-credentials request (RFC 6749, 4.4), read from the Authorization header and the form."""

    client_id: str
    client_secret: str
    scopes: list[str] | None

    @classmethod
    def read(cls, authorization: str | None, body: bytes) -> "TokenRequest":
        """Raises ``InvalidTokenRequest`` or ``InvalidClient`` with the RFC's error."""
        form = _form(body)
        if form.get("grant_type") != "client_credentials":
            error = "unsupported_grant_type" if "grant_type" in form else "invalid_request"
            raise InvalidTokenRequest(error, "Send grant_type=client_credentials as a form.")
        client_id, secret = form.get("client_id"), form.get("client_secret")
        if authorization is not None:
            known = _basic(authorization)
            if secret is not None or client_id not in (None, known[0]):
                raise InvalidTokenRequest("invalid_request", "Send the client's credentials once, not in two ways.")
            client_id, secret = known
        if not client_id or not secret:
            raise InvalidClient
        return cls(client_id, secret, form["scope"].split(" ") if "scope" in form else None)


def _form(body: bytes) -> dict[str, str]:
    refusal = InvalidTokenRequest("invalid_request", "Send each parameter once, as application/x-www-form-urlencoded.")
    try:
        # A parameter without a value counts as one left out (RFC 6749, 3.2).
        pairs = parse_qsl(body.decode("ascii"), strict_parsing=bool(body), errors="strict", max_num_fields=16)
    except ValueError:
        raise refusal from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise refusal
    for name, value in pairs:
        if not (is_sound(name) and is_sound(value)):
            error = "invalid_scope" if name == "scope" else "invalid_request"
            raise InvalidTokenRequest(error, "A parameter holds characters that no text here may hold.")
    return form


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        pair = ""
    client_id, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise InvalidClient
    return unquote_plus(client_id), unquote_plus(secret)


TOKEN_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"type": "string", "const": "client_credentials"},
                    "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
                    "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
                    "scope": {"type": "string", "description": "Fewer scopes than the client has, parted by spaces."},
                },
            },
            "example": "grant_type=client_credentials&scope=enquiries.read",
        }
    },
}
"""The token request as the contract tells it."""
