"""Allocating, taking and handing over: who may be given a case, and by whom."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def test_re_allocating_leaves_the_case_where_it_stands(world: World, team: Team) -> None:
    first, second, coordinator = team.person("adviser"), team.person("adviser"), team.person("coordinator")
    case = allocated_case(team, first)
    world.logged_sql("UPDATE casework.case_file SET state = 'follow_up' WHERE id = $1", case["id"])
    path = f"/v1/cases/{case['id']}/allocation"
    given = ok(coordinator.post(path, {"adviser_id": second.person_id}, match=2))
    assert (given["state"], given["adviser_id"]) == ("follow_up", second.person_id)
    ok(second.post(f"/v1/cases/{case['id']}/notes", {"body": "Mine now."}), 201)
    refused(first.post(f"/v1/cases/{case['id']}/notes", {"body": "Mine?"}), 403, "forbidden")
    back = ok(coordinator.post(path, {"adviser_id": first.person_id}, match=3))
    assert back["adviser_id"] == first.person_id
    ok(first.post(f"/v1/cases/{case['id']}/notes", {"body": "Again."}), 201)


def test_only_an_adviser_of_the_team_is_given_a_case(team: Team, other_team: Team) -> None:
    supervisor = team.person("supervisor")
    case = open_case(supervisor, team)
    path = f"/v1/cases/{case['id']}/allocation"
    nobody = "0190b2c4-0000-7000-8000-000000000002"
    for person in (other_team.person("adviser").person_id, team.person("coordinator").person_id, nobody):
        problem = refused(supervisor.post(path, {"adviser_id": person}, match=1), 422, "validation-failed")
        assert problem["errors"][0]["pointer"] == "/adviser_id"


def test_the_adviser_holds_the_competence(team: Team) -> None:
    supervisor, pal, hss = (
        team.person("supervisor"),
        team.person("adviser"),
        team.person("adviser", competences=("hss",)),
    )
    case = open_case(supervisor, team, strand="hss")
    path = f"/v1/cases/{case['id']}/allocation"
    problem = refused(supervisor.post(path, {"adviser_id": pal.person_id}, match=1), 409, "competence-missing")
    assert problem["competence"] == "hss"
    assert problem["suitable"] == [{"person_id": hss.person_id, "name": hss.name}]
    ok(supervisor.post(path, {"adviser_id": hss.person_id}, match=1))


def test_a_closed_case_is_not_allocated(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    ok(supervisor.post(f"/v1/cases/{case['id']}/closure", {"reason_code": "opened_in_error"}, match=1))
    answer = supervisor.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": adviser.person_id}, match=2)
    assert refused(answer, 409, "state-conflict")["possible_from"] == [
        "open",
        "reopened",
        "allocated",
        "active",
        "follow_up",
    ]


def test_a_restricted_case_is_allocated_by_a_supervisor_only(team: Team) -> None:
    supervisor, both = team.person("supervisor"), team.person("adviser", "coordinator")
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    case = allocated_case(team, adviser, supervisor)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/collaborators", {"person_id": both.person_id}, match=2))
    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=3))
    body = {"adviser_id": both.person_id}
    refused(coordinator.post(f"{path}/allocation", body, match=4), 403, "forbidden")
    # Who works along on it reads it as an adviser; being a coordinator as well reaches no further.
    assert "case.allocate" not in ok(both.get(path))["allowed_actions"]
    refused(both.post(f"{path}/allocation", body, match=4), 403, "forbidden")
    ok(supervisor.post(f"{path}/allocation", body, match=4))


def test_the_next_case_is_the_one_that_is_due_first(team: Team) -> None:
    adviser = team.person("adviser")
    open_case(adviser, team, title="Never due", due_on=None)
    open_case(adviser, team, title="Not mine to do", due_on="2026-01-01", strand="hss")
    open_case(adviser, team, title="Later", due_on="2026-03-01")
    first = open_case(adviser, team, title="First", due_on="2026-02-01")
    taken = ok(adviser.post("/v1/cases/taking"))
    assert (taken["id"], taken["state"], taken["adviser_id"]) == (first["id"], "allocated", adviser.person_id)
    assert "case.close" in taken["allowed_actions"]
    assert [ok(adviser.post("/v1/cases/taking"))["title"] for _ in range(2)] == ["Later", "Never due"]
    assert refused(adviser.post("/v1/cases/taking"), 409, "nothing-to-take")["competences"] == ["pal"]
    for role in ("coordinator", "supervisor"):
        refused(team.person(role).post("/v1/cases/taking"), 403, "forbidden")


def test_a_supervisor_who_is_also_an_adviser_takes_as_adviser(team: Team) -> None:
    both = team.person("supervisor", "adviser")
    case = open_case(both, team)
    taken = ok(both.post("/v1/cases/taking"))
    assert (taken["id"], taken["adviser_id"]) == (case["id"], both.person_id)


def test_the_same_key_takes_one_case(team: Team) -> None:
    adviser = team.person("adviser")
    open_case(adviser, team)
    open_case(adviser, team)
    assert ok(adviser.post("/v1/cases/taking", key="one")) == ok(adviser.post("/v1/cases/taking", key="one"))
    assert len(ok(adviser.get("/v1/cases", mine=True))["items"]) == 1


def test_restricted_cases_and_other_teams_are_not_taken(team: Team, other_team: Team) -> None:
    supervisor = team.person("supervisor")
    case = open_case(supervisor, team)
    ok(supervisor.post(f"/v1/cases/{case['id']}/restriction", {"reason_code": "live_operation"}, match=1))
    refused(team.person("adviser").post("/v1/cases/taking"), 409, "nothing-to-take")
    refused(other_team.person("adviser").post("/v1/cases/taking"), 409, "nothing-to-take")


def test_two_who_take_at_once_get_different_cases(team: Team) -> None:
    advisers = [team.person("adviser") for _ in range(6)]
    opened = {open_case(advisers[0], team)["id"] for _ in range(4)}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda adviser: adviser.post("/v1/cases/taking"), advisers))
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    assert len(taken) == len(set(taken)) == 4
    assert set(taken) == opened
    assert [answer.status_code for answer in answers].count(409) == 2


def test_an_adviser_hands_a_case_over_with_a_reason(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    body = {"adviser_id": colleague.person_id, "reason_code": "other", "note": "On leave."}
    refused(colleague.post(f"{path}/hand-over", body, match=2), 403, "forbidden")
    refused(
        adviser.post(f"{path}/hand-over", body | {"adviser_id": adviser.person_id}, match=2), 409, "already-involved"
    )
    handed = ok(adviser.post(f"{path}/hand-over", body, match=2))
    assert (handed["adviser"], handed["state"]) == (colleague.name, "allocated")
    assert "case.hand_over" not in handed["allowed_actions"]
    assert handed == ok(adviser.get(path))
    line = ok(colleague.get(f"{path}/timeline"))["items"][0]
    assert (line["action"], line["person"], line["subject"]) == ("case.hand_over", adviser.name, colleague.name)
    assert (line["reason_code"], line["reason"]) == ("other", "On leave.")


def test_a_case_that_waits_is_not_handed_over(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = open_case(adviser, team)
    body = {"adviser_id": adviser.person_id, "reason_code": "other", "note": "x"}
    answer = supervisor.post(f"/v1/cases/{case['id']}/hand-over", body, match=1)
    assert refused(answer, 409, "state-conflict")["possible_from"] == ["allocated", "active", "follow_up"]


def test_who_hands_a_restricted_case_over_sees_its_headline_only(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/restriction", {"reason_code": "live_operation"}, match=2))
    body = {"adviser_id": colleague.person_id, "reason_code": "other", "note": "On leave."}
    handed = ok(adviser.post(f"{path}/hand-over", body, match=3))
    assert (handed["adviser_id"], handed["allowed_actions"]) == (colleague.person_id, [])
    refused(adviser.get(path), 403, "forbidden")
    assert "case.hand_over" in ok(colleague.get(path))["allowed_actions"]


@pytest.mark.parametrize("role", ["adviser", "reviewer", "information_manager", "national_reader"])
def test_others_allocate_nothing(team: Team, role: str) -> None:
    case = open_case(team.person("adviser"), team)
    caller = team.person(role)
    answer = caller.post(f"/v1/cases/{case['id']}/allocation", {"adviser_id": case["id"]}, match=1)
    refused(answer, 403, "forbidden")
