"""Reading advice: staff, colleagues of restricted cases, other forces, and the business."""

from typing import Any

from tests.support.callers import ok, refused
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    issued_advice,
    moment,
    recommendation,
)
from tests.support.world import Team, World


def test_the_team_reads_and_other_forces_do_not(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    advice = drafted_advice(adviser, allocated_case(team, adviser))
    path, known = f"/v1/advice/{advice['id']}", f"/v1/recommendations/{advice['recommendations'][0]['id']}"
    for role in ("adviser", "supervisor", "information_manager"):
        reader = team.person(role)
        assert ok(reader.get(path))["recommendations"] == advice["recommendations"]
        ok(reader.get(known))
        assert [each["id"] for each in ok(reader.get("/v1/advice"))["items"]] == [advice["id"]]
    for role in ("coordinator", "auditor", "administrator"):
        reader = team.person(role)
        for each in (path, known, "/v1/advice", "/v1/recommendations"):
            refused(reader.get(each), 403, "forbidden")
    for role in ("adviser", "supervisor", "reviewer"):
        stranger = other_team.person(role)
        refused(stranger.get(path), 404, "not-found")
        refused(stranger.get(known), 404, "not-found")
        assert ok(stranger.get("/v1/advice"))["items"] == []
        assert ok(stranger.get("/v1/recommendations"))["items"] == []
    refused(team.tool("cases.read", "visits.read").get(path), 403, "forbidden")


def test_allowed_actions_follow_state_and_authority(team: Team) -> None:
    adviser, colleague, supervisor = team.person("adviser"), team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    draft = drafted_advice(adviser, case)
    path = f"/v1/advice/{draft['id']}"
    assert draft["allowed_actions"] == ["advice.assign_reviewer", "advice.draft", "advice.submit"]
    assert ok(colleague.get(path))["allowed_actions"] == []
    assert ok(supervisor.get(path))["allowed_actions"] == ["advice.assign_reviewer"]
    issued = issued_advice(team, adviser, case, draft=draft)
    assert issued["allowed_actions"] == ["advice.draft", "advice.issue"], "its delivery is pending"
    assert ok(supervisor.get(path))["allowed_actions"] == ["advice.issue", "advice.withdraw"]
    known = f"/v1/recommendations/{issued['recommendations'][0]['id']}"
    assert ok(adviser.get(known))["allowed_actions"] == ["recommendation.respond", "recommendation.verify"]
    assert ok(colleague.get(known))["allowed_actions"] == []


def test_a_restricted_case_hides_its_advice_from_the_rest_of_the_team(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    advice = drafted_advice(adviser, case)
    now = ok(adviser.get(f"/v1/cases/{case['id']}"))
    restricting = {"reason_code": "sensitive_site"}
    ok(adviser.post(f"/v1/cases/{case['id']}/restriction", restricting, match=now["version"]))
    refused(colleague.get(f"/v1/advice/{advice['id']}"), 404, "not-found")
    assert ok(colleague.get("/v1/advice"))["items"] == []
    assert ok(colleague.get("/v1/recommendations"))["items"] == []
    refused(colleague.get(f"/v1/cases/{case['id']}/interim-advice"), 403, "forbidden")
    refused(colleague.post(f"/v1/cases/{case['id']}/advice", {"title": "Mine"}), 403, "forbidden")
    ok(adviser.get(f"/v1/advice/{advice['id']}"))
    ok(team.person("supervisor").get(f"/v1/advice/{advice['id']}"))


def test_advice_is_listed_by_what_it_is(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case, other = allocated_case(team, adviser), allocated_case(team, adviser)
    draft, issued = drafted_advice(adviser, case), issued_advice(team, adviser, other)
    asking = adviser.post(
        f"/v1/advice/{draft['id']}/reviewer", {"reviewer_id": supervisor.person_id}, match=draft["version"]
    )
    asked = ok(asking)

    def found(**filters: Any) -> list[str]:
        return [each["id"] for each in ok(supervisor.get("/v1/advice", **filters))["items"]]

    assert found() == [issued["id"], draft["id"]]
    assert found(sort="created_at") == [draft["id"], issued["id"]]
    assert found(case_id=case["id"]) == [draft["id"]]
    assert found(state="issued") == [issued["id"]]
    assert found(author_id=adviser.person_id) == [issued["id"], draft["id"]]
    assert found(reviewer_id=supervisor.person_id) == [draft["id"]]
    assert found(awaiting_my_review="true") == []
    ok(adviser.post(f"/v1/advice/{draft['id']}/submission", match=asked["version"]))
    assert found(awaiting_my_review="true") == [draft["id"]]
    page = ok(supervisor.get("/v1/advice", limit=1))
    rest = ok(supervisor.get("/v1/advice", limit=1, cursor=page["next_cursor"]))
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [issued["id"], draft["id"]]


def test_the_business_reads_what_was_issued_and_nothing_internal(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Ada Adviser")
    case = allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    cited = completed_visit(adviser, case, finding())["findings"][0]["id"]
    said = {"given_to": "Duty manager", "given_at": moment(hours=-1), "advice": "Shut the side doors."}
    ok(adviser.post(f"/v1/cases/{case['id']}/interim-advice", said), 201)
    draft = drafted_advice(adviser, case, recommendation(finding_ids=[cited]))
    path, known = f"/v1/advice/{draft['id']}", f"/v1/recommendations/{draft['recommendations'][0]['id']}"
    refused(business.get(path), 404, "not-found")
    refused(business.get(known), 404, "not-found")
    assert ok(business.get("/v1/advice"))["items"] == []
    assert ok(business.get("/v1/recommendations"))["items"] == []
    issued = issued_advice(team, adviser, case, draft=draft)
    response = business.get(path)
    seen = ok(response)
    assert not {"author", "author_id", "reviews", "reviewer_id", "findings", "approved_by"} & seen.keys()
    assert "Ada Adviser" not in response.text
    assert adviser.person_id is not None
    assert adviser.person_id not in response.text
    assert seen["team"]["phone"] == "+441632960001"
    assert [each["advice"] for each in seen["interim_advice"]] == ["Shut the side doors."]
    assert [each["id"] for each in seen["recommendations"]] == [draft["recommendations"][0]["id"]]
    assert [each["id"] for each in ok(business.get("/v1/advice", state="issued"))["items"]] == [issued["id"]]
    register = ok(business.get("/v1/recommendations", open="true"))["items"]
    assert [each["advice_id"] for each in register] == [issued["id"]]
    assert "finding_ids" not in ok(business.get(known))
    refused(business.get("/v1/advice", author_id=adviser.person_id), 400, "unknown-parameter")


def test_the_business_goes_on_reading_what_was_superseded_or_withdrawn(world: World, team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    case = allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    first = issued_advice(team, adviser, case)
    correction = {"correction_reason": "The gate."}
    second = ok(adviser.post(f"/v1/advice/{first['id']}/versions", correction), 201)
    assert [each["number"] for each in ok(business.get("/v1/advice"))["items"]] == [1]
    second = issued_advice(team, adviser, case, draft=second)
    past = ok(business.get(f"/v1/advice/{first['id']}"))
    assert (past["state"], past["current_advice_id"]) == ("superseded", second["id"])
    ok(supervisor.post(f"/v1/advice/{second['id']}/withdrawal", {"reason": "Wrong site."}, match=second["version"]))
    gone = ok(business.get(f"/v1/advice/{second['id']}"))
    assert (gone["state"], gone["withdrawal_reason"]) == ("withdrawn", "Wrong site.")


def test_another_business_and_an_unverified_contact_read_nothing(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued = issued_advice(team, adviser, case)
    path = f"/v1/advice/{issued['id']}"
    refused(enquirer_of(world, team, case, verified=False).get(path), 403, "forbidden")
    refused(enquirer_of(world, team, allocated_case(team, team.person("adviser"))).get(path), 404, "not-found")
    refused(world.anybody().get(path), 401, "unauthenticated")


def test_interim_advice_is_recorded_and_listed(team: Team, other_team: Team) -> None:
    adviser, supervisor = team.person("adviser", name="Ada"), team.person("supervisor")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}/interim-advice"
    said = {"given_to": "Duty manager", "given_at": moment(hours=-2), "advice": "Shut the side doors."}
    made = ok(adviser.post(path, said), 201)
    assert (made["giver"], made["given_at"], made["carried_into"]) == ("Ada", said["given_at"], None)
    ok(supervisor.post(path, {**said, "given_at": moment(hours=-1), "advice": "Move the bins."}), 201)
    listed = ok(supervisor.get(path))["items"]
    assert [each["advice"] for each in listed] == ["Move the bins.", "Shut the side doors."]
    ahead = refused(adviser.post(path, {**said, "given_at": moment(days=1)}), 422, "validation-failed")
    assert ahead["errors"][0]["pointer"] == "/given_at"
    refused(team.person("adviser").post(path, said), 403, "forbidden")
    refused(team.person("coordinator").get(path), 403, "forbidden")
    refused(other_team.person("adviser").post(path, said), 404, "not-found")
    refused(other_team.person("adviser").get(path), 404, "not-found")


def test_interim_advice_is_carried_by_the_next_issued_version_only(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}/interim-advice"
    said = {"given_to": "Duty manager", "given_at": moment(hours=-2), "advice": "One"}
    ok(adviser.post(path, said), 201)
    first = issued_advice(team, adviser, case)
    ok(adviser.post(path, {**said, "advice": "Two"}), 201)
    correction = ok(adviser.post(f"/v1/advice/{first['id']}/versions", {"correction_reason": "More"}), 201)
    second = issued_advice(team, adviser, case, draft=correction)
    assert [each["advice"] for each in second["interim_advice"]] == ["Two"]
    assert {each["carried_into"] for each in ok(adviser.get(path))["items"]} == {first["id"], second["id"]}
