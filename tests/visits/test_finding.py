"""Recording and reading what was found."""

import uuid

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, finding, moment, proposed_visit
from tests.support.world import Team, World


def recorded(caller, visit, **facts):
    return caller.post(f"/v1/visits/{visit['id']}/findings", finding(**facts))


def area_of(world: World, team: Team, premises_id: str) -> str:
    rows = world.logged_sql(
        "INSERT INTO casework.premises_area (premises_id, team_id, name) VALUES ($1, $2, 'Foyer') RETURNING id",
        premises_id,
        team.id,
    )
    return str(rows[0]["id"])


def premises_of(world: World, team: Team) -> str:
    rows = world.logged_sql("INSERT INTO casework.premises (team_id, name) VALUES ($1, 'Hall') RETURNING id", team.id)
    return str(rows[0]["id"])


def test_a_finding_has_a_risk_and_never_a_bare_score(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    made = ok(recorded(adviser, visit, existing_control="Posts"), 201)
    assert made["risk"] == {"likelihood": 2, "impact": 4, "score": 8}
    assert made.keys().isdisjoint({"score", "likelihood", "impact"})
    assert (made["recorder"], made["existing_control"], made["frozen"]) == ("Ann Adviser", "Posts", False)
    level = world.sql(
        "SELECT l.level FROM casework.threat_level l JOIN casework.site_visit v ON v.id = $1::text::uuid"
        " WHERE l.id = casework.level_holding('national', v.arrived_at)",
        visit["id"],
    )
    assert made["threat_level"] == level[0]["level"]
    assert made["allowed_actions"] == ["finding.record"]
    assert ok(adviser.get(f"/v1/findings/{made['id']}")) == made
    assert [each["id"] for each in ok(adviser.get(f"/v1/visits/{visit['id']}"))["findings"]] == [made["id"]]


@pytest.mark.parametrize("field", ["likelihood", "impact"])
@pytest.mark.parametrize("level", [0, 5, True, "2", 2.5, None])
def test_levels_run_from_one_to_four(team: Team, field: str, level: object) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    document = refused(recorded(adviser, visit, **{field: level}), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == f"/{field}"


def test_a_methodology_is_a_word_of_the_look_up(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case)
    document = refused(recorded(adviser, visit, methodology="laser"), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "/methodology"
    assert "vaw" in document["errors"][0]["allowed"]
    coming = proposed_visit(adviser, case)
    body = {
        "arrived_at": moment(hours=-2),
        "left_at": moment(hours=-1),
        "time_reason": "They asked us to come earlier.",
        "findings": [finding(), finding(methodology="laser")],
    }
    document = refused(
        adviser.post(f"/v1/visits/{coming['id']}/completion", body, match=coming["version"]), 422, "validation-failed"
    )
    assert document["errors"][0]["pointer"] == "/findings/1/methodology"
    unchanged = ok(adviser.get(f"/v1/visits/{coming['id']}"))
    assert (unchanged["state"], unchanged["findings"]) == ("proposed", [])


def test_an_area_lies_in_the_premises_visited(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    here, elsewhere = premises_of(world, team), premises_of(world, team)
    visit = completed_visit(adviser, allocated_case(team, adviser), premises_id=here)
    document = refused(recorded(adviser, visit, area_id=area_of(world, team, elsewhere)), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "/area_id"
    area = area_of(world, team, here)
    assert ok(recorded(adviser, visit, area_id=area), 201)["area_id"] == area


def test_findings_belong_to_a_visit_that_was_made(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    assert refused(recorded(adviser, visit), 409, "state-conflict")["possible_from"] == ["completed"]


@pytest.mark.parametrize("role", ["supervisor", "coordinator", "adviser"])
def test_only_who_is_on_the_case_records(team: Team, role: str) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser), finding())
    somebody = team.person(role)
    refused(recorded(somebody, visit), 403, "forbidden")
    response = somebody.patch(f"/v1/findings/{visit['findings'][0]['id']}", {"gap": "None"}, match=1)
    refused(response, 403, "forbidden")


def test_a_repeat_is_recognised_and_another_finding_refused(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit, other = completed_visit(adviser, case), completed_visit(adviser, case)
    chosen = str(uuid.uuid4())
    first = ok(recorded(adviser, visit, id=chosen), 201)
    assert ok(recorded(adviser, visit, id=chosen), 201) == first
    refused(recorded(adviser, visit, id=chosen, likelihood=3), 409, "already-exists")
    refused(recorded(adviser, other, id=chosen), 409, "already-exists")
    told = world.sql("SELECT FROM casework.case_event WHERE subject_id = $1", chosen)
    assert len(told) == 1


def test_a_finding_is_amended(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser), finding(existing_control="Posts"))
    found = visit["findings"][0]
    path = f"/v1/findings/{found['id']}"
    changed = ok(adviser.patch(path, {"likelihood": 4, "existing_control": None}, match=found["version"]))
    assert (changed["risk"]["score"], changed["existing_control"], changed["gap"]) == (16, None, found["gap"])
    same = adviser.patch(path, {}, match=changed["version"])
    assert ok(same) == changed
    refused(adviser.patch(path, {"gap": "Other"}, match=found["version"]), 412, "precondition-failed")
    refused(adviser.patch(path, {"gap": None}, match=changed["version"]), 422, "validation-failed")
    refused(adviser.patch(path, {"methodology": "laser"}, match=changed["version"]), 422, "validation-failed")


def test_a_finding_that_issued_advice_cites_never_changes(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    found = completed_visit(adviser, allocated_case(team, adviser), finding())["findings"][0]
    world.logged_sql("UPDATE casework.finding SET frozen = true WHERE id = $1", found["id"])
    path = f"/v1/findings/{found['id']}"
    refused(adviser.patch(path, {"gap": "Closed since."}, match=found["version"]), 409, "conflict")
    seen = ok(adviser.get(path))
    assert (seen["gap"], seen["frozen"], seen["allowed_actions"]) == (found["gap"], True, [])


def test_findings_are_read_by_those_who_may(world: World, team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    found = completed_visit(adviser, case, finding())["findings"][0]
    path = f"/v1/findings/{found['id']}"
    ok(team.person("supervisor").get(path))
    ok(team.person("adviser").get(path))
    for nobody in (team.person("coordinator"), team.tool("visits.read")):
        refused(nobody.get(path), 403, "forbidden")
        refused(nobody.get("/v1/findings"), 403, "forbidden")
    refused(other_team.person("adviser").get(path), 404, "not-found")
    world.logged_sql("UPDATE casework.case_file SET restricted = true WHERE id = $1", case["id"])
    refused(team.person("adviser").get(path), 404, "not-found")
    ok(adviser.get(path))


def test_findings_are_listed_and_filtered(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(
        adviser, case, finding(), finding(methodology="faw", phase="closed", likelihood=1, impact=1)
    )
    high, low = (each["id"] for each in sorted(visit["findings"], key=lambda each: -each["risk"]["score"]))
    reader = team.person("supervisor")

    def listed(**filters) -> set[str]:
        return {row["id"] for row in ok(reader.get("/v1/findings", **filters))["items"]}

    assert listed() == listed(case_id=case["id"]) == listed(visit_id=visit["id"]) == {high, low}
    assert listed(min_risk=8) == {high}
    assert listed(methodology="faw") == listed(phase="closed") == {low}
    assert listed(area_id=visit["id"]) == set()
