"""What is done about people on the host's command line: who begins, and whom they are at the identity provider."""

import getpass
from enum import StrEnum
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from casework.kernel.columns import line
from casework.kernel.problems import Conflict, ValidationFailed
from casework.people.actions import hash_password
from casework.people.models import StaffEmail
from casework.people.problems import AdministratorExists

_EMAIL: TypeAdapter[str] = TypeAdapter(StaffEmail)
_NAME = line(120).read
_SUBJECT = line(255).read
LEAST_PASSWORD = 12
AUDITOR_EXISTS = (
    "There is an auditor already; further ones are given the role by one administrator and approved by another."
)


class First(StrEnum):
    """The roles that begin on the host: nobody is there yet who could give or approve them."""

    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


async def bootstrap(
    migrate_url: str,
    *,
    name: str,
    email: str,
    password: str,
    force_code: str,
    team_name: str,
    role: First = First.ADMINISTRATOR,
) -> UUID:
    """Make one of the first two administrators, or the auditor of a trial, and return their id. ``migrate_url`` is casework_migrate's.

    The person joins the intake team of the force; where it has none, a team called ``team_name`` is made. Raises
    ``AdministratorExists`` or ``Conflict`` when there are enough, ValueError or ``ValidationFailed`` when something stated is not
    right.
    """
    login, called = _EMAIL.validate_python(email), _NAME(name)
    if len(password) < LEAST_PASSWORD:
        raise ValidationFailed(f"A password has at least {LEAST_PASSWORD} characters.")
    hashed = hash_password(password)
    connection = await asyncpg.connect(migrate_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('person.manage', $1)", getpass.getuser())
            team_id = await _intake_team(connection, force_code, team_name)
            person_id: UUID = await connection.fetchval(
                "INSERT INTO casework.person (name, email, team_id) VALUES ($1, $2, $3) RETURNING id",
                called,
                login,
                team_id,
            )
            await connection.execute(
                "SELECT access.bootstrap($1, $2, $3, $4, $5)", person_id, team_id, login, hashed, role.value
            )
    except asyncpg.UniqueViolationError:
        raise Conflict("Somebody has this e-mail address already; each person has one of their own.") from None
    except asyncpg.PostgresError as error:
        if error.sqlstate == "CW002":
            raise AdministratorExists if role is First.ADMINISTRATOR else Conflict(AUDITOR_EXISTS) from None
        raise
    finally:
        await connection.close()
    return person_id


async def link(migrate_url: str, *, email: str, issuer: str, subject: str) -> UUID:
    """Say who somebody is at the identity provider, and return the identity's id. For administrators and auditors.

    Raises ``ValidationFailed`` where nobody has this e-mail address, ``Conflict`` where somebody else has this identity.
    """
    known = _SUBJECT(subject)
    connection = await asyncpg.connect(migrate_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('person.manage', $1)", getpass.getuser())
            person_id = await connection.fetchval("SELECT id FROM casework.person WHERE email = lower($1)", email)
            if person_id is None:
                raise ValidationFailed(f"Nobody has the e-mail address {email}.")
            linked: UUID = await connection.fetchval(
                "SELECT access.bind_identity($1, $2, $3, NULL)", person_id, issuer, known
            )
    except asyncpg.PostgresError as error:
        if error.sqlstate == "CW002":
            raise Conflict("Somebody else has this identity; unlink it there first.") from None
        raise
    finally:
        await connection.close()
    return linked


async def waiting(migrate_url: str) -> list[str]:
    """What waits for approval, a line each: the id, what is asked, of whom, by whom."""
    connection = await asyncpg.connect(migrate_url)
    try:
        rows = await connection.fetch(
            """SELECT c.id, c.kind, m.role, p.email, a.email AS asker FROM access.person_change c
            JOIN casework.person p ON p.id = c.person_id JOIN casework.person a ON a.id = c.asked_by
            LEFT JOIN access.membership m ON m.id = c.membership_id WHERE c.state = 'waiting' ORDER BY c.asked_at"""
        )
    finally:
        await connection.close()
    return [
        f"{row['id']}: {row['kind']} {row['role'] or ''} of {row['email']}, asked by {row['asker']}" for row in rows
    ]


async def approve(migrate_url: str, change_id: UUID) -> None:
    """Approve on the host what one administrator asked, where there is no third who could. Raises ``Conflict`` where it cannot be."""
    connection = await asyncpg.connect(migrate_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system('person.approve_role', $1)", getpass.getuser())
            verdict: str = await connection.fetchval("SELECT access.settle_change($1, NULL)", change_id)
            if verdict != "done":
                raise Conflict(REFUSED[verdict])
    except asyncpg.UniqueViolationError:
        raise Conflict("Somebody else has this e-mail address; each person has one of their own.") from None
    finally:
        await connection.close()


REFUSED = {
    "absent": "Nothing of this id was asked.",
    "decided": "This does not wait any more.",
    "third": "Another administrator can approve this through the API: neither who asked nor whom it concerns.",
    "asker": "Whoever asked for this is no active administrator any more.",
}
"""Why the host does not approve."""


async def _intake_team(connection: asyncpg.Connection, force_code: str, team_name: str) -> UUID:
    if not await connection.fetchval("SELECT true FROM casework.police_force WHERE code = $1", force_code):
        raise ValidationFailed(f"There is no force with the code {force_code}.")
    found: UUID | None = await connection.fetchval(
        "SELECT id FROM casework.team WHERE force_code = $1 AND intake", force_code
    )
    if found is None:
        found = await connection.fetchval(
            "INSERT INTO casework.team (name, force_code, intake) VALUES ($1, $2, true) RETURNING id",
            _NAME(team_name),
            force_code,
        )
    assert found is not None
    return found
