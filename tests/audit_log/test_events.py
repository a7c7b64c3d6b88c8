"""Reading the processing log: who may, what is found, and that this is logged too."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World

PATH = "/v1/audit-events"


def actions(reader: Caller, **filters: str) -> list[str]:
    return [entry["action"] for entry in ok(reader.get(PATH, **filters))["items"]]


def test_an_information_manager_reads_what_the_teams_people_did(team: Team) -> None:
    adviser, manager = team.person("adviser"), team.person("information_manager")
    case = allocated_case(team, adviser)
    ok(adviser.request("GET", f"/v1/cases/{case['id']}", headers={"X-Purpose": "casework"}))
    entry = ok(manager.get(PATH))["items"][0]
    assert (entry["action"], entry["name"], entry["purpose"], entry["decision"]) == (
        "case.read", adviser.name, "casework", "allow",
    )  # fmt: skip
    assert [(each["kind"], each["id"]) for each in entry["objects"]] == [("case_file", case["id"])]
    assert entry["acting_for_id"] is None


def test_and_what_others_did_with_the_teams_cases(world: World, team: Team, other_team: Team) -> None:
    ours, theirs = (allocated_case(t, t.person("adviser")) for t in (team, other_team))
    both = other_team.person("supervisor")
    world.give_role(both.person_id or "", "adviser", team)
    ok(both.get(f"/v1/cases/{ours['id']}"))
    ok(both.get(f"/v1/cases/{theirs['id']}"))
    ok(both.get("/v1/cases"))
    manager = team.person("information_manager")
    world.sql(
        "UPDATE access.membership SET ended_at = now() WHERE principal_id = $1 AND team_id = $2",
        both.person_id,
        team.id,
    )
    entries = ok(manager.get(PATH, person_id=both.person_id or "", action="case.read"))["items"]
    assert [[each["id"] for each in entry["objects"]] for entry in entries] == [[ours["id"]], [ours["id"]]]


def test_what_others_did_elsewhere_is_not_theirs(team: Team, other_team: Team) -> None:
    stranger = other_team.person("adviser")
    case = allocated_case(other_team, stranger)
    ok(stranger.get(f"/v1/cases/{case['id']}"))
    manager = team.person("information_manager")
    whole = ok(other_team.person("auditor").get(PATH, person_id=stranger.person_id or ""))["items"]
    assert whole
    assert ok(manager.get(PATH, person_id=stranger.person_id or ""))["items"] == []
    assert ok(manager.get(PATH, record_id=case["id"]))["items"] == []
    assert stranger.person_id not in manager.get(PATH).text
    refused(manager.get(f"{PATH}/{whole[0]['event']}"), 404, "not-found")
    assert ok(other_team.person("information_manager").get(f"{PATH}/{whole[0]['event']}")) == whole[0]


def test_an_auditor_reads_everything(team: Team, other_team: Team) -> None:
    adviser = other_team.person("adviser")
    case = allocated_case(other_team, adviser)
    auditor = team.person("auditor")
    assert actions(auditor, record_id=case["id"]) == ["case.allocate", "case.open"]
    assert actions(auditor, person_id=adviser.person_id or "")[0] == "case.open"


def test_filters_go_together(team: Team, other_team: Team) -> None:
    adviser, manager = team.person("adviser"), team.person("information_manager")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.request("GET", path, headers={"X-Purpose": "complaint"}))
    refused(other_team.person("adviser").get(path), 404, "not-found")
    me = adviser.person_id or ""
    assert actions(manager, person_id=me, action="case.open") == ["case.open"]
    assert actions(manager, purpose="complaint") == ["case.read"]
    assert actions(manager, record_id=case["id"], decision="refused") == ["case.read"]
    assert actions(manager, record_id=case["id"], decision="allowed")[-3:] == [
        "case.read",
        "case.allocate",
        "case.open",
    ]
    assert actions(manager, record_id=case["id"], person_id=me) == ["case.read", "case.open"]
    past = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert actions(manager, to=past) == []
    assert "case.open" in actions(manager, **{"from": past})
    auditor = team.person("auditor")
    assert "case.read" in actions(auditor, decision="refused", **{"from": past})
    assert len(actions(auditor, limit="3", action="case.open")) <= 3


def test_a_tool_acts_for_somebody_and_the_log_names_both(team: Team) -> None:
    adviser, manager = team.person("adviser"), team.person("information_manager")
    tool = team.tool("cases.read")
    ok(tool.request("GET", "/v1/cases", headers={"X-Acting-For": adviser.person_id or ""}))
    entries = ok(manager.get(PATH, person_id=adviser.person_id or ""))["items"]
    assert (entries[0]["acting_for_id"], entries[0]["acting_for_name"]) == (adviser.person_id, adviser.name)
    assert entries[0]["person_id"] == tool.person_id


def test_pages_follow_one_another(team: Team) -> None:
    adviser, manager = team.person("adviser"), team.person("information_manager")
    case = allocated_case(team, adviser)
    for _ in range(4):
        ok(adviser.get(f"/v1/cases/{case['id']}"))
    found: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(manager.get(PATH, limit=2, person_id=adviser.person_id, **cursor))
        found += [entry["event"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(found) >= 5
    assert found == sorted(set(found), reverse=True)
    other = team.person("information_manager")
    refused(other.get(PATH, limit=2, person_id=adviser.person_id, **cursor), 400, "invalid-cursor")


def test_without_a_person_or_record_a_month_is_the_most(team: Team) -> None:
    manager = team.person("information_manager")
    told = refused(manager.get(PATH, **{"from": "2026-01-01T00:00:00Z"}), 422, "validation-failed")
    assert told["errors"][0]["code"] == "window"
    ok(manager.get(PATH, person_id=manager.person_id, **{"from": "2026-01-01T00:00:00Z"}))


def test_reading_the_log_is_in_the_log(team: Team) -> None:
    adviser, manager = team.person("adviser"), team.person("information_manager")
    case = allocated_case(team, adviser)
    ok(manager.get(PATH, record_id=case["id"]))
    (entry,) = ok(manager.get(PATH, action="audit.read"))["items"]
    (beneath,) = entry["objects"]
    assert (beneath["kind"], beneath["id"], beneath["operation"]) == ("processing_log", case["id"], "consultation")
    shown = ok(team.person("supervisor").get(f"/v1/cases/{case['id']}/access-log"))["items"][0]
    assert (shown["action"], shown["name"]) == ("audit.read", manager.name)


@pytest.mark.parametrize(
    "role", ["adviser", "coordinator", "reviewer", "supervisor", "national_reader", "administrator"]
)
def test_nobody_else_reads_it(team: Team, role: str) -> None:
    reader = team.person(role)
    for path in (PATH, f"{PATH}/1", "/v1/audit/checkpoint", "/v1/audit/heads"):
        refused(reader.get(path), 403, "forbidden")


def test_an_entry_that_is_not_there_is_not_found(team: Team) -> None:
    refused(team.person("auditor").get(f"{PATH}/1"), 404, "not-found")
    refused(team.person("auditor").get(f"{PATH}/nine"), 404, "not-found")


ASKED = {
    "case": "SELECT DISTINCT o.event_id FROM audit.event_object o WHERE o.case_id = $1 AND o.event_id < $2 ORDER BY o.event_id DESC LIMIT 50",
    "record": "SELECT o.event_id FROM audit.event_object o WHERE o.object_id = $1 AND o.event_id < $2",
    "person": "SELECT e.id FROM audit.event e WHERE e.principal_id = $1 AND e.id < $2 ORDER BY e.id DESC LIMIT 50",
    "refused": "SELECT e.id FROM audit.event e WHERE e.decision <> 'allow' AND e.id < $2 ORDER BY e.id DESC LIMIT 50",
    "beneath": "SELECT o.* FROM audit.event_object o WHERE o.event_id = $2 ORDER BY o.position",
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_log_is_read_by_its_indexes_month_after_month(world: World, asked: str) -> None:
    """As the login role plans: no partition is scanned, and none is sorted; the newest month is looked at first."""

    async def go(connection: asyncpg.Connection) -> str:
        async with connection.transaction():
            for setting in await connection.fetchval(
                "SELECT setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
                " WHERE r.rolname = 'casework_api'"
            ):
                name, _, value = setting.partition("=")
                await connection.execute("SELECT set_config($1, $2, true)", name, value)
            text = ASKED[asked].replace("$1", "'00000000-0000-7000-8000-000000000000'::uuid")
            return "\n".join(
                row[0]
                for row in await connection.fetch(
                    "EXPLAIN " + text.replace("$2", str(await connection.fetchval("SELECT audit.first_id(now())")))
                )
            )

    plan = world.run_as("casework_migrate", go)
    assert "Seq Scan" not in plan, plan
    assert "Index" in plan
    if asked in ("case", "person", "refused"):
        assert "Sort" not in plan, plan
