"""Every statement about people, teams, API clients and sessions."""

from sqlalchemy import (
    Boolean,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    any_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from casework.kernel.folding import has_word
from casework.kernel.statements import Statement, given, written
from casework.kernel.tables import columns
from casework.kernel.views import render
from casework.people.models import ApiClient, Person, Team
from casework.people.schemas import ApiClientSecretView, ApiClientView, ColleagueView, PersonView, TeamView
from casework.reference.models import PoliceForce
from casework.work.amending import Amending
from casework.work.composing import (
    BEGIN,
    BEGINNING,
    UUIDS,
    Listing,
    Reachable,
    Sort,
    create,
    read_one,
    show_one,
)

person, team, client, force = map(columns, (Person, Team, ApiClient, PoliceForce))
other = columns(aliased(Team))
PEOPLE = Reachable(Person, "person")
TEAMS = Reachable(Team, "team", open=True)
CLIENTS = Reachable(ApiClient, "api_client")


def _moment(column: str) -> str:
    return f"""to_char(timezone('UTC', {column}), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


# --- the caller and their sessions ---

# (The same as composing.SETTLED, and nobody without a token.)
_KNOWN = (
    "CASE WHEN ctx.kind = 'public' OR ctx.decision = 'allow' AND access.current_principal() IS NULL"
    " THEN 'unauthenticated' ELSE ctx.decision END"
)
_ACTIONS = """(SELECT coalesce(json_agg(json_build_object(
    'action', a.action, 'role', a.role, 'team_id', a.team_id, 'reach', a.reach)), '[]') FROM access.my_actions() a)"""

_LOG_IN = f"""(SELECT json_build_object('way', l.log_in, 'issuer', l.issuer, 'expires_at', {_moment("l.expires_at")})
    FROM access.my_session() l)"""  # noqa: S608 — constants of the code

ME = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, CASE WHEN ctx.decision = 'allow' THEN json_build_object(
        'id', ctx.principal, 'kind', ctx.kind, 'log_in', {_LOG_IN}, 'name', access.name_of(ctx.principal),
        'email', p.email, 'competences', coalesce(p.competences, '{{}}'),
        'roles', (SELECT coalesce(json_agg(json_build_object('role', r.role, 'team_id', r.team_id, 'team', t.name)), '[]')
                  FROM access.roles_of(ctx.principal) r JOIN casework.team t ON t.id = r.team_id WHERE NOT r.pending),
        'actions', {_ACTIONS}) END AS body
    FROM {BEGIN} LEFT JOIN LATERAL (
        SELECT x.email, x.competences FROM casework.person x WHERE x.id = ctx.principal AND ctx.decision = 'allow' OFFSET 0
    ) p ON true""",  # noqa: S608 — constants of the code
    **BEGINNING,
)
ME_OUTSIDE = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, CASE WHEN ctx.kind = 'enquirer' THEN json_build_object(
        'id', ctx.principal, 'kind', ctx.kind, 'log_in', {_LOG_IN}, 'name', NULL, 'email', NULL, 'competences', json_build_array(),
        'roles', json_build_array(), 'actions', {_ACTIONS}) END AS body
    FROM {BEGIN}""",  # noqa: S608 — constants of the code
    **BEGINNING,
)
SESSIONS = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, CASE WHEN ctx.kind <> 'public' THEN json_build_object('items', (
        SELECT coalesce(json_agg(json_build_object(
            'id', s.id, 'created_at', {_moment("s.created_at")}, 'last_seen_at', {_moment("s.last_seen_at")},
            'expires_at', {_moment("s.expires_at")}, 'way', s.log_in, 'current', s.is_this)), '[]')
        FROM access.own_sessions() s)) END AS body
    FROM {BEGIN}""",  # noqa: S608 — constants of the code
    **BEGINNING,
)
END_OWN_SESSION = written("SELECT access.end_own_session(:id) AS done", id=Uuid())
SUSPEND = written(
    "SELECT access.suspend(:id, :versions, :reason) AS verdict", id=Uuid(), versions=ARRAY(Integer), reason=Text()
)
REINSTATE = written("SELECT access.reinstate(:id, :versions) AS verdict", id=Uuid(), versions=ARRAY(Integer))
_CHANGE = f"""json_build_object('id', c.id, 'kind', c.kind, 'state', c.state, 'person_id', c.person_id, 'person', access.name_of(c.person_id),
    'role', c.role, 'team_id', c.team_id, 'team', (SELECT t.name FROM casework.team t WHERE t.id = c.team_id),
    'email', c.email, 'email_asked', c.email_asked, 'leaving', c.leaving,
    'asked_by', c.asked_by, 'asker', access.name_of(c.asked_by), 'asked_at', {_moment("c.asked_at")},
    'decided_by', c.decided_by, 'decided_at', {_moment("c.decided_at")})"""  # noqa: S608 — constants of the code
CHANGES = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, CASE WHEN ctx.decision = 'allow' THEN json_build_object('items', (
        SELECT coalesce(json_agg({_CHANGE} ORDER BY c.asked_at, c.id), '[]'::json) FROM access.changes(NULL, :person_id, :kind) c
        WHERE audit.consulted(ctx.event, 'person', ARRAY[c.person_id], ARRAY[NULL]::uuid[]))) END AS body
    FROM {BEGIN}""",  # noqa: S608 — constants of the code
    person_id=Uuid(),
    kind=Text(),
    **BEGINNING,
)
CHANGE_BY_ID = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, CASE WHEN ctx.decision = 'allow' THEN (
        SELECT {_CHANGE} FROM access.changes(:id, NULL, NULL) c
        WHERE audit.consulted(ctx.event, 'person', ARRAY[c.person_id], ARRAY[NULL]::uuid[])) END AS body
    FROM {BEGIN}""",  # noqa: S608 — constants of the code
    id=Uuid(),
    **BEGINNING,
)
CHANGE_SHOWN = written(
    f"SELECT CAST({_CHANGE} AS text) AS body, NULL::int AS version FROM access.changes(:id, NULL, NULL) c",  # noqa: S608 — constants
    id=Uuid(),
)
OVERSEES = written("SELECT access.oversees(:id, false) AS now, access.oversees(:id, true) AS soon", id=Uuid())
ASK_CHANGE = written(
    "SELECT access.ask_change(:id, :kind, :role_id, :email, :leaving) AS verdict",
    id=Uuid(),
    kind=Text(),
    role_id=Uuid(),
    email=Text(),
    leaving=Boolean(),
)
ROLE_ASKED = written(
    "SELECT c.person_id, c.state, c.asked_by FROM access.changes(:id, NULL, 'new_role') c",
    id=Uuid(),
)
APPROVE_CHANGE = written("SELECT access.approve_change(:id) AS verdict", id=Uuid())
WITHDRAW_CHANGE = written("SELECT access.withdraw_change(:id) AS verdict", id=Uuid())
HELD_BY = written(
    "SELECT h.team_id::text AS team_id, h.team, h.kind, h.count FROM access.held_by(:id, :role_id) h",
    id=Uuid(),
    role_id=Uuid(),
)
CASES_IN_STRANDS = written(
    "SELECT c.strand, c.count FROM access.cases_in_strands(:id, :strands) c", id=Uuid(), strands=ARRAY(Text())
)
END_SESSIONS_OF = written("SELECT access.end_sessions_of(:id) AS ended", id=Uuid())

# --- people ---

_managing = literal_column("(SELECT access.holds('person.manage'))", Boolean())
_ROLE = f"""json_build_object('id', r.id, 'role', r.role, 'team_id', r.team_id, 'team', t.name,
    'state', CASE WHEN r.pending THEN 'pending' ELSE 'active' END,
    'granted_at', {_moment("r.granted_at")}, 'granted_by', r.granted_by)"""
_ROLES = f"""(SELECT coalesce(json_agg({_ROLE} ORDER BY r.granted_at, r.id), '[]')
    FROM access.roles_of(casework.person.id) r JOIN casework.team t ON t.id = r.team_id)"""  # noqa: S608 — constants
_home = select(team.name).where(team.id == person.team_id).scalar_subquery()
_suspended = literal_column(
    "(CASE WHEN (SELECT access.holds('person.suspend')) THEN access.shown_suspended(casework.person.id) END)", Boolean()
)
_colleague = render(ColleagueView, Person, team=_home, suspended=_suspended)
_SUSPENSION = f"""(SELECT json_build_object('reason', s.reason, 'suspended_at', {_moment("s.suspended_at")},
    'suspended_by', access.name_of(s.suspended_by), 'decide_by', {_moment("s.decide_by")})
    FROM access.suspension_of(casework.person.id) s)"""  # noqa: S608 — constants of the code
_person = render(PersonView, Person, team=_home, roles=literal_column(_ROLES), suspension=literal_column(_SUSPENSION))
_standing = func.json_build_object(
    literal_column("'person_id'"), person.id, literal_column("'suspension'"), literal_column(_SUSPENSION)
)
STANDING_OF = written(
    f"""
    SELECT {_KNOWN} AS decision, NULL::int AS version, ctx.event, r.seen,
        CASE WHEN r.within AND audit.consulted(ctx.event, 'person', ARRAY[r.id], ARRAY[NULL]::uuid[]) THEN r.body END AS body
    FROM {BEGIN} LEFT JOIN LATERAL (
        SELECT person.id, true AS seen, access.reads_suspension(person.id) AS within,
               json_build_object('person_id', person.id, 'suspension', {_SUSPENSION.replace("casework.person.id", "person.id")}) AS body
        FROM casework.person WHERE person.id = :id AND ctx.decision = 'allow' OFFSET 0) r ON true""",  # noqa: S608 — constants of the code
    id=Uuid(),
    **BEGINNING,
)
STANDING_SHOWN = show_one(PEOPLE, _standing)
_roles = func.json_build_object(literal_column("'items'"), literal_column(_ROLES))

PERSON_BY_ID = read_one(PEOPLE, case((_managing, _person), else_=_colleague))
PERSON_SHOWN = show_one(PEOPLE, _person)
PERSON_SEEN = Statement(
    select(person.id, person.email, person.version, person.active, person.competences).where(
        person.id == given("id", Uuid())
    )
)
PERSON_LIST = Listing(
    PEOPLE,
    _colleague,
    where=or_(person.active, _managing),
    filters={
        "active": lambda: person.active == given("active", Boolean()),
        "team_id": lambda: person.team_id == given("team_id", Uuid()),
        "competence": lambda: given("competence", Text()) == any_(person.competences),
        "role": lambda: (
            person.id == any_(cast(select(func.access.people_with(given("role", Text()))).scalar_subquery(), UUIDS))
        ),
        "q": lambda: has_word(person.sort_key, "q"),
    },
    sorts={"name": Sort(person.sort_key, Text())},
)
ADD_PERSON = create(
    PEOPLE, PERSON_SHOWN, {"name": Text(), "email": Text(), "team_id": Uuid(), "competences": ARRAY(Text())}
)
AMEND_PERSON = Amending(PEOPLE, PERSON_SHOWN)

ROLES_BY_PERSON = read_one(PEOPLE, _roles)
ROLES_SHOWN = show_one(PEOPLE, _roles)
ROLE_OF = written(
    "SELECT r.pending, r.granted_by, r.role FROM access.roles_of(:person_id) r WHERE r.id = :id",
    person_id=Uuid(),
    id=Uuid(),
)
ROLE_SHOWN = written(
    f"""SELECT CAST({_ROLE} AS text) AS body, NULL::int AS version
    FROM access.roles_of(:person_id) r JOIN casework.team t ON t.id = r.team_id WHERE r.id = :id""",  # noqa: S608 — constants
    person_id=Uuid(),
    id=Uuid(),
)
GIVE_ROLE = written(
    "SELECT access.grant_role(:person_id, :role, :team_id) AS id", person_id=Uuid(), role=Text(), team_id=Uuid()
)
APPROVE_ROLE = written("SELECT access.approve_role(:id) AS done", id=Uuid())
END_ROLE = written("SELECT access.end_role(:id) AS done", id=Uuid())
SET_PASSWORD = written("SELECT access.set_password(:id, :login, :hash)", id=Uuid(), login=Text(), hash=Text())

# --- who people are at the identity provider ---

_IDENTITY = f"""json_build_object('id', i.id, 'issuer', i.issuer, 'subject', i.subject,
    'linked_at', {_moment("i.linked_at")}, 'linked_by', i.linked_by)"""
_identities = func.json_build_object(
    literal_column("'items'"),
    literal_column(
        f"(SELECT coalesce(json_agg({_IDENTITY} ORDER BY i.linked_at, i.id), '[]')"  # noqa: S608 — constants
        " FROM access.identities_of(casework.person.id) i)"
    ),
)
IDENTITIES_BY_PERSON = read_one(PEOPLE, _identities)
IDENTITIES_SHOWN = show_one(PEOPLE, _identities)
IDENTITY_SHOWN = written(
    f"""SELECT CAST({_IDENTITY} AS text) AS body, NULL::int AS version
    FROM access.identities_of(:person_id) i WHERE i.id = :id""",  # noqa: S608 — constants of the code
    person_id=Uuid(),
    id=Uuid(),
)
LINK_IDENTITY = written(
    "SELECT access.link_identity(:person_id, :issuer, :subject) AS id", person_id=Uuid(), issuer=Text(), subject=Text()
)
UNLINK_IDENTITY = written("SELECT access.unlink_identity(:person_id, :id) AS done", person_id=Uuid(), id=Uuid())

# --- teams and forces ---

TEAM_EXISTS = Statement(select(team.id).where(team.id == given("team_id", Uuid())))
FORCE_EXISTS = Statement(select(force.code).where(force.code == given("force_code", Text())))
_team = render(TeamView, Team, force=select(force.name).where(force.code == team.force_code).scalar_subquery())
TEAM_BY_ID = read_one(TEAMS, _team)
TEAM_SHOWN = show_one(TEAMS, _team)
TEAM_LIST = Listing(
    TEAMS,
    _team,
    filters={
        "force_code": lambda: team.force_code == given("force_code", Text()),
        "intake": lambda: team.intake == given("intake", Boolean()),
    },
    sorts={"name": Sort(team.sort_key, Text())},
)
TEAM_STANDS = Statement(select(team.force_code, team.intake).where(team.id == given("id", Uuid())))
_has_intake = select(other.id).where(other.force_code == given("force_code", Text()), other.intake)
ADD_TEAM = create(
    TEAMS,
    TEAM_SHOWN,
    {
        "name": Text(),
        "force_code": Text(),
        "intake": or_(given("intake", Boolean()), ~_has_intake.exists()),
        "phone": Text(),
        "phone_extension": Text(),
        "relay": Boolean(),
        "mailbox": Text(),
        "hours": Text(),
    },
)
AMEND_TEAM = Amending(TEAMS, TEAM_SHOWN)
# The team that was the intake team of the force makes room for the one that becomes it.
PASS_INTAKE = Statement(
    update(team)
    .where(
        team.force_code == given("force_code", Text()),
        team.intake,
        team.id.is_distinct_from(given("id", Uuid())),
    )
    .values(intake=False, version=team.version + 1)
    .returning(team.id)
)
ADD_FORCE = written(
    """INSERT INTO casework.police_force (code, name, nation, has_area) VALUES (:code, :name, :nation, false)
    ON CONFLICT (code) DO NOTHING RETURNING code""",
    code=Text(),
    name=Text(),
    nation=Text(),
)
FORCE_SHOWN = written(
    """SELECT CAST(json_build_object('code', f.code, 'name', f.name, 'nation', f.nation, 'has_area', f.has_area) AS text)
        AS body, f.name, f.nation, f.has_area
    FROM casework.police_force f WHERE f.code = :code""",
    code=Text(),
)

# --- API clients ---

_clients_team = select(team.name).where(team.id == client.team_id).scalar_subquery()
_client = render(ApiClientView, ApiClient, team=_clients_team)
CLIENT_BY_ID = read_one(CLIENTS, _client)
CLIENT_SHOWN = show_one(CLIENTS, _client)
CLIENT_SHOWN_ONCE = show_one(
    CLIENTS,
    render(ApiClientSecretView, ApiClient, team=_clients_team, client_secret=given("client_secret", Text())),
)
CLIENT_SEEN = Statement(select(client.id).where(client.id == given("id", Uuid()), CLIENTS.reached()))
CLIENT_LIST = Listing(
    CLIENTS,
    _client,
    filters={
        "team_id": lambda: client.team_id == given("team_id", Uuid()),
        "active": lambda: client.active == given("active", Boolean()),
    },
    sorts={"name": Sort(client.sort_key, Text())},
)
ADD_CLIENT = create(CLIENTS, CLIENT_SHOWN, {"name": Text(), "team_id": Uuid(), "scopes": ARRAY(Text())})
AMEND_CLIENT = Amending(CLIENTS, CLIENT_SHOWN)
SET_SECRET = written("SELECT access.set_client_secret(:id, :hash)", id=Uuid(), hash=LargeBinary())
