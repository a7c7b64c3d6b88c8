"""What comes in and goes out about people and sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from casework.kernel.columns import Email, line
from casework.kernel.inputs import Input
from casework.kernel.views import View


class SessionOpening(Input):
    """A log-in with a password (trial and tests)."""

    login: Email
    password: Annotated[str, line(200)]


class SessionOpened(View):
    """A session. The token is shown once."""

    token: str
    token_type: Literal["Bearer"]
    expires_at: datetime


class RoleView(View):
    """A role held in a team."""

    role: str
    team_id: UUID
    team: str


class ActionView(View):
    """An action that the caller has, by which role, in which team, and how far it reaches."""

    action: str
    role: str
    team_id: UUID
    reach: str


class Me(View):
    """Who is calling, and what they may do."""

    id: UUID
    kind: str
    name: str
    email: str | None
    competences: list[str]
    roles: list[RoleView]
    actions: list[ActionView]
