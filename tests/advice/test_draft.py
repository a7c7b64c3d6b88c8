"""Drafting advice and its recommendations."""

import uuid

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, drafted_advice, finding, open_case, recommendation
from tests.support.world import Team, World


def test_the_first_draft_makes_a_case_active_and_bears_the_threat_level(team: Team) -> None:
    adviser = team.person("adviser", name="Ada")
    case = allocated_case(team, adviser)
    response = adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice for the fair"})
    advice = ok(response, 201)
    assert response.headers["Location"] == f"/v1/advice/{advice['id']}"
    assert advice["reference"].startswith("ADV-")
    assert (advice["number"], advice["state"], advice["author"]) == (1, "draft", "Ada")
    assert advice["drafted_threat_level"] in ("low", "moderate", "substantial", "severe", "critical")
    assert {"advice.draft", "advice.submit", "advice.assign_reviewer"} <= set(advice["allowed_actions"])
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["state"] == "active"
    lines = ok(adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert "advice.draft" in [line["action"] for line in lines]


def test_a_repeat_is_recognised_and_follows_nothing_twice(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    body = {"id": str(uuid.uuid4()), "title": "Advice"}
    first = ok(adviser.post(f"/v1/cases/{case['id']}/advice", body), 201)
    assert ok(adviser.post(f"/v1/cases/{case['id']}/advice", body), 201)["reference"] == first["reference"]
    refused(adviser.post(f"/v1/cases/{case['id']}/advice", {**body, "title": "Other"}), 409, "already-exists")
    said = "SELECT FROM casework.case_event WHERE case_id = $1 AND action = 'advice.draft'"
    assert len(world.sql(said, case["id"])) == 1


def test_who_may_draft(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    path, body = f"/v1/cases/{case['id']}/advice", {"title": "Advice"}
    refused(team.person("coordinator").post(path, body), 403, "forbidden")
    refused(team.person("supervisor").post(path, body), 403, "forbidden")
    refused(team.person("adviser").post(path, body), 403, "forbidden")
    refused(other_team.person("adviser").post(path, body), 404, "not-found")


def test_a_collaborator_drafts_but_does_not_submit(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    body = {"person_id": colleague.person_id}
    ok(adviser.post(f"/v1/cases/{case['id']}/collaborators", body, match=case["version"]))
    advice = drafted_advice(colleague, case)
    assert advice["author_id"] == colleague.person_id
    refused(colleague.post(f"/v1/advice/{advice['id']}/submission", match=advice["version"]), 403, "forbidden")
    ok(adviser.post(f"/v1/advice/{advice['id']}/submission", match=advice["version"]))


def test_a_draft_is_amended_with_the_version_that_was_read(team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted_advice(adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{advice['id']}"
    refused(adviser.patch(path, {"title": "New"}), 428, "precondition-required")
    amended = ok(adviser.patch(path, {"title": "New", "introduction": "After our visit."}, match=advice["version"]))
    assert (amended["title"], amended["introduction"]) == ("New", "After our visit.")
    refused(adviser.patch(path, {"title": "Newer"}, match=advice["version"]), 412, "precondition-failed")
    assert ok(adviser.patch(path, {"introduction": None}, match=amended["version"]))["introduction"] is None
    submitted = ok(adviser.post(f"{path}/submission", match=amended["version"] + 1))
    refused(adviser.patch(path, {"title": "Late"}, match=submitted["version"]), 409, "state-conflict")


def test_recommendations_take_their_place_at_the_end(team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted_advice(
        adviser, allocated_case(team, adviser), recommendation(action="One"), recommendation(action="Two")
    )
    assert [(each["position"], each["action"]) for each in advice["recommendations"]] == [(1, "One"), (2, "Two")]
    first = advice["recommendations"][0]
    left = ok(adviser.delete(f"/v1/recommendations/{first['id']}", match=first["version"]))
    assert [each["action"] for each in left["recommendations"]] == ["Two"]
    assert left["version"] > advice["version"]
    refused(adviser.get(f"/v1/recommendations/{first['id']}"), 404, "not-found")


def test_a_recommendation_cites_findings_of_its_own_case(team: Team) -> None:
    adviser = team.person("adviser")
    case, elsewhere = allocated_case(team, adviser), allocated_case(team, adviser)
    cited = completed_visit(adviser, case, finding(), finding(area="Loading bay"))["findings"]
    advice = drafted_advice(adviser, case)
    path = f"/v1/advice/{advice['id']}/recommendations"
    ids = sorted(each["id"] for each in cited)
    made = ok(adviser.post(path, recommendation(finding_ids=[*reversed(ids), ids[0]])), 201)
    assert made["finding_ids"] == ids
    absent = refused(adviser.post(path, recommendation(finding_ids=[str(uuid.uuid4())])), 422, "validation-failed")
    assert absent["errors"][0]["pointer"] == "/finding_ids"
    other = drafted_advice(adviser, elsewhere)
    across = adviser.post(f"/v1/advice/{other['id']}/recommendations", recommendation(finding_ids=[ids[0]]))
    assert refused(across, 422, "validation-failed")["errors"] == absent["errors"]
    changed = adviser.patch(f"/v1/recommendations/{made['id']}", {"finding_ids": ids[:1]}, match=made["version"])
    assert ok(changed)["finding_ids"] == ids[:1]
    shown = ok(adviser.get(f"/v1/advice/{advice['id']}"))
    assert [each["id"] for each in shown["findings"]] == ids[:1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"guidance": "http://example.org"},
        {"guidance": "https://"},
        {"guidance": "javascript:alert(1)"},
        {"guidance": "https://name@example.org/"},
        {"cost_band": "cheap"},
        {"priority": "urgent"},
        {"principle": "defend"},
        {"domain": "air"},
        {"target_on": "2026-02-30"},
        {"finding_ids": None},
        {"answer": "accepted"},
    ],
)
def test_what_is_wrong_with_a_recommendation_is_told(team: Team, wrong: dict[str, str]) -> None:
    adviser = team.person("adviser")
    advice = drafted_advice(adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{advice['id']}/recommendations"
    document = refused(adviser.post(path, recommendation(**wrong)), 422, "validation-failed")
    name = next(iter(wrong))
    assert document["errors"][0]["pointer"] == f"/{name}"


def test_a_recommendation_is_amended_only_in_a_draft(team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted_advice(adviser, allocated_case(team, adviser))
    known = advice["recommendations"][0]
    path = f"/v1/recommendations/{known['id']}"
    facts = {
        "priority": "low",
        "guidance": "https://www.protectuk.police.uk/",
        "cost_band": "none",
        "target_on": "2030-01-01",
    }
    amended = ok(adviser.patch(path, facts, match=known["version"]))
    assert {name: amended[name] for name in facts} == facts
    refused(adviser.patch(path, {"priority": "high"}, match=known["version"]), 412, "precondition-failed")
    # Who submits must have seen the change: the advice has another version too.
    stale = adviser.post(f"/v1/advice/{advice['id']}/submission", match=advice["version"])
    refused(stale, 412, "precondition-failed")
    now = ok(adviser.get(f"/v1/advice/{advice['id']}"))["version"]
    ok(adviser.post(f"/v1/advice/{advice['id']}/submission", match=now))
    refused(adviser.patch(path, {"priority": "high"}, match=amended["version"]), 409, "state-conflict")
    refused(adviser.delete(path, match=amended["version"]), 409, "state-conflict")
    refused(adviser.post(f"/v1/advice/{advice['id']}/recommendations", recommendation()), 409, "state-conflict")


def test_nothing_is_drafted_on_a_case_on_hold(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    held = adviser.post(f"/v1/cases/{case['id']}/hold", {"reason_code": "awaiting_business"}, match=case["version"])
    ok(held)
    refused(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 409, "state-conflict")


def test_an_open_case_has_nobody_to_draft(team: Team) -> None:
    adviser = team.person("adviser")
    case = open_case(adviser, team)
    refused(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 403, "forbidden")
