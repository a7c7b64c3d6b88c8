"""Who sees which part of a visit, and how visits are listed."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, finding, moment, proposed_visit
from tests.support.world import Team, World


def restrict(world: World, case) -> None:
    world.logged_sql("UPDATE casework.case_file SET restricted = true WHERE id = $1", case["id"])


def ids(response) -> list[str]:
    return [row["id"] for row in ok(response)["items"]]


def test_who_may_read_findings_sees_them_in_the_visit(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser), finding())
    for reader in (adviser, team.person("adviser"), team.person("supervisor"), team.person("information_manager")):
        seen = ok(reader.get(f"/v1/visits/{visit['id']}"))
        assert [each["risk"] for each in seen["findings"]] == [{"likelihood": 2, "impact": 4, "score": 8}]


def test_for_others_the_findings_are_absent_not_empty(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    made, found_nothing = completed_visit(adviser, case, finding()), completed_visit(adviser, case)
    assert found_nothing["findings"] == []
    for reader in (team.person("coordinator"), team.tool("visits.read")):
        for visit in (made, found_nothing):
            seen = ok(reader.get(f"/v1/visits/{visit['id']}"))
            assert seen.keys() == visit.keys() - {"findings", "notes", "attendance", "time_reason", "supplements"}


def test_a_coordinator_moves_a_visit_without_seeing_findings(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    body = {"reason_code": "weather_or_travel"}
    ended = ok(team.person("coordinator").post(f"/v1/visits/{visit['id']}/cancellation", body, match=visit["version"]))
    assert "findings" not in ended


def test_a_tool_needs_the_scope(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    reading, other = team.tool("visits.read"), team.tool("cases.read")
    assert ids(reading.get("/v1/visits")) == [visit["id"]]
    assert ok(reading.get(f"/v1/visits/{visit['id']}"))["allowed_actions"] == []
    refused(other.get("/v1/visits"), 403, "forbidden")
    refused(other.get(f"/v1/visits/{visit['id']}"), 403, "forbidden")


def test_another_force_sees_no_visit(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    for stranger in (other_team.person("adviser"), other_team.tool("visits.read")):
        refused(stranger.get(f"/v1/visits/{visit['id']}"), 404, "not-found")
        assert ids(stranger.get("/v1/visits")) == []


def test_a_role_without_visits_is_told_so(team: Team) -> None:
    auditor = team.person("auditor")
    refused(auditor.get("/v1/visits"), 403, "forbidden")
    refused(auditor.get("/v1/visits/0190b2c4-0000-7000-8000-000000000001"), 403, "forbidden")


def test_a_restricted_case_hides_its_visits(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    restrict(world, case)
    for outsider in (team.person("adviser"), team.person("coordinator"), team.tool("visits.read")):
        refused(outsider.get(f"/v1/visits/{visit['id']}"), 404, "not-found")
        assert ids(outsider.get("/v1/visits")) == []
    for insider in (adviser, supervisor):
        assert len(ok(insider.get(f"/v1/visits/{visit['id']}"))["findings"]) == 1
        assert ids(insider.get("/v1/visits")) == [visit["id"]]


def test_visits_are_listed_and_filtered(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    first, second = allocated_case(team, adviser), allocated_case(team, colleague)
    early = proposed_visit(adviser, first, starts_at=moment(2), ends_at=moment(2, 1))
    late = proposed_visit(colleague, second, starts_at=moment(5), ends_at=moment(5, 1))
    made = completed_visit(adviser, first)
    reader = team.person("coordinator")
    assert ids(reader.get("/v1/visits")) == [made["id"], early["id"], late["id"]]
    assert ids(reader.get("/v1/visits", sort="-starts_at")) == [late["id"], early["id"], made["id"]]
    assert ids(reader.get("/v1/visits", case_id=second["id"])) == [late["id"]]
    assert ids(reader.get("/v1/visits", state="completed")) == [made["id"]]
    assert ids(reader.get("/v1/visits", adviser_id=colleague.person_id)) == [late["id"]]
    assert ids(adviser.get("/v1/visits", mine="true")) == [made["id"], early["id"]]
    assert ids(reader.get("/v1/visits", **{"from": moment(1), "to": moment(4)})) == [early["id"]]
    assert ids(reader.get("/v1/visits", premises_id=first["id"])) == []
    refused(reader.get("/v1/visits", **{"from": "2026-12-01T10:00:00"}), 422, "validation-failed")
    assert "findings" not in ok(adviser.get("/v1/visits"))["items"][0]


def test_a_list_of_visits_is_paged(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    made = [proposed_visit(adviser, case, starts_at=moment(n), ends_at=moment(n, 1))["id"] for n in range(1, 4)]
    page = ok(adviser.get("/v1/visits", limit=2))
    following = ok(adviser.get("/v1/visits", limit=2, cursor=page["next_cursor"]))
    assert [row["id"] for row in page["items"] + following["items"]] == made
    assert following["next_cursor"] is None


def test_reading_a_visit_is_logged(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    ok(adviser.get(f"/v1/visits/{visit['id']}"))
    logged = world.sql(
        "SELECT FROM audit.event_object WHERE object_id = $1 AND case_id = $2 AND kind = 'site_visit'"
        " AND operation = 'consultation'",
        visit["id"],
        case["id"],
    )
    assert len(logged) == 1
