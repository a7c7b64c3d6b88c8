"""A case closes with a reason for every recommendation that stays open."""

from typing import Any

import httpx

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, approved_advice, decided, drafted_advice, issued_advice, recommendation
from tests.support.world import Team, World

WAITING = "awaiting_funding"


def closing(caller: Caller, case: dict[str, Any], **reasons: str) -> httpx.Response:
    """Close with a reason code for each of these recommendations, by id."""
    version = ok(caller.get(f"/v1/cases/{case['id']}"))["version"]
    stated = [{"recommendation_id": id_, "reason_code": code} for id_, code in reasons.items()]
    body = {"reason_code": "advice_completed", "open_recommendations": stated}
    return caller.post(f"/v1/cases/{case['id']}/closure", body, match=version)


def test_each_open_recommendation_needs_a_reason(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = issued_advice(team, adviser, case, *(recommendation(action=word) for word in ("One", "Two", "Three")))
    one, two, three = (each["id"] for each in advice["recommendations"])
    ok(
        adviser.post(
            f"/v1/recommendations/{three}/verifications",
            {"state": "not_applicable", "reason": "The door was bricked up."},
        ),
        201,
    )
    ok(adviser.post(f"/v1/recommendations/{two}/responses", {"answer": "declined", "reason_code": "cost"}), 201)
    told = refused(closing(adviser, case), 409, "recommendations-open")
    assert [(each["id"], each["action"]) for each in told["recommendations"]] == [(one, "One"), (two, "Two")]
    told = refused(closing(adviser, case, **{one: WAITING}), 409, "recommendations-open")
    assert [each["id"] for each in told["recommendations"]] == [two]
    refused(closing(adviser, case, **{one: "nonsense", two: "declined_by_business"}), 422, "validation-failed")
    settled = closing(adviser, case, **{one: WAITING, two: "declined_by_business", three: WAITING})
    assert (
        refused(settled, 422, "validation-failed")["errors"][0]["pointer"]
        == "/open_recommendations/2/recommendation_id"
    )
    assert world.sql("SELECT FROM casework.open_reason WHERE case_id = $1", case["id"]) == []
    assert ok(closing(adviser, case, **{one: WAITING, two: "declined_by_business"}))["state"] == "closed"
    assert ok(adviser.get(f"/v1/recommendations/{one}"))["open_reasons"][0]["reason_code"] == WAITING


def test_a_case_whose_recommendations_are_verified_closes(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    advice = issued_advice(team, adviser, case, recommendation(priority="critical"))
    known = advice["recommendations"][0]["id"]
    ok(
        adviser.post(
            f"/v1/recommendations/{known}/verifications",
            {"state": "verified", "evidence": "Seen in place on the evening walk."},
        ),
        201,
    )
    assert ok(closing(adviser, case))["state"] == "closed"
    correction = {"correction_reason": "Too late."}
    refused(adviser.post(f"/v1/advice/{advice['id']}/versions", correction), 409, "case-not-running")


def test_only_a_supervisor_closes_over_a_critical_recommendation(team: Team, other_team: Team, world: World) -> None:
    adviser = team.person("adviser")
    world.give_role(str(adviser.person_id), "supervisor", other_team)
    case = allocated_case(team, adviser)
    known = issued_advice(team, adviser, case, recommendation(priority="critical"))["recommendations"][0]["id"]
    told = refused(closing(adviser, case, **{known: WAITING}), 403, "critical-open")
    assert [each["id"] for each in told["recommendations"]] == [known]
    supervisor = team.person("supervisor")
    refused(closing(supervisor, case), 409, "recommendations-open")
    assert ok(closing(supervisor, case, **{known: WAITING}))["state"] == "closed"


def test_advice_in_the_making_keeps_a_case_open(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case)
    told = refused(closing(adviser, case), 409, "advice-unfinished")
    assert told["advice"] == [{"id": draft["id"], "state": "draft", "title": draft["title"]}]
    path = f"/v1/advice/{draft['id']}"
    submitted = ok(adviser.post(f"{path}/submission", match=draft["version"]))
    refused(closing(adviser, case), 409, "advice-unfinished")
    # What was returned and never taken up again does not keep a case open for ever.
    body = decided("returned", submitted, "The business has closed down.")
    ok(supervisor.post(f"{path}/review", body, match=submitted["version"]))
    assert ok(closing(adviser, case))["state"] == "closed"
    returned = ok(adviser.get(path))
    refused(adviser.patch(path, {"title": "More"}, match=returned["version"]), 409, "case-not-running")
    refused(adviser.post(f"{path}/submission", match=returned["version"]), 409, "case-not-running")
    known = returned["recommendations"][0]
    late = adviser.patch(f"/v1/recommendations/{known['id']}", {"priority": "low"}, match=known["version"])
    refused(late, 409, "case-not-running")


def test_approved_advice_is_issued_before_the_case_closes(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    approved_advice(team, adviser, case)
    refused(closing(adviser, case), 409, "advice-unfinished")
