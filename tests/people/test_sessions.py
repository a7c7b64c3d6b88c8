"""Coming in and going out: log-in, one's own sessions, sessions ended by others, and what a bearer is worth."""

import secrets
import uuid
from collections.abc import Iterator

import httpx
import pytest

from casework.access.tokens import hash_token, new_token
from casework.kernel.settings import Settings
from casework.people.actions import hash_password
from tests.support.callers import Caller, ok, refused
from tests.support.server import serving
from tests.support.world import Team, World

PASSWORD = "correct horse battery staple"
HASHED = hash_password(PASSWORD)


def with_password(world: World, person: Caller) -> str:
    """A login of the local log-in for this person."""
    email: str = world.sql("SELECT email FROM casework.person WHERE id = $1", person.person_id)[0]["email"]
    world.sql(
        "INSERT INTO access.credential (principal_id, login, password_hash) VALUES ($1, $2, $3)",
        person.person_id,
        email,
        HASHED,
    )
    return email


def log_in(caller: Caller, login: str, password: str = PASSWORD) -> httpx.Response:
    return caller.request("POST", "/v1/sessions", json={"login": login, "password": password})


def test_the_right_password_opens_a_session(world: World, team: Team) -> None:
    login = with_password(world, team.person("adviser", name="Jo Marsh"))
    opened = ok(log_in(world.anybody(), login.upper()), 201)
    assert opened["token"].startswith("ses_")
    assert ok(world.anybody(opened["token"]).get("/v1/me"))["name"] == "Jo Marsh"


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(world: World, team: Team) -> None:
    login = with_password(world, team.person("adviser"))
    wrong = log_in(world.anybody(), login, "not the password")
    unknown = log_in(world.anybody(), "nobody@police.example", "not the password")
    refused(wrong, 401, "wrong-credentials")
    assert without_request_id(wrong) == without_request_id(unknown)


def test_a_failed_log_in_is_logged_by_whom_it_was_meant_for_and_never_by_what_was_typed(
    world: World, team: Team
) -> None:
    person = team.person("adviser")
    request = log_in(world.anybody(), with_password(world, person), "typed in error")
    events = world.sql("SELECT * FROM audit.event WHERE request_id = $1", request.json()["request_id"])
    assert [(e["decision"], str(e["principal_id"])) for e in events] == [("unauthenticated", person.person_id)]
    assert "typed in error" not in str(events)


def test_who_is_not_active_cannot_log_in(world: World, team: Team) -> None:
    person = team.person("adviser")
    login = with_password(world, person)
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", person.person_id)
    refused(log_in(world.anybody(), login), 401, "wrong-credentials")


def test_passwords_and_tokens_are_stored_nowhere_in_clear(world: World, team: Team) -> None:
    token = ok(log_in(world.anybody(), with_password(world, team.person("adviser"))), 201)["token"]
    for table in ("access.session", "access.credential", "work.idempotency_key", "audit.event", "audit.event_object"):
        stored = str(world.sql(f"SELECT t::text FROM {table} t"))
        assert PASSWORD not in stored
        assert token not in stored
        assert token.removeprefix("ses_") not in stored
    stored_hash = world.sql("SELECT password_hash FROM access.credential LIMIT 1")[0][0]
    assert stored_hash.startswith("$argon2id$")


def test_everybody_sees_their_own_sessions_and_ends_them(world: World, team: Team) -> None:
    here = team.person("adviser")
    assert here.person_id
    there = world.log_in(here.person_id)
    sessions = ok(here.get("/v1/sessions"))["items"]
    assert [s["current"] for s in sessions].count(True) == 1
    other = next(s for s in sessions if not s["current"])
    assert ok(here.delete(f"/v1/sessions/{other['id']}")) == {"ended": 1}
    refused(there.get("/v1/me"), 401, "unauthenticated")
    refused(here.delete(f"/v1/sessions/{other['id']}"), 404, "not-found")
    ok(here.get("/v1/me"))


def test_nobody_ends_the_session_of_another_as_their_own(team: Team) -> None:
    one, other = team.person("adviser"), team.person("adviser")
    theirs = ok(other.get("/v1/sessions"))["items"][0]
    refused(one.delete(f"/v1/sessions/{theirs['id']}"), 404, "not-found")
    ok(other.get("/v1/me"))


def test_logging_out_ends_this_session_only(world: World, team: Team) -> None:
    here = team.person("adviser")
    assert here.person_id
    there = world.log_in(here.person_id)
    ok(here.delete("/v1/sessions/current"))
    refused(here.get("/v1/me"), 401, "unauthenticated")
    ok(there.get("/v1/me"))


def test_a_tool_logs_out_too(team: Team) -> None:
    tool = team.tool("cases.read")
    assert ok(tool.get("/v1/me"))["kind"] == "client"
    ok(tool.delete("/v1/sessions/current"))
    refused(tool.get("/v1/me"), 401, "unauthenticated")


def test_a_supervisor_ends_the_sessions_of_their_team_and_of_no_other(team: Team, other_team: Team) -> None:
    supervisor, adviser, stranger = team.person("supervisor"), team.person("adviser"), other_team.person("adviser")
    assert ok(supervisor.delete(f"/v1/people/{adviser.person_id}/sessions")) == {"ended": 1}
    refused(adviser.get("/v1/me"), 401, "unauthenticated")
    refused(supervisor.delete(f"/v1/people/{stranger.person_id}/sessions"), 403, "forbidden")
    ok(stranger.get("/v1/me"))
    refused(supervisor.delete(f"/v1/people/{uuid.uuid4()}/sessions"), 404, "not-found")
    refused(team.person("adviser").delete(f"/v1/people/{supervisor.person_id}/sessions"), 403, "forbidden")


def test_an_administrator_ends_the_sessions_of_anybody_even_of_those_without_a_role(
    team: Team, other_team: Team
) -> None:
    administrator, nobody = team.person("administrator"), other_team.person()
    assert ok(administrator.delete(f"/v1/people/{nobody.person_id}/sessions")) == {"ended": 1}


def test_a_role_that_waits_for_approval_brings_nobody_into_reach(world: World, team: Team, other_team: Team) -> None:
    person = other_team.person("adviser")
    ok(
        team.person("administrator").post(
            f"/v1/people/{person.person_id}/roles", {"role": "auditor", "team_id": team.id}
        ),
        201,
    )
    refused(team.person("supervisor").delete(f"/v1/people/{person.person_id}/sessions"), 403, "forbidden")


# --- what a bearer is worth ---


def without_request_id(response: httpx.Response) -> tuple[object, ...]:
    body = {name: value for name, value in response.json().items() if name != "request_id"}
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("date", "x-request-id", "content-length")
    }
    return response.status_code, list(body.items()), headers


def expired(world: World, team: Team) -> str:
    person = team.person("adviser")
    world.sql(
        "UPDATE access.session SET expires_at = now() - interval '1 second' WHERE principal_id = $1", person.person_id
    )
    return f"Bearer {person.token}"


def idle(world: World, team: Team) -> str:
    person = team.person("adviser")
    world.sql(
        "UPDATE access.session SET idle_until = now() - interval '1 second' WHERE principal_id = $1", person.person_id
    )
    return f"Bearer {person.token}"


def revoked(world: World, team: Team) -> str:
    person = team.person("adviser")
    ok(person.delete("/v1/sessions/current"))
    return f"Bearer {person.token}"


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/people", "/v1/sessions", "/v1/people/0190b2c4-0000-7000-8000-000000000009"]
)
def test_expired_idle_revoked_unknown_and_malformed_bearers_are_answered_alike(
    world: World, team: Team, path: str
) -> None:
    bearers = [
        expired(world, team),
        idle(world, team),
        revoked(world, team),
        f"Bearer {new_token('ses_')}",
        f"Bearer {new_token('cli_')}",
        f"Bearer {new_token('trk_')}",
        "Bearer x",
        "Bearer",
        "Basic YTpi",
    ]
    answers = [world.anybody().request("GET", path, headers={"Authorization": bearer}) for bearer in bearers]
    refused(answers[0], 401, "unauthenticated")
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert [without_request_id(answer) for answer in answers[1:]] == [without_request_id(answers[0])] * (
        len(bearers) - 1
    )


def test_without_a_bearer_one_is_told_to_log_in(world: World) -> None:
    for path in ("/v1/me", "/v1/sessions"):
        refused(world.anybody().get(path), 401, "unauthenticated")
    refused(world.anybody().delete("/v1/sessions/current"), 401, "unauthenticated")


def test_what_everybody_may_read_is_read_with_a_token_and_without(world: World, team: Team) -> None:
    for caller in (world.anybody(), team.person("adviser"), team.tool()):
        assert ok(caller.get(f"/v1/teams/{team.id}"))["id"] == team.id
    refused(world.anybody(new_token("trk_")).get(f"/v1/teams/{team.id}"), 401, "unauthenticated")


def test_an_enquirer_may_put_their_token_out_of_use(world: World) -> None:
    enquirer = world.anybody(tracking_token(world))
    assert ok(enquirer.delete("/v1/sessions/current")) == {"ended": 1}
    refused(enquirer.get("/v1/me"), 401, "unauthenticated")


def test_an_enquirer_is_told_what_they_are_and_has_no_roles(world: World, team: Team) -> None:
    enquirer = world.anybody(tracking_token(world))
    me = ok(enquirer.get("/v1/me"))
    assert (me["kind"], me["roles"]) == ("enquirer", [])
    assert {(a["role"], a["team_id"]) for a in me["actions"]} == {("enquirer", None)}
    assert "enquiry.read" in {a["action"] for a in me["actions"]}
    assert len(ok(enquirer.get("/v1/sessions"))["items"]) == 1
    for path in ("/v1/people", "/v1/api-clients"):
        refused(enquirer.get(path), 403, "forbidden")


def tracking_token(world: World) -> str:
    """The token of a contact whose enquiry is known to the door."""
    token, enquiry, contact = new_token("trk_"), uuid.uuid4(), uuid.uuid4()
    world.sql("INSERT INTO access.enquiry_link (enquiry_id, contact_id) VALUES ($1, $2)", enquiry, contact)
    world.sql(
        "INSERT INTO access.session (token_hash, kind, principal_id, enquiry_id, expires_at)"
        " VALUES ($1, 'enquirer', $2, $3, now() + interval '1 day')",
        hash_token(token),
        contact,
        enquiry,
    )
    return token


# --- how often one may try ---


@pytest.fixture
def strict(world: World, test_settings: Settings) -> Iterator[World]:
    """A second server on the same database, where three tries a minute are enough and the local log-in is on."""
    settings = test_settings.model_copy(update={"login_tries_per_minute": 3})
    with serving(settings, world.addresses) as base_url:
        second = World(base_url, world.addresses, world.database)
        yield second
        second.close()


def test_a_login_may_be_tried_so_often_a_minute_right_or_wrong(world: World, team: Team, strict: World) -> None:
    login = with_password(world, team.person("adviser"))
    caller = strict.anybody()
    for _ in range(3):
        refused(log_in(caller, login, "a guess"), 401, "wrong-credentials")
    too_often = log_in(caller, login)
    refused(too_often, 429, "too-many-requests")
    # The minute slides: at the latest when it is over, and a third of the next has passed, one of three is free again.
    assert 0 < int(too_often.headers["Retry-After"]) <= 60 + 60 / 3
    ok(log_in(caller, with_password(world, team.person("adviser"))), 201)


def test_an_address_may_try_many_logins_but_not_any_number(strict: World) -> None:
    answers = [log_in(strict.anybody(), f"{secrets.token_hex(6)}@police.example", "a guess") for _ in range(16)]
    assert answers[-1].status_code == 429


def test_with_the_local_log_in_off_no_password_opens_or_is_set(
    world: World, team: Team, test_settings: Settings
) -> None:
    login = with_password(world, team.person("adviser"))
    administrator, person = team.person("administrator"), team.person("adviser")
    with serving(test_settings.model_copy(update={"local_login": False}), world.addresses) as base_url:
        second = World(base_url, world.addresses, world.database)
        refused(log_in(second.anybody(), login), 403, "local-login-off")
        setting = second.anybody(administrator.token).request(
            "PUT", f"/v1/people/{person.person_id}/password", json={"password": PASSWORD}
        )
        refused(setting, 403, "local-login-off")
        second.close()
