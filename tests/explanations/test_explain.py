"""Why somebody can or cannot see a record: the explanation says what a request would have shown."""

import uuid
from typing import Any

import pytest

from casework.kernel.references import new_reference
from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    finding,
    issued_advice,
    moment,
    open_case,
)
from tests.support.world import Team, World

ROLES = (
    "adviser",
    "reviewer",
    "coordinator",
    "supervisor",
    "information_manager",
    "auditor",
    "national_reader",
    "professional_lead",
    "administrator",
)


def explain(asker: Caller, person: str | None, record: str) -> Any:
    return asker.get("/v1/access/explanation", person=person, record=record)


def codes(explanation: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in explanation["reasons"]}


def restrict(team: Team, case: dict[str, Any]) -> None:
    version = ok(team.person("supervisor").get(f"/v1/cases/{case['id']}"))["version"]
    body = {"reason_code": "sensitive_site"}
    ok(team.person("supervisor").post(f"/v1/cases/{case['id']}/restriction", body, match=version))


def lend(world: World, team: Team, case: dict[str, Any], to: Team, *, ended: bool = False) -> None:
    body = {
        "to_team_id": to.id, "mode": "read", "purpose_code": "casework", "until": moment(days=1), "includes_restricted": True,
    }  # fmt: skip
    ok(team.person("supervisor").post(f"/v1/cases/{case['id']}/shares", body), 201)
    if ended:
        world.sql("UPDATE access.case_share SET until = now() - interval '1 minute' WHERE case_id = $1", case["id"])


@pytest.fixture
def principals(world: World, team: Team, other_team: Team) -> dict[str, Caller]:
    """Fourteen and more who stand in different ways to the records of a team."""
    several = other_team.person("coordinator")
    world.give_role(several.person_id or "", "adviser", team)
    off = team.person("adviser")
    world.logged_sql("UPDATE casework.person SET active = false WHERE id = $1", off.person_id)
    return {
        **{role: team.person(role) for role in ROLES},
        **{f"other {role}": other_team.person(role) for role in ("adviser", "supervisor", "coordinator")},
        "several": several,
        "nobody": team.person(),
        "inactive": off,
        "tool": team.tool("cases.read", "visits.read", "enquiries.read", "premises.read", "organisations.read"),
        "narrow tool": team.tool("enquiries.submit"),
    }


PATHS = {
    "case": "cases",
    "visit": "visits",
    "advice": "advice",
    "recommendation": "recommendations",
    "premises": "premises",
    "organisation": "organisations",
}


def seen(caller: Caller, kind: str, record: str) -> str:
    """What a request really shows."""
    response = caller.get(f"/v1/{PATHS[kind]}/{record}")
    if response.status_code == 200:
        return "readable"
    assert response.status_code in (401, 403, 404), response.text
    if kind != "case":
        return "no"
    listed = caller.get("/v1/case-headlines", limit=200)
    found = listed.status_code == 200 and record in {item["id"] for item in listed.json()["items"]}
    assert found or "You see that this case exists" not in response.text
    return "headline" if found else "no"


@pytest.mark.parametrize("relation", ["own team", "restricted", "shared", "shared, ended"])
def test_the_verdict_is_what_a_request_shows(
    world: World, team: Team, other_team: Team, principals: dict[str, Caller], relation: str
) -> None:
    adviser = principals["adviser"]
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    advice = drafted_advice(adviser, case)
    records = {"case": case["id"], "visit": visit["id"], "advice": advice["id"]}
    records["recommendation"] = advice["recommendations"][0]["id"]
    if relation == "restricted":
        restrict(team, case)
    if relation.startswith("shared"):
        lend(world, team, case, other_team, ended="ended" in relation)
    asker = other_team.person("auditor")
    differences = []
    for kind, record in records.items():
        for name, caller in principals.items():
            told = ok(explain(asker, caller.person_id, record))
            wanted = seen(caller, kind, record)
            opened = any(reason["opens"] for reason in told["reasons"])
            if told["verdict"] != wanted or opened != (wanted == "readable"):
                differences.append((kind, name, told["verdict"], wanted, [r["code"] for r in told["reasons"]]))
    assert differences == []


def test_premises_and_organisations_are_explained_too(team: Team, principals: dict[str, Caller]) -> None:
    coordinator = principals["coordinator"]
    organisation = ok(coordinator.post("/v1/organisations", {"team_id": team.id, "name": "Mill Ltd"}), 201)
    body = {"team_id": team.id, "name": "The Old Mill", "postcode": team.postcode, "sector": "retail"}
    premises = ok(coordinator.post("/v1/premises", body), 201)
    asker = team.person("auditor")
    for kind, record in (("organisation", organisation["id"]), ("premises", premises["id"])):
        for name, caller in principals.items():
            told = ok(explain(asker, caller.person_id, record))
            shown = seen(caller, kind, record) == "readable"
            # Of an organisation beyond one's team, a request shows the line of the directory.
            assert (told["verdict"] != "no") == shown, (kind, name, told)


def test_each_reason_is_told_with_its_role_and_its_end(world: World, team: Team, other_team: Team) -> None:
    supervisor, adviser = team.person("supervisor"), team.person("adviser")
    case = allocated_case(team, adviser, supervisor)
    restrict(team, case)
    told = ok(explain(supervisor, adviser.person_id, case["id"]))
    assert (told["verdict"], told["kind"], told["restricted"]) == ("readable", "case", True)
    assert codes(told) == {"allocated"}
    assert told["reasons"][0] | {"message": ""} == {
        "code": "allocated", "opens": True, "message": "", "role": "adviser", "team_id": team.id, "until": None,
    }  # fmt: skip
    colleague = team.person("adviser", "coordinator")
    told = ok(explain(supervisor, colleague.person_id, case["id"]))
    assert told["verdict"] == "headline"
    assert codes(told) == {"restricted", "headline"}
    lend(world, team, case, other_team)
    world.sql(
        "INSERT INTO access.case_grant (case_id, principal_id, kind, team_id, restricted, until)"
        " VALUES ($1, $2, 'break_glass', $3, true, now() - interval '1 minute')",
        case["id"],
        (guest := other_team.person("supervisor")).person_id,
        other_team.id,
    )
    told = ok(explain(team.person("auditor"), guest.person_id, case["id"]))
    assert {"shared", "emergency-access-ended"} <= codes(told)
    assert all(reason["until"] for reason in told["reasons"] if reason["code"] in ("shared", "emergency-access-ended"))


def test_an_ended_a_waiting_and_no_role_are_told(world: World, team: Team) -> None:
    supervisor = team.person("supervisor")
    case = open_case(team.person("adviser"), team)
    left = team.person("adviser")
    world.logged_sql("UPDATE access.membership SET ended_at = now() WHERE principal_id = $1", left.person_id)
    told = ok(explain(supervisor, left.person_id, case["id"]))
    assert (told["verdict"], codes(told)) == ("no", {"role-ended", "no-role"})
    waiting = team.person()
    world.logged_sql(
        "INSERT INTO access.membership (principal_id, role, team_id, pending) VALUES ($1, 'auditor', $2, true)",
        waiting.person_id,
        team.id,
    )
    assert codes(ok(explain(supervisor, waiting.person_id, case["id"]))) == {"role-awaits-approval"}


def test_it_never_tells_what_the_record_holds(team: Team) -> None:
    case = open_case(team.person("adviser"), team, title="Secret garden party")
    told = explain(team.person("supervisor"), team.person("adviser").person_id, case["id"])
    assert "garden" not in told.text
    assert case["reference"] not in told.text
    assert set(ok(told)) == {"person", "name", "record", "kind", "verdict", "restricted", "reasons"}


def test_a_supervisor_asks_about_own_records_and_people_only(team: Team, other_team: Team) -> None:
    supervisor, adviser, stranger = team.person("supervisor"), team.person("adviser"), other_team.person("adviser")
    ours, theirs = open_case(adviser, team), open_case(stranger, other_team)
    absent = explain(supervisor, adviser.person_id, str(uuid.uuid4()))
    for person, record in (
        (adviser.person_id, theirs["id"]),
        (stranger.person_id, ours["id"]),
        (str(uuid.uuid4()), ours["id"]),
    ):
        answer = explain(supervisor, person, record)
        refused(answer, 404, "not-found")
        differing = {"request_id"}
        assert {k: v for k, v in answer.json().items() if k not in differing} == {
            k: v for k, v in absent.json().items() if k not in differing
        }
    assert ok(explain(team.person("administrator"), stranger.person_id, ours["id"]))["verdict"] == "no"


def test_who_may_not_ask_is_refused(team: Team) -> None:
    case = open_case(team.person("adviser"), team)
    refused(explain(team.person("adviser"), str(uuid.uuid4()), case["id"]), 403, "forbidden")
    refused(team.person("supervisor").get("/v1/access/explanation", person="x", record="y"), 422, "validation-failed")


def test_asking_stands_in_the_log_of_the_case(world: World, team: Team) -> None:
    supervisor, adviser = team.person("supervisor"), team.person("adviser")
    case = open_case(adviser, team)
    ok(explain(supervisor, adviser.person_id, case["id"]))
    rows = world.sql(
        "SELECT o.case_id FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE e.action = 'access.explain' AND e.principal_id = $1 AND o.kind = 'access_explanation'"
        " AND o.operation = 'consultation'",
        supervisor.person_id,
    )
    assert [str(row["case_id"]) for row in rows] == [case["id"]]


def test_the_owner_may_look_records_up_only_while_an_explanation_is_asked_for(world: World, team: Team) -> None:
    """The definer function cannot be used to find out whether an id exists."""
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())

    async def look(connection: Any) -> Any:
        return await connection.fetchval(
            "SELECT body FROM access.explanation($1, $2, NULL)", adviser.person_id, visit["id"]
        )

    assert world.run_as("casework_api", look) is None
    found = world.sql("SELECT qual FROM pg_policies WHERE policyname = 'owner_locate' AND tablename = 'site_visit'")
    assert "access.explain" in found[0]["qual"]


def test_a_record_is_named_by_its_reference_as_it_was_typed(team: Team, other_team: Team) -> None:
    adviser, auditor = team.person("adviser"), other_team.person("auditor")
    case = allocated_case(team, adviser)
    advice = issued_advice(team, adviser, case)
    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Old Mill", "postcode": team.postcode}), 201)

    def told(**named: str) -> tuple[str, str, str]:
        found = ok(auditor.get("/v1/access/explanation", person=adviser.person_id, **named))
        return found["kind"], found["record"], found["verdict"]

    assert told(reference=case["reference"].lower().replace("-", " ")) == ("case", case["id"], "readable")
    assert told(reference=advice["reference"]) == ("advice", advice["id"], "readable")
    assert told(premises_id=place["id"]) == ("premises", place["id"], "readable")


def test_of_advice_the_newest_version_is_meant(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    issued = issued_advice(team, adviser, allocated_case(team, adviser))
    corrected = ok(
        adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "A floor was wrong."}), 201
    )
    found = ok(supervisor.get("/v1/access/explanation", person=adviser.person_id, reference=issued["reference"]))
    assert found["record"] == corrected["id"] != issued["id"]


def test_by_a_reference_nobody_learns_more_than_by_an_id(team: Team, other_team: Team) -> None:
    supervisor, adviser = team.person("supervisor"), team.person("adviser")
    theirs = open_case(other_team.person("adviser"), other_team)
    path, me = "/v1/access/explanation", adviser.person_id
    answers = [supervisor.get(path, person=me, reference=each) for each in (theirs["reference"], new_reference("CASE"))]
    for answer in answers:
        refused(answer, 404, "not-found")
    assert len({str({**answer.json(), "request_id": None}) for answer in answers}) == 1


def test_a_record_is_named_once_and_rightly(team: Team) -> None:
    supervisor, adviser = team.person("supervisor"), team.person("adviser")
    case = open_case(adviser, team)
    ways: list[dict[str, str]] = [
        {},
        {"record": case["id"], "reference": case["reference"]},
        {"record": case["id"], "premises_id": case["id"]},
        {"reference": case["reference"][:-1] + ("2" if case["reference"][-1] != "2" else "3")},
        {"reference": case["reference"][5:]},
        {"reference": "PRM-7K3M-Q9XT"},
        {"reference": ""},
    ]
    for named in ways:
        told = refused(
            supervisor.get("/v1/access/explanation", person=adviser.person_id, **named), 422, "validation-failed"
        )
        assert told["errors"][0]["parameter"] in ("record", "reference", "premises_id")
        assert case["reference"] not in str(told)
