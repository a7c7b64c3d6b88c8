"""The processing log: every request once, every record beneath it, nothing in anybody else's name, nothing without it."""

import asyncpg
import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def events(world: World, response) -> list[asyncpg.Record]:
    return world.sql("SELECT * FROM audit.event WHERE request_id = $1::text::uuid", response.headers["X-Request-ID"])


def objects(world: World, response) -> list[asyncpg.Record]:
    return world.sql(
        "SELECT o.* FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id WHERE e.request_id = $1::text::uuid"
        " ORDER BY o.position",
        response.headers["X-Request-ID"],
    )


def test_a_read_is_one_event_with_the_record_beneath_it(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    response = adviser.request("GET", f"/v1/cases/{case['id']}", headers={"X-Purpose": "supervision"})
    (event,) = events(world, response)
    assert (event["action"], event["decision"], event["purpose"]) == ("case.read", "allow", "supervision")
    assert str(event["principal_id"]) == adviser.person_id
    assert event["roles"] == ["adviser"]
    (seen,) = objects(world, response)
    assert (seen["kind"], str(seen["object_id"]), seen["operation"]) == ("case_file", case["id"], "consultation")


def test_a_list_is_one_event_with_every_record_it_hands_out(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    cases = {open_case(adviser, team)["id"] for _ in range(3)}
    response = adviser.get("/v1/cases", limit=2)
    assert len(events(world, response)) == 1
    handed_out = {row["id"] for row in ok(response)["items"]}
    assert {str(row["object_id"]) for row in objects(world, response)} == handed_out < cases


def test_a_change_is_one_event_with_the_names_of_the_fields(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team, title="Nobody may read this in a log")
    response = supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=1)
    ok(response)
    assert len(events(world, response)) == 1
    changed = next(
        row for row in objects(world, response) if row["kind"] == "case_file" and row["operation"] == "alteration"
    )
    assert {"state", "adviser_id", "version"} <= set(changed["fields"])
    assert changed["facts"] == '{"from": "open", "state": "allocated"}'


def test_no_free_text_is_in_the_log(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Quentin Canary")
    marker = "canaryfreetext"
    case = allocated_case(team, adviser, title=marker, summary=marker)
    ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": marker}), 201)
    dump = world.sql("SELECT count(*) FROM audit.event e WHERE e::text ILIKE '%canary%'")[0][0]
    dump += world.sql("SELECT count(*) FROM audit.event_object o WHERE o::text ILIKE '%canary%'")[0][0]
    assert dump == 0


@pytest.mark.parametrize("what", ["foreign", "role"])
def test_a_refusal_is_logged_too(world: World, team: Team, other_team: Team, what: str) -> None:
    case = open_case(team.person("adviser"), team)
    if what == "foreign":
        response = other_team.person("adviser").get(f"/v1/cases/{case['id']}")
        refused(response, 404, "not-found")
    else:
        response = team.person("auditor").get(f"/v1/cases/{case['id']}")
        refused(response, 403, "forbidden")
        assert events(world, response)[0]["decision"] == "forbidden"
    assert len(events(world, response)) == 1
    # The case's own log tells who was refused; nothing was consulted.
    assert {row["operation"] for row in objects(world, response)} <= {"refusal"}


def test_a_refused_move_is_one_event(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    response = supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=99)
    refused(response, 412, "precondition-failed")
    (event,) = events(world, response)
    assert event["decision"] == "refused:precondition-failed"


def test_a_login_role_cannot_sign_for_somebody_else(world: World, team: Team) -> None:
    """Whatever it sets, an event that its own transaction did not begin is refused."""
    adviser = team.person("adviser")
    response = adviser.get(f"/v1/cases/{open_case(adviser, team)['id']}")
    other = events(world, response)[0]["id"]

    async def forge(connection: asyncpg.Connection) -> str:
        async with connection.transaction():
            await connection.execute("SELECT set_config('casework.event', $1, true)", str(other))
            await connection.execute(
                "SELECT audit.consulted($1, 'case_file', ARRAY[gen_random_uuid()], ARRAY[NULL::uuid])", other
            )
        return "forged"

    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.run_as("casework_api", forge)
    assert refusal.value.sqlstate == "CW001"


def test_a_change_outside_a_logged_request_is_refused(world: World, team: Team) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        world.sql("UPDATE casework.team SET name = name WHERE id = $1::text::uuid", team.id)
    assert refusal.value.sqlstate == "CW001"


def test_without_the_log_nothing_is_handed_out(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    world.sql("ALTER TABLE audit.event ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        read = adviser.get(f"/v1/cases/{case['id']}")
        listed = adviser.get("/v1/cases")
        written = adviser.post("/v1/cases", {"team_id": team.id, "title": "Unlogged"})
    finally:
        world.sql("ALTER TABLE audit.event DROP CONSTRAINT broken")
    for response in (read, listed, written):
        refused(response, 503, "unavailable")
        assert case["reference"] not in response.text
    assert [row["id"] for row in ok(adviser.get("/v1/cases"))["items"]] == [case["id"]]
