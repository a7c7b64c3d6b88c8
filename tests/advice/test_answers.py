"""The two tracks of a recommendation: what the business answers, and what an adviser verifies."""

import uuid
from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    approved_advice,
    completed_visit,
    drafted_advice,
    enquirer_of,
    issued_advice,
    issuing,
    moment,
    proposed_visit,
    recommendation,
    visit_just_made,
)
from tests.support.trial import Trial
from tests.support.world import Team, World


@pytest.fixture
def adviser(team: Team) -> Caller:
    return team.person("adviser", name="Ada")


@pytest.fixture
def case(team: Team, adviser: Caller) -> dict[str, Any]:
    return allocated_case(team, adviser)


@pytest.fixture
def issued(team: Team, adviser: Caller, case: dict[str, Any]) -> dict[str, Any]:
    return issued_advice(team, adviser, case)


@pytest.fixture
def path(issued: dict[str, Any]) -> str:
    return f"/v1/recommendations/{issued['recommendations'][0]['id']}"


def test_the_business_answers_itself(
    world: World, team: Team, adviser: Caller, case: dict[str, Any], path: str
) -> None:
    business = enquirer_of(world, team, case)
    answer = ok(business.post(f"{path}/responses", {"answer": "part_accepted", "note": "Next year."}), 201)
    assert "person" not in answer
    seen = ok(business.get(path))
    assert (seen["answer"], seen["responses"]) == ("part_accepted", [answer])
    assert seen["allowed_actions"] == ["recommendation.respond"]
    by_staff = ok(adviser.get(path))
    assert (by_staff["answer"], by_staff["responses"][0]["person"]) == ("part_accepted", None)
    line = ok(adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert [each["actor"] for each in line if each["action"] == "recommendation.respond"] == ["enquirer"]


def test_staff_answer_on_its_behalf_and_the_last_answer_counts(adviser: Caller, path: str) -> None:
    ok(adviser.post(f"{path}/responses", {"answer": "accepted"}), 201)
    before = ok(adviser.get(path))
    refusal = {"answer": "declined", "reason_code": "cost", "note": "Rang; no budget."}
    assert ok(adviser.post(f"{path}/responses", refusal), 201)["person"] == "Ada"
    now = ok(adviser.get(path))
    assert now["answer"] == "declined"
    assert now["version"] == before["version"] + 1
    assert [each["answer"] for each in now["responses"]] == ["accepted", "declined"]


def test_a_supervisor_records_the_answer_of_the_team_s_cases_only(team: Team, other_team: Team, path: str) -> None:
    supervisor = team.person("supervisor", name="Sam")
    assert ok(supervisor.post(f"{path}/responses", {"answer": "accepted"}), 201)["person"] == "Sam"
    assert ok(supervisor.get(path))["answer"] == "accepted"
    for role in ("coordinator", "reviewer", "information_manager"):
        assert team.person(role).post(f"{path}/responses", {"answer": "declined"}).status_code in (403, 404)
    refused(other_team.person("supervisor").post(f"{path}/responses", {"answer": "accepted"}), 404, "not-found")
    assert ok(supervisor.get(path))["answer"] == "accepted"


def test_a_refusal_needs_a_reason_from_the_list(adviser: Caller, path: str) -> None:
    for wrong in ({"answer": "declined"}, {"answer": "declined", "reason_code": "because"}):
        told = refused(adviser.post(f"{path}/responses", wrong), 422, "validation-failed")
        assert told["errors"][0]["pointer"] == "/reason_code"
    told = refused(adviser.post(f"{path}/responses", {"answer": "no_answer"}), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/answer"


def test_a_repeated_answer_counts_once(adviser: Caller, path: str) -> None:
    first = {"id": str(uuid.uuid4()), "answer": "accepted"}
    ok(adviser.post(f"{path}/responses", first), 201)
    ok(adviser.post(f"{path}/responses", {"answer": "part_accepted"}), 201)
    ok(adviser.post(f"{path}/responses", first), 201)
    now = ok(adviser.get(path))
    assert (now["answer"], len(now["responses"])) == ("part_accepted", 2)
    refused(adviser.post(f"{path}/responses", {**first, "answer": "part_accepted"}), 409, "already-exists")


def test_an_answer_to_a_superseded_version_is_shown_the_current_one(
    world: World, team: Team, adviser: Caller, case: dict[str, Any], issued: dict[str, Any], path: str
) -> None:
    second = ok(adviser.post(f"/v1/advice/{issued['id']}/versions", {"correction_reason": "Gate"}), 201)
    current = issued_advice(team, adviser, case, draft=second)
    for caller in (adviser, enquirer_of(world, team, case)):
        told = refused(caller.post(f"{path}/responses", {"answer": "accepted"}), 409, "superseded-advice")
        assert told["current_advice_id"] == current["id"]
    told = refused(adviser.post(f"{path}/verifications", {"state": "claimed"}), 409, "superseded-advice")
    assert ok(adviser.get(path))["responses"] == []


def test_only_issued_advice_is_answered(world: World, team: Team, adviser: Caller, case: dict[str, Any]) -> None:
    known = drafted_advice(adviser, case)["recommendations"][0]["id"]
    path = f"/v1/recommendations/{known}"
    refused(adviser.post(f"{path}/responses", {"answer": "accepted"}), 409, "state-conflict")
    refused(adviser.post(f"{path}/verifications", {"state": "claimed"}), 409, "state-conflict")
    refused(enquirer_of(world, team, case).post(f"{path}/responses", {"answer": "accepted"}), 404, "not-found")


def test_withdrawn_advice_is_not_answered(team: Team, adviser: Caller, issued: dict[str, Any], path: str) -> None:
    withdrawal = f"/v1/advice/{issued['id']}/withdrawal"
    ok(team.person("supervisor").post(withdrawal, {"reason": "Wrong"}, match=issued["version"]))
    refused(adviser.post(f"{path}/responses", {"answer": "accepted"}), 409, "state-conflict")


def test_who_may_answer(world: World, team: Team, other_team: Team, case: dict[str, Any], path: str) -> None:
    body = {"answer": "accepted"}
    refused(team.person("adviser").post(f"{path}/responses", body), 403, "forbidden")
    refused(team.person("coordinator").post(f"{path}/responses", body), 403, "forbidden")
    refused(other_team.person("adviser").post(f"{path}/responses", body), 404, "not-found")
    refused(enquirer_of(world, team, case, verified=False).post(f"{path}/responses", body), 403, "forbidden")
    stranger = enquirer_of(world, team, allocated_case(team, team.person("adviser")))
    refused(stranger.post(f"{path}/responses", body), 404, "not-found")
    refused(world.anybody().post(f"{path}/responses", body), 401, "unauthenticated")


def test_verified_needs_a_visit_or_other_evidence(adviser: Caller, case: dict[str, Any], path: str) -> None:
    told = refused(adviser.post(f"{path}/verifications", {"state": "verified"}), 422, "validation-failed")
    assert told["errors"][0]["pointer"] == "/evidence"
    ok(adviser.post(f"{path}/verifications", {"state": "in_progress"}), 201)
    visit = visit_just_made(adviser, case)
    seen = ok(adviser.post(f"{path}/verifications", {"state": "verified", "visit_id": visit["id"]}), 201)
    assert (seen["visit_id"], seen["verifier"]) == (visit["id"], "Ada")
    now = ok(adviser.get(path))
    assert now["verification"] == "verified"
    assert [each["state"] for each in now["verifications"]] == ["in_progress", "verified"]


def test_a_verification_cites_a_completed_visit_of_the_same_case(
    team: Team, adviser: Caller, case: dict[str, Any], path: str
) -> None:
    to_come = proposed_visit(adviser, case)["id"]
    elsewhere = completed_visit(adviser, allocated_case(team, adviser))["id"]
    for visit_id in (to_come, elsewhere, str(uuid.uuid4())):
        told = adviser.post(f"{path}/verifications", {"state": "verified", "visit_id": visit_id})
        assert refused(told, 422, "validation-failed")["errors"][0]["pointer"] == "/visit_id"
    assert ok(adviser.get(path))["verification"] == "not_started"


def test_who_may_verify(world: World, team: Team, other_team: Team, case: dict[str, Any], path: str) -> None:
    body = {"state": "claimed"}
    refused(team.person("adviser").post(f"{path}/verifications", body), 403, "forbidden")
    refused(team.person("coordinator").post(f"{path}/verifications", body), 403, "forbidden")
    refused(other_team.person("adviser").post(f"{path}/verifications", body), 404, "not-found")
    refused(enquirer_of(world, team, case).post(f"{path}/verifications", body), 403, "forbidden")


def test_the_register_is_filtered(trial: Trial) -> None:
    team = trial.team()
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    soon, later = moment(days=2)[:10], moment(days=900)[:10]
    late = recommendation(action="Late", priority="critical", target_on=soon)
    lines = (late, recommendation(action="Later", target_on=later), recommendation())
    approved = approved_advice(team, adviser, case, *lines)
    drafted = drafted_advice(adviser, case, recommendation(action="Drafted", target_on=soon))
    follow_up = issuing()
    advice = ok(adviser.post(f"/v1/advice/{approved['id']}/issue", follow_up, match=approved["version"]))
    done = advice["recommendations"][2]["id"]
    ok(
        adviser.post(
            f"/v1/recommendations/{done}/verifications",
            {"state": "verified", "evidence": "Seen in place on the evening walk."},
        ),
        201,
    )
    ok(adviser.post(f"/v1/recommendations/{advice['recommendations'][1]['id']}/responses", {"answer": "accepted"}), 201)

    def found(**filters: Any) -> list[str]:
        page = ok(adviser.get("/v1/recommendations", case_id=case["id"], sort="created_at", **filters))
        return [each["action"] for each in page["items"]]

    trial.forward(days=9)
    bollard = recommendation()["action"]
    assert found() == ["Late", "Later", bollard, "Drafted"]
    assert found(advice_id=drafted["id"]) == ["Drafted"]
    assert found(open="true") == ["Late", "Later"]
    assert found(open="false") == [bollard, "Drafted"]
    assert found(overdue="true") == ["Late"]
    assert found(priority="critical") == ["Late"]
    assert found(answer="accepted") == ["Later"]
    assert found(verification="verified") == [bollard]
