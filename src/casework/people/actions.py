"""The verbs of people: who they are, which parts they play, how they and tools come in and out."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pwdlib import PasswordHash

from casework.access.tokens import CLIENT, STAFF, hash_token, new_token
from casework.kernel.columns import write_moment
from casework.kernel.problems import (
    AlreadyExists,
    Forbidden,
    NotFound,
    PreconditionFailed,
    StateConflict,
    Unauthenticated,
    ValidationFailed,
)
from casework.kernel.statements import Statement
from casework.people import queries
from casework.people.problems import (
    AdministratorsNeeded,
    ChangeWaits,
    FederatedLoginOff,
    IntakeNeeded,
    InvalidClient,
    InvalidTokenRequest,
    LocalLoginOff,
    NeverOneself,
    NeverTheRequester,
    NeverTheSuspender,
    StillHolds,
    WrongCredentials,
)
from casework.people.schemas import (
    ApiClientAmendment,
    ApiClientCreation,
    ForceCreation,
    IdentityLinking,
    PersonAmendment,
    PersonCreation,
    RoleGiving,
    SuspensionStating,
    TeamAmendment,
    TeamCreation,
    TokenRequest,
)
from casework.reference.actions import require_word
from casework.work.amending import amend
from casework.work.doorway import House
from casework.work.operations import canonical
from casework.work.troubles import trouble
from casework.work.unit import Answer, Work

_argon2 = PasswordHash.recommended()
# Checked when the login is unknown, so that it takes as long as a wrong password. Made beforehand: making it takes 64 MB.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$jwu5Uj0AezxynQmBVKtAnw$j9Lcjq2MpKgtVMr+7Cjm/V3+X8WWf9lRn9x+lB2irk8"


def hash_password(password: str) -> str:
    """The argon2 hash of a password."""
    return _argon2.hash(password)


# --- coming in and going out ---


async def log_in(house: House, login: str, password: str, request_id: UUID, asked: UUID | None) -> dict[str, Any]:
    """Open a session for the right password; the answer carries the token, once."""
    settings, database = house.settings, house.database
    if not settings.local_login:
        raise LocalLoginOff
    async with database.door.lend() as connection, trouble():
        known = await connection.fetchrow("SELECT * FROM access.credential_for($1)", login)
    # In a thread, because argon2 is slow on purpose, and without a connection, because there are few.
    right = await asyncio.to_thread(_argon2.verify, password, known["hash"] or _NOBODY)
    token, lasts, made = new_token(STAFF), timedelta(hours=settings.session_hours), None
    async with database.door.lend() as connection, trouble():
        if right and known["principal"] is not None:
            made = await connection.fetchval(
                "SELECT access.open_session($1, 'staff', $2, NULL, NULL, $3, $4, $5, $6)",
                hash_token(token),
                known["principal"],
                settings.session_idle_minutes,
                lasts,
                request_id,
                asked,
            )
        if made is None:
            await connection.execute("SELECT access.refuse_session($1, $2, $3)", known["principal"], request_id, asked)
            raise WrongCredentials
    return {"token": token, "token_type": "Bearer", "expires_at": write_moment(datetime.now(UTC) + lasts)}


async def issue_token(house: House, request: TokenRequest, request_id: UUID, asked: UUID | None) -> dict[str, Any]:
    """A token for an API client that knows its secret (RFC 6749, 4.4)."""
    database, lasts = house.database, timedelta(minutes=house.settings.client_token_minutes)
    token = new_token(CLIENT)
    async with database.door.lend() as connection, trouble():
        judged = await connection.fetchrow(
            "SELECT * FROM access.issue_token($1, $2, $3, $4, $5, $6, $7)",
            UUID(request.client_id) if canonical(request.client_id.lower()) else None,
            hash_token(request.client_secret),
            request.scopes,
            hash_token(token),
            lasts,
            request_id,
            asked,
        )
    if judged["verdict"] == "invalid_scope":
        raise InvalidTokenRequest("invalid_scope", "The client has not been given each of these scopes.")
    if judged["verdict"] != "issued":
        raise InvalidClient
    seconds, scope = int(lasts.total_seconds()), " ".join(judged["scopes"])
    return {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope}


async def end_own_session(work: Work, session_id: UUID | None) -> Answer:
    """End one of one's own sessions; ``None``: this one."""
    if work.caller.kind == "public":
        raise Unauthenticated
    row = await work.obtain(queries.END_OWN_SESSION, id=session_id)
    if not row["done"]:
        raise NotFound
    return _ended(1)


async def end_sessions_of(work: Work, person_id: UUID) -> Answer:
    """End the sessions of a person; their next request is refused."""
    await work.obtain(queries.PERSON_SEEN, id=person_id)
    ended = (await work.obtain(queries.END_SESSIONS_OF, id=person_id))["ended"]
    if ended is None:
        raise Forbidden("You may see this person, but they stand in none of the teams for which you may do this.")
    return _ended(ended)


async def suspend(work: Work, person_id: UUID, stating: SuspensionStating) -> Answer:
    """Lock somebody else out, from their next request on. Nothing changes hands, and no role ends."""
    return await _lock(work, person_id, queries.SUSPEND, reason=stating.reason)


async def reinstate(work: Work, person_id: UUID) -> Answer:
    """Let somebody in again whom another person locked out."""
    return await _lock(work, person_id, queries.REINSTATE)


_NOT_THE_SUSPENDER = "You locked this person out. Another supervisor of their team, or an administrator, lets them in again or makes it final."


async def _lock(work: Work, person_id: UUID, statement: Statement, **stated: Any) -> Answer:
    _never_oneself(work, person_id)
    seen = await work.obtain(queries.PERSON_SEEN, id=person_id)
    verdict = (await work.obtain(statement, id=person_id, **stated))["verdict"]
    if verdict == "out_of_reach":
        raise Forbidden("You may see this person, but they stand in none of the teams for which you may do this.")
    if verdict == "stale":
        raise PreconditionFailed(headers={"ETag": f'"{seen["version"]}"'})
    if verdict == "same_person":
        raise NeverTheSuspender(_NOT_THE_SUSPENDER)
    if verdict == "last":
        raise AdministratorsNeeded("Nobody would be left who administers. Let another administrator in first.")
    if verdict == "already":
        raise StateConflict("They are locked out already.", state="suspended", possible_from=["active"])
    if verdict == "none":
        raise StateConflict("They are not locked out.", state="active", possible_from=["suspended"])
    return await work.show(queries.STANDING_SHOWN, person_id)


def _ended(count: int) -> Answer:
    return Answer(json.dumps({"ended": count}))


# --- people ---

OVERSEEING = ("administrator", "auditor")
"""The roles that two administrators decide about."""


_NOT_ONESELF = (
    "This is about yourself. Ask another administrator, or another supervisor of the team where a supervisor may."
)


def _never_oneself(work: Work, person_id: UUID) -> None:
    if person_id == work.caller.principal:
        raise NeverOneself(_NOT_ONESELF)


async def _require_team(work: Work, team_id: UUID | None) -> None:
    if team_id is not None and await work.row(queries.TEAM_EXISTS, team_id=team_id) is None:
        raise ValidationFailed(errors=[{"pointer": "/team_id", "code": "absent", "message": "There is no such team."}])


async def _require_competences(work: Work, competences: list[str]) -> None:
    for place, code in enumerate(competences):
        await require_word(work, "competences", code, f"/competences/{place}")


async def add_person(work: Work, creation: PersonCreation) -> Answer:
    """Make a member of staff known. What they may do comes with their roles."""
    await _require_team(work, creation.team_id)
    await _require_competences(work, creation.competences)
    person_id = await work.create(queries.ADD_PERSON, creation)
    return await work.show(queries.PERSON_SHOWN, person_id, location=f"/v1/people/{person_id}")


async def amend_person(work: Work, person_id: UUID, amendment: PersonAmendment) -> Answer:
    """Change what is stated of a person. Whoever is made inactive is out at once (``access.keep_principal``)."""
    _never_oneself(work, person_id)
    stated = amendment.model_dump(exclude_unset=True)
    leaving = stated.pop("leaving", False)
    if leaving and stated.get("active") is not False:
        misplaced = {"pointer": "/leaving", "code": "beside", "message": "Say it beside active: false only."}
        raise ValidationFailed(errors=[misplaced])
    await _require_team(work, stated.get("team_id"))
    await _require_competences(work, stated.get("competences", []))
    person = await work.obtain(queries.PERSON_SEEN, id=person_id)
    if person["active"] and stated.get("active") is False and not leaving:
        await _require_nothing_held(work, person_id)
    taken = sorted(set(person["competences"]) - set(stated.get("competences", person["competences"])))
    for each in await work.rows(queries.CASES_IN_STRANDS, id=person_id, strands=taken) if taken else ():
        told = f"They stay the adviser of {each['count']} open case{'s' * (each['count'] > 1)} of the strand {each['strand']}."
        work.warn("/competences", "competence-in-use", told)
    asked = await _ask_instead(work, person, stated, leaving)
    return await amend(work, queries.AMEND_PERSON, person_id, amendment, without=("leaving", *asked))


async def _ask_instead(work: Work, person: Any, stated: dict[str, Any], leaving: bool) -> list[str]:
    """Which of the fields wait for another administrator, because the person administers or oversees."""
    oversees, asked = await work.obtain(queries.OVERSEES, id=person["id"]), []
    if oversees["soon"] and stated.get("email", person["email"]) != person["email"]:
        await _ask(work, person["id"], "email", email=stated["email"])
        asked.append("email")
    if oversees["now"] and person["active"] and stated.get("active") is False:
        await _ask(work, person["id"], "deactivation", leaving=leaving)
        asked.append("active")
    for field in asked:
        _say_it_waits(work, f"/{field}")
    return asked


async def _ask(
    work: Work,
    person_id: UUID,
    kind: str,
    *,
    role_id: UUID | None = None,
    email: str | None = None,
    leaving: bool = False,
) -> None:
    asked = await work.obtain(
        queries.ASK_CHANGE, id=person_id, kind=kind, role_id=role_id, email=email, leaving=leaving
    )
    verdict, _, waits = asked["verdict"].partition(" ")
    if verdict == "another":
        told = f"Another {_KINDS[kind]} of this person waits already: GET /v1/role-changes/{waits}. Approve it, or take it back, first."
        raise ChangeWaits(told, kind=kind, change_id=waits)
    _judge_change(verdict)


_KINDS = {"role": "end of this role", "deactivation": "end", "email": "address"}


def _judge_change(verdict: str) -> None:
    """What the database says of a change that two decide about, as the problem it means."""
    if verdict == "absent":
        raise NotFound
    if verdict == "last":
        raise AdministratorsNeeded(
            "Two active administrators have to stay, besides. Give the role to somebody else and have it approved, then ask for this anew."
        )
    if verdict == "suspender":
        raise NeverTheSuspender(_NOT_THE_SUSPENDER)
    if verdict == "requester":
        raise NeverTheRequester
    if verdict == "oneself":
        raise NeverOneself(_NOT_ONESELF)
    if verdict == "asker":
        raise StateConflict(
            "Whoever asked for this is no active administrator any more. Ask for it anew.", state="waiting"
        )
    if verdict == "decided":
        raise StateConflict("This does not wait any more.", possible_from=["waiting"])


def _say_it_waits(work: Work, pointer: str) -> None:
    work.warn(
        pointer, "waits-for-approval", "It has no effect until another administrator approves it: GET /v1/role-changes."
    )


async def approve_change(work: Work, change_id: UUID) -> Answer:
    """Let what another administrator asked take effect; a role that is to be given is among it."""
    role = await work.row(queries.ROLE_ASKED, id=change_id)
    if role is None:
        _judge_change((await work.obtain(queries.APPROVE_CHANGE, id=change_id))["verdict"])
    elif role["state"] != "waiting":
        _judge_change("decided")
    else:
        await _let_role_count(work, role["person_id"], role["asked_by"], change_id)
    return await work.show(queries.CHANGE_SHOWN, change_id)


async def withdraw_change(work: Work, change_id: UUID) -> Answer:
    """Take back what one asked, or refuse what another asked; a role that is to be given is among it."""
    role = await work.row(queries.ROLE_ASKED, id=change_id)
    if role is None:
        _judge_change((await work.obtain(queries.WITHDRAW_CHANGE, id=change_id))["verdict"])
    else:
        _never_oneself(work, role["person_id"])
        if role["state"] != "waiting" or not (await work.obtain(queries.END_ROLE, id=change_id))["done"]:
            _judge_change("decided")
    return await work.show(queries.CHANGE_SHOWN, change_id)


async def _require_nothing_held(work: Work, person_id: UUID, role_id: UUID | None = None) -> None:
    held = await work.rows(queries.HELD_BY, id=person_id, role_id=role_id)
    if held:
        raise StillHolds(holds=[dict(each) for each in held])


async def give_role(work: Work, person_id: UUID, giving: RoleGiving) -> Answer:
    """Give somebody else a role in a team."""
    _never_oneself(work, person_id)
    await work.obtain(queries.PERSON_SEEN, id=person_id)
    await _require_team(work, giving.team_id)
    given = await work.obtain(queries.GIVE_ROLE, person_id=person_id, role=giving.role, team_id=giving.team_id)
    return await work.show(queries.ROLE_SHOWN, given["id"], person_id=person_id)


async def approve_role(work: Work, person_id: UUID, role_id: UUID) -> Answer:
    """Let a role that waits take effect: the second of the two administrators that it needs."""
    role = await work.obtain(queries.ROLE_OF, person_id=person_id, id=role_id)
    await _let_role_count(work, person_id, role["granted_by"], role_id)
    return await work.show(queries.ROLE_SHOWN, role_id, person_id=person_id)


async def _let_role_count(work: Work, person_id: UUID, giver: UUID | None, role_id: UUID) -> None:
    _never_oneself(work, person_id)
    if giver == work.caller.principal:
        raise NeverTheRequester
    if not (await work.obtain(queries.APPROVE_ROLE, id=role_id))["done"]:
        raise StateConflict("This role does not wait for approval.", state="active", possible_from=["pending"])


async def end_role(work: Work, person_id: UUID, role_id: UUID, leaving: bool) -> Answer:
    """Take a role from somebody else, or refuse one that waits for approval."""
    role = await work.obtain(queries.ROLE_OF, person_id=person_id, id=role_id)
    _never_oneself(work, person_id)
    if not leaving:
        await _require_nothing_held(work, person_id, role_id)
    if role["role"] in OVERSEEING and not role["pending"]:
        await _ask(work, person_id, "role", role_id=role_id)
        _say_it_waits(work, "")
    elif not (await work.obtain(queries.END_ROLE, id=role_id))["done"]:
        raise NotFound
    shown = await work.show(queries.ROLES_SHOWN, person_id)
    return Answer(shown.body)


async def set_password(work: Work, house: House, person_id: UUID, password: str) -> Answer:
    """Set the password of somebody else's local log-in; their sessions end. Refused where the local log-in is off."""
    if not house.settings.local_login:
        raise LocalLoginOff
    _never_oneself(work, person_id)
    person = await work.obtain(queries.PERSON_SEEN, id=person_id)
    # Within the unit of work, though it holds a connection for a moment: strangers must not make us hash.
    hashed = await asyncio.to_thread(hash_password, password)
    await work.row(queries.SET_PASSWORD, id=person_id, login=person["email"], hash=hashed)
    return Answer(json.dumps({"person_id": str(person_id), "login": person["email"]}))


# --- who people are at the identity provider ---


async def link_identity(work: Work, house: House, person_id: UUID, linking: IdentityLinking) -> Answer:
    """Say who somebody else is at the identity provider. For an administrator or auditor that is done on the host."""
    if house.federation is None:
        raise FederatedLoginOff
    known = house.federation.issuer
    if linking.issuer not in (None, known):
        told = {"pointer": "/issuer", "code": "enum", "message": "Tokens of this provider are not taken here."}
        raise ValidationFailed(errors=[{**told, "allowed": [known]}])
    _never_oneself(work, person_id)
    await work.obtain(queries.PERSON_SEEN, id=person_id)
    linked = await work.obtain(queries.LINK_IDENTITY, person_id=person_id, issuer=known, subject=linking.subject)
    return await work.show(queries.IDENTITY_SHOWN, linked["id"], person_id=person_id)


async def unlink_identity(work: Work, person_id: UUID, identity_id: UUID) -> Answer:
    """Let an identity open nothing any more; the sessions that came in by it end."""
    _never_oneself(work, person_id)
    await work.obtain(queries.PERSON_SEEN, id=person_id)
    if not (await work.obtain(queries.UNLINK_IDENTITY, person_id=person_id, id=identity_id))["done"]:
        raise NotFound
    shown = await work.show(queries.IDENTITIES_SHOWN, person_id)
    return Answer(shown.body)


# --- teams and forces ---


async def add_team(work: Work, creation: TeamCreation) -> Answer:
    """Add a team to a force. Each force has one intake team: its first, or the last that was named so."""
    if await work.row(queries.FORCE_EXISTS, force_code=creation.force_code) is None:
        raise ValidationFailed(
            errors=[{"pointer": "/force_code", "code": "absent", "message": "There is no such force."}]
        )
    if creation.intake:
        await work.row(queries.PASS_INTAKE, force_code=creation.force_code, id=creation.id)
    team_id = await work.create(queries.ADD_TEAM, creation)
    return await work.show(queries.TEAM_SHOWN, team_id, location=f"/v1/teams/{team_id}")


async def amend_team(work: Work, team_id: UUID, amendment: TeamAmendment) -> Answer:
    """Change what is stated of a team. A new intake team takes over from the one before."""
    stands = await work.obtain(queries.TEAM_STANDS, id=team_id)
    stated = amendment.model_dump(exclude_unset=True)
    if stated.get("intake"):
        await work.row(queries.PASS_INTAKE, force_code=stands["force_code"], id=team_id)
    answer = await amend(work, queries.AMEND_TEAM, team_id, amendment)
    if stands["intake"] and stated.get("intake") is False:
        raise IntakeNeeded
    return answer


async def add_force(work: Work, creation: ForceCreation) -> Answer:
    """Add a force without an area of its own."""
    facts = creation.model_dump()
    await work.row(queries.ADD_FORCE, **facts)
    stored = await work.obtain(queries.FORCE_SHOWN, code=creation.code)
    if stored["has_area"] or any(stored[name] != facts[name] for name in ("name", "nation")):
        raise AlreadyExists("Another force has this code.")
    return Answer(stored["body"])


# --- API clients ---


async def add_client(work: Work, creation: ApiClientCreation) -> Answer:
    """Make an internal tool known and give it a secret, which is shown this once."""
    await _require_team(work, creation.team_id)
    client_id = await work.create(queries.ADD_CLIENT, creation)
    return await _with_new_secret(work, client_id, location=f"/v1/api-clients/{client_id}")


async def amend_client(work: Work, client_id: UUID, amendment: ApiClientAmendment) -> Answer:
    """Change the name or the scopes of a tool, or stop it."""
    return await amend(work, queries.AMEND_CLIENT, client_id, amendment)


async def renew_secret(work: Work, client_id: UUID) -> Answer:
    """Replace the secret of a tool; the former one and running tokens end at once."""
    await work.obtain(queries.CLIENT_SEEN, id=client_id)
    return await _with_new_secret(work, client_id)


async def _with_new_secret(work: Work, client_id: UUID, *, location: str | None = None) -> Answer:
    secret = work.secret("client_secret")
    await work.row(queries.SET_SECRET, id=client_id, hash=hash_token(secret))
    shown = await work.show(queries.CLIENT_SHOWN_ONCE, client_id, location=location, client_secret=secret)
    return Answer(shown.body, shown.version, shown.location, secrets={"client_secret": secret})
