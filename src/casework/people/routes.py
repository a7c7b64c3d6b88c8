"""HTTP for people, teams, API clients and sessions."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from casework.access.actions import Action
from casework.kernel.columns import Word
from casework.kernel.folding import Sought
from casework.kernel.inputs import Flag, Uuid
from casework.kernel.problems import AlreadyExists, Conflict, StateConflict, TryAgain
from casework.people import actions, queries
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
    TOKEN_FORM,
    ApiClientAmendment,
    ApiClientCreation,
    ApiClientPage,
    ApiClientSecretView,
    ApiClientView,
    ChangesView,
    ChangeView,
    ColleagueView,
    ForceCreation,
    ForceView,
    IdentitiesView,
    IdentityLinking,
    IdentityView,
    LockOutView,
    Me,
    PasswordSet,
    PasswordSetting,
    PeoplePage,
    PersonAmendment,
    PersonCreation,
    PersonView,
    RoleGiving,
    RoleHeldView,
    RolesView,
    SessionOpened,
    SessionOpening,
    SessionsEnded,
    SessionsView,
    StaffRole,
    SuspensionStating,
    TeamAmendment,
    TeamCreation,
    TeamPage,
    TeamView,
    TokenIssued,
    TokenRequest,
)
from casework.reference.models import AreaCode
from casework.work.doorway import AtDoor
from casework.work.lane import DoorRoute
from casework.work.operations import Cursor, Id, Limit, operation

router = APIRouter(prefix="/v1", tags=["people"], route_class=DoorRoute)
ByName = Annotated[str, Query(pattern="^-?name$", description="The order: `name`, or `-name` backwards.")]
TEAM, PERSON = "0190b2c4-0000-7000-8000-000000000001", "0190b2c4-0000-7000-8000-000000000002"


# --- coming in and going out ---


@router.post(
    "/sessions",
    **operation(
        Action.SESSION_MANAGE_OWN,
        "Log in",
        SessionOpened,
        suffix="open",
        status=201,
        creates=True,
        keyed=False,
        problems=(WrongCredentials, LocalLoginOff),
        example={"login": "adviser@derbyshire.example", "password": "correct horse battery staple"},
    ),
)
async def open_session(door: AtDoor, opening: SessionOpening) -> Response:
    """Log in with a password, where the trial's local log-in is on. The token is shown once; send it as a bearer."""
    door.request.app.state.throttle.count_login(door.request.scope, opening.login.lower())
    opened = await actions.log_in(door.house, opening.login, opening.password, door.request_id, door.asked)
    return Response(door.told(json.dumps(opened)), status_code=201, media_type="application/json")


@router.get("/sessions", **operation(Action.SESSION_MANAGE_OWN, "List one's own sessions", SessionsView, suffix="list"))
async def list_sessions(door: AtDoor) -> Response:
    """The caller's running sessions, newest first: whether somebody else is in under one's name."""
    return await door.one(queries.SESSIONS)


@router.delete(
    "/sessions/current",
    **operation(Action.SESSION_MANAGE_OWN, "Log out", SessionsEnded, suffix="close", kept=False, problems=(TryAgain,)),
)
async def close_session(door: AtDoor) -> Response:
    """End the session or token of this very request."""
    return await door.write(lambda work: actions.end_own_session(work, None))


@router.delete(
    "/sessions/{session_id}",
    **operation(
        Action.SESSION_MANAGE_OWN,
        "End one of one's own sessions",
        SessionsEnded,
        suffix="end",
        kept=False,
        problems=(TryAgain,),
    ),
)
async def end_session(door: AtDoor, session_id: Id) -> Response:
    """It counts on the next request of that session."""
    return await door.write(lambda work: actions.end_own_session(work, session_id))


@router.get("/me", **operation(Action.SESSION_MANAGE_OWN, "Who am I, what may I do", Me, suffix="me"))
async def read_me(door: AtDoor) -> Response:
    """The caller, how they came in, their roles, and every action with its reach: what a frontend needs to show the right buttons."""
    return await door.one(queries.ME_OUTSIDE if door.outside else queries.ME)


_token = operation(
    Action.SESSION_MANAGE_OWN,
    "Get an API client's token",
    TokenIssued,
    suffix="token",
    creates=True,
    keyed=False,
    problems=(InvalidClient, InvalidTokenRequest),
)
_token["openapi_extra"]["requestBody"] = TOKEN_FORM


@router.post("/oauth/token", **_token)
async def issue_token(door: AtDoor) -> Response:
    """OAuth 2.0 client credentials (RFC 6749, 4.4). Refusals are problem documents that also have the RFC's `error`."""
    asked = TokenRequest.read(door.request.headers.get("authorization"), door.request.scope["state"].get("body", b""))
    door.request.app.state.throttle.count_login(door.request.scope, asked.client_id)
    issued = await actions.issue_token(door.house, asked, door.request_id, door.asked)
    return Response(json.dumps(issued), media_type="application/json")


# --- people ---


@router.post(
    "/people",
    **operation(
        Action.PERSON_MANAGE,
        "Add a member of staff",
        PersonView,
        suffix="add",
        status=201,
        creates=True,
        example={"name": "Jo Marsh", "email": "jo.marsh@derbyshire.example", "team_id": TEAM, "competences": ["pal"]},
    ),
)
async def add_person(door: AtDoor, creation: PersonCreation) -> Response:
    """They can do nothing before they are given a role, and log in by their force's identity provider."""
    return await door.write(lambda work: actions.add_person(work, creation), status=201)


@router.get("/people", **operation(Action.PERSON_LIST, "Find colleagues", PeoplePage))
async def list_people(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: ByName = "name",
    team_id: Annotated[Uuid | None, Query(description="Whose home team this is.")] = None,
    competence: Annotated[Word | None, Query(description="Who has this competence.")] = None,
    role: Annotated[StaffRole | None, Query(description="Who plays this part in a team that you may list.")] = None,
    q: Annotated[
        Sought | None,
        Query(description="How any word of the name begins; capitals, accents and apostrophes do not count."),
    ] = None,
    active: Annotated[Flag, Query(description="`false` finds who has left, for those who manage people.")] = True,
) -> Response:
    """Colleagues to assign or contact: name, team and competences only. Whoever may lock a person out sees `suspended`; with `role`,
    who is locked out is left out for everybody else."""
    filters = {"team_id": team_id, "competence": competence, "role": role, "q": q, "active": active}
    return await door.page(queries.PERSON_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/people/{person_id}",
    **operation(Action.PERSON_LIST, "Read a colleague", PersonView | ColleagueView, suffix="read"),
)
async def read_person(door: AtDoor, person_id: Id) -> Response:
    """Name, team and competences; for whoever manages people also e-mail address, roles and whether they are active."""
    return await door.one(queries.PERSON_BY_ID, id=person_id)


@router.patch(
    "/people/{person_id}",
    **operation(
        Action.PERSON_MANAGE,
        "Amend a member of staff",
        PersonView,
        suffix="amend",
        amends=True,
        problems=(NeverOneself, NeverTheSuspender, StillHolds, AdministratorsNeeded, ChangeWaits, AlreadyExists),
        example={"competences": ["pal", "events"], "active": True},
    ),
)
async def amend_person(door: AtDoor, person_id: Id, amendment: PersonAmendment) -> Response:
    """Never oneself. Whoever is made inactive is out on their next request, and their roles end for good; while they still hold
    work, only with `leaving: true`. Of an administrator or auditor, the address and the end wait for another administrator
    (`/v1/role-changes`)."""
    return await door.write(lambda work: actions.amend_person(work, person_id, amendment))


@router.delete(
    "/people/{person_id}/sessions",
    **operation(Action.SESSION_REVOKE, "End a person's sessions", SessionsEnded, kept=False, problems=(TryAgain,)),
)
async def end_sessions(door: AtDoor, person_id: Id) -> Response:
    """Their next request is refused. For a supervisor of a team of the person, or an administrator."""
    return await door.write(lambda work: actions.end_sessions_of(work, person_id))


@router.post(
    "/people/{person_id}/suspension",
    **operation(
        Action.PERSON_SUSPEND,
        "Lock a person out at once",
        LockOutView,
        status=201,
        moves=True,
        problems=(NeverOneself, AdministratorsNeeded),
        example={"reason": "Their laptop was stolen this morning."},
    ),
)
async def suspend(door: AtDoor, person_id: Id, stating: SuspensionStating) -> Response:
    """No log-in and no request from the next one on, nor by a tool for them. Nothing changes hands, and no role ends. The last
    administrator who is let in is not locked out. Every administrator and auditor is told. Somebody else lifts it (`reinstatement`), or makes it final (`active: false`), within seven days."""
    return await door.write(lambda work: actions.suspend(work, person_id, stating), status=201)


@router.post(
    "/people/{person_id}/reinstatement",
    **operation(
        Action.PERSON_SUSPEND,
        "Let a person in again",
        LockOutView,
        suffix="lift",
        moves=True,
        problems=(NeverOneself, NeverTheSuspender),
    ),
)
async def reinstate(door: AtDoor, person_id: Id) -> Response:
    """Never by whoever locked them out. They log in anew."""
    return await door.write(lambda work: actions.reinstate(work, person_id))


@router.get(
    "/people/{person_id}/suspension",
    **operation(Action.PERSON_SUSPEND, "Read whether a person is locked out", LockOutView, suffix="read"),
)
async def read_suspension(door: AtDoor, person_id: Id) -> Response:
    """By whom, why and until when it is to be decided; null: they are not locked out. For administrators, and supervisors of a team of
    the person."""
    return await door.one(queries.STANDING_OF, id=person_id)


@router.put(
    "/people/{person_id}/password",
    **operation(
        Action.PERSON_MANAGE,
        "Set a password for the local log-in",
        PasswordSet,
        suffix="password",
        kept=False,
        creates=True,
        keyed=False,
        problems=(LocalLoginOff, NeverOneself, AlreadyExists),
        example={"password": "correct horse battery staple"},
    ),
)
async def set_password(door: AtDoor, person_id: Id, setting: PasswordSetting) -> Response:
    """For trial and tests, where the local log-in is on: twelve characters at least. The person's sessions end."""
    return await door.write(lambda work: actions.set_password(work, door.house, person_id, setting.password))


@router.get(
    "/people/{person_id}/roles", **operation(Action.PERSON_MANAGE, "List a person's roles", RolesView, suffix="roles")
)
async def list_roles(door: AtDoor, person_id: Id) -> Response:
    """The roles that a person has, and those that wait for approval."""
    return await door.one(queries.ROLES_BY_PERSON, id=person_id)


@router.post(
    "/people/{person_id}/roles",
    **operation(
        Action.PERSON_MANAGE,
        "Give a role",
        RoleHeldView,
        suffix="give-role",
        status=201,
        creates=True,
        problems=(NeverOneself,),
        example={"role": "adviser", "team_id": TEAM},
    ),
)
async def give_role(door: AtDoor, person_id: Id, giving: RoleGiving) -> Response:
    """Never to oneself. Administrator and auditor have no effect until a second administrator approves."""
    return await door.write(lambda work: actions.give_role(work, person_id, giving), status=201)


@router.delete(
    "/people/{person_id}/roles/{role_id}",
    **operation(
        Action.PERSON_MANAGE,
        "End a role",
        RolesView,
        suffix="end-role",
        kept=False,
        problems=(NeverOneself, StillHolds, AdministratorsNeeded, ChangeWaits, TryAgain),
    ),
)
async def end_role(
    door: AtDoor,
    person_id: Id,
    role_id: Id,
    leaving: Annotated[Flag, Query(description="Leave to the team what is still held in this role.")] = False,
) -> Response:
    """It counts on the next request. A role that waits for approval is refused in the same way. One in which work is still held ends with
    `leaving=true` only. To take administrator or auditor waits for another administrator (`/v1/role-changes`)."""
    return await door.write(lambda work: actions.end_role(work, person_id, role_id, leaving))


@router.post(
    "/people/{person_id}/roles/{role_id}/approval",
    **operation(
        Action.PERSON_APPROVE_ROLE,
        "Approve a role",
        RoleHeldView,
        creates=True,
        problems=(NeverOneself, NeverTheRequester, StateConflict),
    ),
)
async def approve_role(door: AtDoor, person_id: Id, role_id: Id) -> Response:
    """The second of the two administrators: never whoever gave the role, never whoever gets it."""
    return await door.write(lambda work: actions.approve_role(work, person_id, role_id))


# --- what two administrators decide about those who administer and oversee ---


@router.get(
    "/role-changes", **operation(Action.PERSON_MANAGE, "List what waits for approval", ChangesView, suffix="changes")
)
async def list_changes(
    door: AtDoor,
    person_id: Annotated[Uuid | None, Query(description="Of whom it is asked.")] = None,
    kind: Annotated[
        Literal["new_role", "role", "deactivation", "email"] | None, Query(description="What is asked.")
    ] = None,
) -> Response:
    """What was asked of administrators and auditors and has no effect yet: a role to give or to take, an end, another address."""
    return await door.one(queries.CHANGES, person_id=person_id, kind=kind)


@router.get(
    "/role-changes/{change_id}", **operation(Action.PERSON_MANAGE, "Read a change", ChangeView, suffix="change")
)
async def read_change(door: AtDoor, change_id: Id) -> Response:
    """What was asked, of whom, by whom, and what became of it."""
    return await door.one(queries.CHANGE_BY_ID, id=change_id)


@router.post(
    "/role-changes/{change_id}/approval",
    **operation(
        Action.PERSON_APPROVE_ROLE,
        "Approve a change",
        ChangeView,
        suffix="change",
        creates=True,
        problems=(
            NeverOneself,
            NeverTheRequester,
            NeverTheSuspender,
            AdministratorsNeeded,
            AlreadyExists,
            StateConflict,
        ),
    ),
)
async def approve_change(door: AtDoor, change_id: Id) -> Response:
    """By an administrator who did not ask for it. The person concerned only where there is no third; else `casework people approve`."""
    return await door.write(lambda work: actions.approve_change(work, change_id))


@router.delete(
    "/role-changes/{change_id}",
    **operation(
        Action.PERSON_MANAGE,
        "Take a change back",
        ChangeView,
        suffix="withdraw-change",
        kept=False,
        problems=(NeverOneself, StateConflict, TryAgain),
    ),
)
async def withdraw_change(door: AtDoor, change_id: Id) -> Response:
    """By whoever asked, or by another administrator, who refuses it so; never by the person concerned."""
    return await door.write(lambda work: actions.withdraw_change(work, change_id))


# --- who people are at the identity provider ---


@router.post(
    "/people/{person_id}/identities",
    **operation(
        Action.PERSON_MANAGE,
        "Link a person's identity",
        IdentityView,
        suffix="link",
        status=201,
        creates=True,
        problems=(FederatedLoginOff, NeverOneself, Conflict),
        example={"subject": "00u1b2c3d4e5f6g7h8"},
    ),
)
async def link_identity(door: AtDoor, person_id: Id, linking: IdentityLinking) -> Response:
    """The person then comes in by tokens of the identity provider. Never oneself; administrators and auditors are linked
    on the host (`casework people link`), so that nobody can log in as whoever has to approve."""
    return await door.write(lambda work: actions.link_identity(work, door.house, person_id, linking), status=201)


@router.get(
    "/people/{person_id}/identities",
    **operation(Action.PERSON_MANAGE, "List a person's identities", IdentitiesView, suffix="identities"),
)
async def list_identities(door: AtDoor, person_id: Id) -> Response:
    """By which names at the identity provider the person may come in, and who said so."""
    return await door.one(queries.IDENTITIES_BY_PERSON, id=person_id)


@router.delete(
    "/people/{person_id}/identities/{identity_id}",
    **operation(
        Action.PERSON_MANAGE,
        "Unlink a person's identity",
        IdentitiesView,
        suffix="unlink",
        kept=False,
        problems=(NeverOneself, TryAgain),
    ),
)
async def unlink_identity(door: AtDoor, person_id: Id, identity_id: Id) -> Response:
    """The sessions that came in by it end at once, and tokens issued before open nothing, even if it is linked again."""
    return await door.write(lambda work: actions.unlink_identity(work, person_id, identity_id))


# --- teams and forces ---


@router.post(
    "/teams",
    **operation(
        Action.TEAM_MANAGE,
        "Add a team",
        TeamView,
        suffix="add",
        status=201,
        creates=True,
        example={"name": "Derbyshire CTSA team", "force_code": "E23000018", "phone": "01632 960001"},
    ),
)
async def add_team(door: AtDoor, creation: TeamCreation) -> Response:
    """The first team of a force is its intake team; a further one takes over from it where `intake` is true."""
    return await door.write(lambda work: actions.add_team(work, creation), status=201)


@router.get("/teams", **operation(Action.REFERENCE_READ, "List teams", TeamPage, suffix="teams"))
async def list_teams(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: ByName = "name",
    force_code: AreaCode | None = None,
    intake: Flag | None = None,
) -> Response:
    """Teams with the phone, mailbox and hours that they publish."""
    filters = {"force_code": force_code, "intake": intake}
    return await door.page(queries.TEAM_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get("/teams/{team_id}", **operation(Action.REFERENCE_READ, "Read a team", TeamView, suffix="team"))
async def read_team(door: AtDoor, team_id: Id) -> Response:
    """A team with the phone, mailbox and hours that it publishes."""
    return await door.one(queries.TEAM_BY_ID, id=team_id)


@router.patch(
    "/teams/{team_id}",
    **operation(
        Action.TEAM_MANAGE,
        "Amend a team",
        TeamView,
        suffix="amend",
        amends=True,
        problems=(IntakeNeeded, AlreadyExists),
        example={"hours": "Monday to Friday, 8 to 4"},
    ),
)
async def amend_team(door: AtDoor, team_id: Id, amendment: TeamAmendment) -> Response:
    """A team that becomes the intake team takes over from the one that was; a force is never without."""
    return await door.write(lambda work: actions.amend_team(work, team_id, amendment))


@router.post(
    "/forces",
    **operation(
        Action.TEAM_MANAGE,
        "Add a force without an area",
        ForceView,
        suffix="force",
        status=201,
        creates=True,
        example={"code": "BTP", "name": "British Transport Police", "nation": "England"},
    ),
)
async def add_force(door: AtDoor, creation: ForceCreation) -> Response:
    """Premises can name such a force; no postcode finds it. Forces with an area come with the look-up of the ONS."""
    return await door.write(lambda work: actions.add_force(work, creation), status=201)


# --- API clients ---


@router.post(
    "/api-clients",
    **operation(
        Action.CLIENT_MANAGE,
        "Add an API client",
        ApiClientSecretView,
        suffix="add",
        status=201,
        creates=True,
        example={"name": "Duty board", "team_id": TEAM, "scopes": ["enquiries.read"]},
    ),
)
async def add_client(door: AtDoor, creation: ApiClientCreation) -> Response:
    """The secret is shown this once, and again only for the same Idempotency-Key; it is stored nowhere."""
    return await door.write(lambda work: actions.add_client(work, creation), status=201)


@router.get("/api-clients", **operation(Action.CLIENT_MANAGE, "List API clients", ApiClientPage, suffix="list"))
async def list_clients(
    door: AtDoor,
    limit: Limit = 25,
    cursor: Cursor = None,
    sort: ByName = "name",
    team_id: Annotated[Uuid | None, Query()] = None,
    active: Flag | None = None,
) -> Response:
    """The tools that may call, with their scopes."""
    filters = {"team_id": team_id, "active": active}
    return await door.page(queries.CLIENT_LIST, limit=limit, cursor=cursor, sort=sort, filters=filters)


@router.get(
    "/api-clients/{client_id}", **operation(Action.CLIENT_MANAGE, "Read an API client", ApiClientView, suffix="read")
)
async def read_client(door: AtDoor, client_id: Id) -> Response:
    """A tool with its scopes; never its secret."""
    return await door.one(queries.CLIENT_BY_ID, id=client_id)


@router.patch(
    "/api-clients/{client_id}",
    **operation(
        Action.CLIENT_MANAGE,
        "Amend an API client",
        ApiClientView,
        suffix="amend",
        amends=True,
        example={"scopes": ["enquiries.read", "cases.read"]},
    ),
)
async def amend_client(door: AtDoor, client_id: Id, amendment: ApiClientAmendment) -> Response:
    """Running tokens end when a scope is taken or the client is made inactive."""
    return await door.write(lambda work: actions.amend_client(work, client_id, amendment))


@router.post(
    "/api-clients/{client_id}/secret",
    **operation(
        Action.CLIENT_MANAGE, "Renew an API client's secret", ApiClientSecretView, suffix="secret", creates=True
    ),
)
async def renew_secret(door: AtDoor, client_id: Id) -> Response:
    """The former secret and all running tokens end at once; the new secret is shown this once."""
    return await door.write(lambda work: actions.renew_secret(work, client_id))
