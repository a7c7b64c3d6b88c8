"""Closing a case, and reopening it."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World

DONE = {"reason_code": "advice_completed"}


def test_its_adviser_closes_a_case(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    closed = ok(adviser.post(f"/v1/cases/{case['id']}/closure", DONE | {"next_review_on": "2031-01-02"}, match=2))
    assert (closed["state"], closed["reason_code"], closed["version"]) == ("closed", "advice_completed", 3)
    assert closed["next_review_on"] == "2031-01-02"
    assert closed["closed_at"]
    again = adviser.post(f"/v1/cases/{case['id']}/closure", DONE, match=3)
    assert "active" in refused(again, 409, "state-conflict")["possible_from"]


def test_closing_needs_a_reason_of_the_vocabulary(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/closure"
    problem = refused(adviser.post(path, {"reason_code": "because"}, match=2), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/reason_code"
    assert "advice_completed" in problem["errors"][0]["allowed"]
    problem = refused(adviser.post(path, {"reason_code": "other"}, match=2), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/note"
    ok(adviser.post(path, {"reason_code": "other", "note": "The fair moved away."}, match=2))


def test_a_reason_for_an_open_recommendation_is_of_the_vocabulary(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    left = {"recommendation_id": case["id"], "reason_code": "because"}
    body = DONE | {"open_recommendations": [left]}
    problem = refused(adviser.post(f"/v1/cases/{case['id']}/closure", body, match=2), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/open_recommendations/0/reason_code"


def test_of_twenty_who_close_at_once_one_does(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}/closure"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: adviser.post(path, DONE, match=2).status_code, range(20)))
    assert sorted(answers) == [200] + [412] * 19
    told = world.sql("SELECT action FROM casework.case_event WHERE case_id = $1 AND action = 'case.close'", case["id"])
    assert len(told) == 1


def test_a_case_comes_back_with_its_adviser_and_a_new_deadline(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser, due_on="2020-01-31")
    path = f"/v1/cases/{case['id']}"
    refused(adviser.post(f"{path}/reopening", match=2), 409, "state-conflict")
    ok(adviser.post(f"{path}/closure", DONE, match=2))
    refused(team.person("adviser").post(f"{path}/reopening", match=3), 403, "forbidden")
    back = ok(adviser.post(f"{path}/reopening", {"note": "They called again."}, match=3))
    assert (back["state"], back["adviser_id"], back["closed_at"]) == ("reopened", adviser.person_id, None)
    assert "case.take" not in back["allowed_actions"]  # it has an adviser
    assert back["due_on"] > case["due_on"]
    assert back["reason_code"] is None


def test_a_supervisor_closes_a_case_that_nobody_has(team: Team) -> None:
    case = open_case(team.person("adviser"), team)
    supervisor = team.person("supervisor")
    ok(supervisor.post(f"/v1/cases/{case['id']}/closure", {"reason_code": "opened_in_error"}, match=1))
    assert ok(supervisor.get("/v1/cases", open=True))["items"] == []
    assert [row["id"] for row in ok(supervisor.get("/v1/cases", open=False))["items"]] == [case["id"]]
