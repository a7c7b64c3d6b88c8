"""API clients and their tokens: secrets shown once, scopes that limit, OAuth as RFC 6749 has it."""

import base64
import uuid
from typing import Any

import httpx
import pytest

from casework.access.policy import grantable
from tests.support.callers import Caller, ok, refused
from tests.support.story import open_case
from tests.support.world import Team, World


def new_client(administrator: Caller, team: Team, *scopes: str) -> dict[str, Any]:
    made: dict[str, Any] = ok(
        administrator.post("/v1/api-clients", {"name": "Duty board", "team_id": team.id, "scopes": list(scopes)}), 201
    )
    return made


def ask(world: World, form: dict[str, str] | bytes, basic: tuple[str, str] | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if basic is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    content = {"content": form} if isinstance(form, bytes) else {"data": form}
    return world.anybody().request("POST", "/v1/oauth/token", headers=headers, **content)


def credentials(client: dict[str, Any], **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": client["id"],
        "client_secret": client["client_secret"],
        **more,
    }


def token_of(world: World, client: dict[str, Any], **more: str) -> Caller:
    caller = world.anybody(ok(ask(world, credentials(client, **more)), 200)["access_token"])
    caller.teams = {client["team_id"]}
    return caller


def test_a_tool_gets_a_token_by_its_secret_in_the_body_or_by_basic(world: World, team: Team) -> None:
    client = new_client(team.person("administrator"), team, "cases.read", "visits.read")
    by_body = ask(world, credentials(client))
    by_basic = ask(world, {"grant_type": "client_credentials"}, (client["id"], client["client_secret"]))
    for answer in (by_body, by_basic):
        token = ok(answer, 200)
        assert token["access_token"].startswith("cli_")
        assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 900, "cases.read visits.read")
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_tool_reaches_its_team_within_its_scopes(world: World, team: Team) -> None:
    case = open_case(team.person("adviser"), team)
    administrator = team.person("administrator")
    reader = token_of(world, new_client(administrator, team, "cases.read"))
    assert [row["id"] for row in ok(reader.get("/v1/cases"))["items"]] == [case["id"]]
    other = token_of(world, new_client(administrator, team, "visits.read"))
    refused(other.get("/v1/cases"), 403, "forbidden")
    for path in ("/v1/people", "/v1/api-clients"):
        refused(reader.get(path), 403, "forbidden")


def test_a_token_may_have_fewer_scopes_than_its_client_and_never_more(world: World, team: Team) -> None:
    client = new_client(team.person("administrator"), team, "cases.read", "visits.read")
    narrow = token_of(world, client, scope="visits.read")
    refused(narrow.get("/v1/cases"), 403, "forbidden")
    refused_with(ask(world, credentials(client, scope="cases.read enquiries.read")), 400, "invalid_scope")
    refused_with(ask(world, credentials(client, scope="everything")), 400, "invalid_scope")


def refused_with(answer: httpx.Response, status: int, error: str) -> None:
    document = refused(answer, status, "invalid-client" if error == "invalid_client" else "invalid-token-request")
    assert document["error"] == error


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "x", "client_secret": "y"}, "invalid_request"),
        ({"grant_type": "password", "client_id": "x", "client_secret": "y"}, "unsupported_grant_type"),
        (b"grant_type=client_credentials&client_id=x&client_id=x&client_secret=y", "invalid_request"),
        (b"grant_type=client_credentials&client_id=x&client_secret=y&scope=a%00b", "invalid_scope"),
        (b"grant_type=client_credentials&client_id=x%00&client_secret=y", "invalid_request"),
        (b"grant_type=client_credentials&client_id=x&client_secret=y&a%EF%BF%BE=b", "invalid_request"),
        (b"not a form", "invalid_request"),
        (b"", "invalid_request"),
        (b"grant_type=client_credentials&scope=%ff", "invalid_request"),
    ],
)
def test_a_token_request_that_is_not_right_is_told_in_the_rfcs_words(world: World, form: Any, error: str) -> None:
    refused_with(ask(world, form), 400, error)


def test_credentials_are_sent_in_one_way_only(world: World, team: Team) -> None:
    client = new_client(team.person("administrator"), team, "cases.read")
    both = ask(world, credentials(client), (client["id"], client["client_secret"]))
    refused_with(both, 400, "invalid_request")


def test_whatever_is_wrong_with_the_credentials_is_answered_alike_and_logged(world: World, team: Team) -> None:
    client = new_client(team.person("administrator"), team, "cases.read")
    wrong = [
        ask(world, {**credentials(client), "client_secret": "wrong"}),
        ask(world, {**credentials(client), "client_id": str(uuid.uuid4())}),
        ask(world, {**credentials(client), "client_id": "no uuid"}),
        ask(world, {"grant_type": "client_credentials"}),
        ask(world, {"grant_type": "client_credentials"}, (client["id"], "wrong")),
    ]
    for answer in wrong:
        refused_with(answer, 401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert len({answer.json()["detail"] for answer in wrong}) == 1
    event = world.sql("SELECT * FROM audit.event WHERE request_id = $1", wrong[0].json()["request_id"])[0]
    assert (event["decision"], str(event["principal_id"])) == ("unauthenticated", client["id"])
    event = world.sql("SELECT * FROM audit.event WHERE request_id = $1", wrong[1].json()["request_id"])[0]
    assert event["principal_id"] is None


def test_the_token_endpoint_takes_a_form_and_nothing_else(world: World) -> None:
    answer = world.anybody().request("POST", "/v1/oauth/token", content=b"<a/>", headers={"Content-Type": "text/xml"})
    refused(answer, 415, "unsupported-media-type")
    refused_with(
        world.anybody().request("POST", "/v1/oauth/token", json={"grant_type": "client_credentials"}),
        400,
        "invalid_request",
    )


def test_a_secret_is_shown_once_or_again_for_the_same_key_and_stored_nowhere(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    body = {"name": "Duty board", "team_id": team.id, "scopes": ["cases.read"]}
    first = administrator.post("/v1/api-clients", body, key="board")
    again = administrator.post("/v1/api-clients", body, key="board")
    made = ok(first, 201)
    assert ok(again, 201) == made
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Location"] == f"/v1/api-clients/{made['id']}"
    secret = made["client_secret"]
    assert len(secret) >= 43
    shown = ok(administrator.get(f"/v1/api-clients/{made['id']}"))
    assert "client_secret" not in shown
    token = ok(ask(world, credentials(made)), 200)["access_token"]
    for table in (
        "access.client_secret",
        "access.session",
        "work.idempotency_key",
        "casework.api_client",
        "audit.event",
    ):
        stored = str(world.sql(f"SELECT t::text FROM {table} t"))
        assert secret not in stored
        assert token not in stored


def test_no_version_of_a_kept_answer_has_held_a_secret(world: World, team: Team) -> None:
    # A row that is written twice leaves its first version on the disk until it is vacuumed.
    world.sql("CREATE TABLE work.versions (body text)")
    world.sql(
        "CREATE FUNCTION work.remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$"
        " BEGIN INSERT INTO work.versions VALUES (NEW.body); RETURN NEW; END $$"
    )
    world.sql(
        "CREATE TRIGGER remember BEFORE INSERT OR UPDATE ON work.idempotency_key"
        " FOR EACH ROW EXECUTE FUNCTION work.remember()"
    )
    try:
        administrator = team.person("administrator")
        made = new_client(administrator, team, "cases.read")
        renewed = ok(administrator.post(f"/v1/api-clients/{made['id']}/secret"))
        versions = [row["body"] for row in world.sql("SELECT body FROM work.versions WHERE body IS NOT NULL")]
        # each answer was kept, with its client's id and without its secret
        assert sum(made["id"] in version for version in versions) == 2
        for answer in (made, renewed):
            assert not any(answer["client_secret"] in version for version in versions)
    finally:
        world.sql("DROP TRIGGER remember ON work.idempotency_key")
        world.sql("DROP FUNCTION work.remember()")
        world.sql("DROP TABLE work.versions")


def test_a_renewed_secret_ends_the_former_and_its_tokens(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    client = new_client(administrator, team, "cases.read")
    running = token_of(world, client)
    renewed = ok(administrator.post(f"/v1/api-clients/{client['id']}/secret"), 200)
    assert renewed["client_secret"] != client["client_secret"]
    refused(running.get("/v1/me"), 401, "unauthenticated")
    refused_with(ask(world, credentials(client)), 401, "invalid_client")
    ok(token_of(world, renewed).get("/v1/me"))


def test_a_scope_taken_or_a_client_stopped_counts_at_once(world: World, team: Team) -> None:
    administrator = team.person("administrator")
    client = new_client(administrator, team, "cases.read", "visits.read")
    path, running = f"/v1/api-clients/{client['id']}", token_of(world, client)
    fewer = administrator.patch(path, {"scopes": ["visits.read"]}, match=client["version"])
    assert ok(fewer)["scopes"] == ["visits.read"]
    refused(running.get("/v1/me"), 401, "unauthenticated")
    running = token_of(world, client)
    ok(administrator.patch(path, {"active": False}, match=fewer))
    refused(running.get("/v1/me"), 401, "unauthenticated")
    refused_with(ask(world, credentials(client)), 401, "invalid_client")


def test_clients_are_listed_and_read_by_administrators_only(team: Team) -> None:
    administrator = team.person("administrator")
    client = new_client(administrator, team, "cases.read")
    listed = ok(administrator.get("/v1/api-clients", team_id=team.id))["items"]
    assert [row["id"] for row in listed] == [client["id"]]
    assert listed[0]["team"]
    for role in ("adviser", "supervisor", "information_manager", "auditor", "professional_lead"):
        person = team.person(role)
        refused(person.get("/v1/api-clients"), 403, "forbidden")
        refused(person.post("/v1/api-clients", {"name": "Mine", "team_id": team.id, "scopes": []}), 403, "forbidden")
        refused(person.post(f"/v1/api-clients/{client['id']}/secret"), 403, "forbidden")


def test_scopes_are_a_closed_set(team: Team) -> None:
    administrator = team.person("administrator")
    body = {"name": "Duty board", "team_id": team.id}
    ok(administrator.post("/v1/api-clients", {**body, "scopes": grantable()}), 201)
    for scopes in (["everything"], ["cases.read", "cases.read"]):
        refused(administrator.post("/v1/api-clients", {**body, "scopes": scopes}), 422, "validation-failed")
    refused(
        administrator.post("/v1/api-clients", {**body, "scopes": [], "team_id": str(uuid.uuid4())}),
        422,
        "validation-failed",
    )
