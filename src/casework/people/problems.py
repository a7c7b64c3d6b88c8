"""Refusals of the people slice."""

from casework.kernel.problems import AlreadyExists, Conflict, Problem
from casework.work.troubles import by_constraint, numberless


class WrongCredentials(Problem):
    """The login or the password is not right. Nothing says which."""

    status, slug, title = 401, "wrong-credentials", "The login or the password is not right"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class LocalLoginOff(Problem):
    """Log-in with a password is for trial and tests, and off here. Use the force's identity provider."""

    status, slug, title = 403, "local-login-off", "Log-in with a password is off"


class FederatedLoginOff(Problem):
    """No identity provider is configured here, so there is nothing to link to: see `docs/authentication.md`."""

    status, slug, title = 403, "federated-login-off", "Federated log-in is off"


class NeverOneself(Problem):
    """Nobody manages their own roles, password, identity or entry, and nobody approves for themselves. Ask another administrator."""

    status, slug, title = 403, "never-oneself", "Nobody does this for themselves"


class NeverTheRequester(Problem):
    """Whoever gave a role that needs approval cannot approve it as well. Ask another administrator."""

    status, slug, title = 403, "never-the-requester", "Another administrator has to approve this"


class NeverTheSuspender(Problem):
    """Whoever locked somebody out neither lets them in again nor makes it final. Ask another supervisor of the team, or an administrator."""

    status, slug, title = 409, "never-the-suspender", "Somebody else has to decide about this"


class AdministratorsNeeded(Problem):
    """Two active administrators stay at least: one asks, another approves. Give the role to somebody else first."""

    status, slug, title = 409, "administrators-needed", "There would be fewer than two administrators"


class ChangeWaits(Problem):
    """Another such change of this person waits already. Approve it, or take it back, first (`GET /v1/role-changes`)."""

    status, slug, title = 409, "change-waits", "Another change of this person waits"


class StillHolds(Problem):
    """The person, or the part that is to end, still holds work: `holds` counts it by team and kind. A supervisor of the team lists it
    (`adviser_id` or `reviewer_id` in the lists of cases, visits and advice) and hands it on. With `leaving: true` it is left to the team: the
    cases count as unallocated, the visits to come are marked, and reviews are asked of nobody."""

    status, slug, title = 409, "still-holds", "They still hold work"


class IntakeNeeded(Problem):
    """Each force has one team to which its enquiries come. Make another team the intake team; this one then stops."""

    status, slug, title = 409, "intake-needed", "The force would be without an intake team"


class AdministratorExists(Problem):
    """The first two administrators are made on the host; one gives the role to a further person, the other approves."""

    status, slug, title = 409, "administrator-exists", "There are two administrators already"


class InvalidClient(Problem):
    """The client id or secret is not right, or the client is not active (RFC 6749, 5.2). Nothing says which."""

    status, slug, title = 401, "invalid-client", "The client id or secret is not right"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="casework"'}, error="invalid_client")


class InvalidTokenRequest(Problem):
    """The token request is not as RFC 6749, 4.4 wants it; ``error`` says in the RFC's words what is wrong."""

    status, slug, title = 400, "invalid-token-request", "The token request is not right"

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail, error=error)


by_constraint["team_phone_check"] = numberless
by_constraint.update(
    {
        "two_administrators": lambda: Conflict("One administrator asks for this and another approves it."),
        "suspension_final": lambda: NeverTheSuspender(
            "You locked this person out: another administrator makes it final."
        ),
        "person_email_key": lambda: AlreadyExists("Somebody else has this e-mail address."),
        "credential_login_key": lambda: AlreadyExists("Somebody else logs in with this e-mail address."),
        "membership_holding_key": lambda: AlreadyExists(
            "The person has this role in this team already, or it waits for approval."
        ),
        "team_intake_key": lambda: AlreadyExists("Another team of the force has just become its intake team."),
    }
)
