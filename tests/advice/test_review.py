"""Independent review: who may be asked, who decides, and what a reviewer of another force sees."""

from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, completed_visit, decided, drafted_advice, finding, recommendation
from tests.support.world import Team, World


def submitted(adviser: Caller, case: dict[str, Any], *recommendations: dict[str, Any]) -> dict[str, Any]:
    draft = drafted_advice(adviser, case, *recommendations)
    advice: dict[str, Any] = ok(adviser.post(f"/v1/advice/{draft['id']}/submission", match=draft["version"]))
    return advice


def asked(adviser: Caller, advice: dict[str, Any], reviewer: Caller) -> dict[str, Any]:
    body = {"reviewer_id": reviewer.person_id}
    now: dict[str, Any] = ok(adviser.post(f"/v1/advice/{advice['id']}/reviewer", body, match=advice["version"]))
    return now


def test_advice_without_a_recommendation_is_not_submitted(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    draft = ok(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Empty"}), 201)
    path = f"/v1/advice/{draft['id']}/submission"
    refused(adviser.post(path, match=draft["version"]), 409, "nothing-recommended")


def test_a_supervisor_approves_without_being_asked(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor", name="Sue")
    advice = submitted(adviser, allocated_case(team, adviser))
    assert "advice.review" in ok(supervisor.get(f"/v1/advice/{advice['id']}"))["allowed_actions"]
    path = f"/v1/advice/{advice['id']}/review"
    review = ok(supervisor.post(path, decided("approved", advice), match=advice["version"]))
    assert (review["decision"], review["reviewer"]) == ("approved", "Sue")
    approved = ok(adviser.get(f"/v1/advice/{advice['id']}"))
    assert (approved["state"], approved["approver"]) == ("approved", "Sue")
    assert approved["reviews"] == [review]
    refused(
        supervisor.post(path, decided("returned", approved, "No"), match=approved["version"]),
        409,
        "state-conflict",
    )


def test_returned_advice_says_why_and_is_submitted_again(team: Team) -> None:
    adviser, supervisor = team.person("adviser"), team.person("supervisor")
    advice = submitted(adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{advice['id']}"
    silent = supervisor.post(f"{path}/review", decided("returned", advice), match=advice["version"])
    assert refused(silent, 422, "validation-failed")["errors"][0]["pointer"] == "/comment"
    body = decided("returned", advice, "Say what the bollard is to withstand.")
    ok(supervisor.post(f"{path}/review", body, match=advice["version"]))
    returned = ok(adviser.get(path))
    assert returned["state"] == "returned"
    amended = ok(adviser.patch(path, {"introduction": "Better."}, match=returned["version"]))
    assert ok(adviser.post(f"{path}/submission", match=amended["version"]))["state"] == "in_review"


@pytest.mark.parametrize("further", [("supervisor",), ("reviewer",), ("supervisor", "reviewer")])
def test_an_author_never_reviews_their_own_advice(team: Team, world: World, further: tuple[str, ...]) -> None:
    adviser = team.person("adviser", *further)
    advice = submitted(adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{advice['id']}"
    assert "advice.review" not in advice["allowed_actions"]
    refused(adviser.post(f"{path}/review", decided("approved", advice), match=advice["version"]), 409, "own-advice")
    body = decided("returned", advice, "Mine")
    refused(adviser.post(f"{path}/review", body, match=advice["version"]), 409, "own-advice")
    asking = adviser.post(f"{path}/reviewer", {"reviewer_id": adviser.person_id}, match=advice["version"])
    refused(asking, 409, "own-advice")
    assert world.sql("SELECT state FROM casework.advice WHERE id = $1", advice["id"])[0]["state"] == "in_review"


def test_a_reviewer_holds_the_part_and_the_competence(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser", competences=("hss",))
    case = allocated_case(team, adviser, strand="hss")
    draft = drafted_advice(adviser, case)

    def asking(person: Caller) -> Any:
        body = {"reviewer_id": person.person_id}
        return adviser.post(f"/v1/advice/{draft['id']}/reviewer", body, match=draft["version"])

    # Who reviews nothing, or is locked out, is no reviewer; who could be asked is told, and is found by the list of people.
    there, locked = team.person("reviewer", competences=("hss",)), team.person("reviewer", competences=("hss",))
    why = {"reason": "Stolen laptop."}
    ok(team.person("administrator").post(f"/v1/people/{locked.person_id}/suspension", why, match=1), 201)
    for nobody in (team.person("adviser", competences=("hss",)), locked):
        document = refused(asking(nobody), 409, "not-a-reviewer")
        # Offers of other forces may stand in a world that tests share; they come last.
        assert document["could_be_asked"][0]["id"] == there.person_id
        assert locked.person_id not in {each["id"] for each in document["could_be_asked"]}
    found = {
        each["id"] for each in ok(adviser.get("/v1/people", role="reviewer", competence="hss", limit=100))["items"]
    }
    assert there.person_id in found
    assert locked.person_id not in found
    refused(asking(other_team.person("supervisor", competences=("hss",))), 409, "not-a-reviewer")
    refused(asking(other_team.person("reviewer", competences=("pal",))), 409, "competence-missing")
    nobody = adviser.post(f"/v1/advice/{draft['id']}/reviewer", {"reviewer_id": draft["id"]}, match=draft["version"])
    assert refused(nobody, 422, "validation-failed")["errors"][0]["pointer"] == "/reviewer_id"
    assert ok(asking(other_team.person("reviewer", competences=("hss",), name="Rae")))["reviewer"] == "Rae"


def test_a_supervisor_without_the_competence_does_not_review(team: Team) -> None:
    adviser = team.person("adviser", competences=("cni",))
    advice = submitted(adviser, allocated_case(team, adviser, strand="cni"))
    path = f"/v1/advice/{advice['id']}/review"
    supervisor = team.person("supervisor", competences=("pal",))
    body = decided("approved", advice)
    refused(supervisor.post(path, body, match=advice["version"]), 409, "competence-missing")
    ok(team.person("supervisor", competences=("cni",)).post(path, body, match=advice["version"]))


def test_a_reviewer_of_another_force_sees_the_case_only_while_asked(team: Team, other_team: Team) -> None:
    adviser, reviewer = team.person("adviser"), other_team.person("reviewer")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    cited = visit["findings"][0]["id"]
    advice = submitted(adviser, case, recommendation(finding_ids=[cited]))
    seen = [
        f"/v1/cases/{case['id']}",
        f"/v1/visits/{visit['id']}",
        f"/v1/findings/{cited}",
        f"/v1/advice/{advice['id']}",
        f"/v1/recommendations/{advice['recommendations'][0]['id']}",
    ]
    for path in seen:
        refused(reviewer.get(path), 404, "not-found")
    advice = asked(adviser, advice, reviewer)
    for path in seen:
        ok(reviewer.get(path))
    waiting = ok(reviewer.get("/v1/advice", awaiting_my_review=True))["items"]
    assert [each["id"] for each in waiting] == [advice["id"]]
    refused(reviewer.patch(f"/v1/advice/{advice['id']}", {"title": "Mine"}, match=advice["version"]), 403, "forbidden")
    body = decided("returned", advice, "Look at the side door.")
    review = ok(reviewer.post(f"/v1/advice/{advice['id']}/review", body, match=advice["version"]))
    assert review["comment"] == "Look at the side door."
    for path in seen:
        refused(reviewer.get(path), 404, "not-found")
    assert ok(reviewer.get("/v1/advice"))["items"] == []
    # To submit it again is to ask again.
    returned = ok(adviser.get(f"/v1/advice/{advice['id']}"))
    again = ok(adviser.post(f"/v1/advice/{advice['id']}/submission", match=returned["version"]))
    ok(reviewer.post(f"/v1/advice/{advice['id']}/review", decided("approved", again), match=again["version"]))
    for path in seen:
        refused(reviewer.get(path), 404, "not-found")


def test_a_reviewer_decides_what_they_were_asked_and_nothing_else_of_the_case(team: Team, other_team: Team) -> None:
    adviser, reviewer = team.person("adviser"), other_team.person("reviewer")
    case = allocated_case(team, adviser)
    asked(adviser, submitted(adviser, case), reviewer)
    other = submitted(adviser, case)
    assert "advice.review" not in ok(reviewer.get(f"/v1/advice/{other['id']}"))["allowed_actions"]
    path = f"/v1/advice/{other['id']}/review"
    refused(reviewer.post(path, decided("approved", other), match=other["version"]), 403, "forbidden")


def test_who_may_not_review_at_all(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    advice = submitted(adviser, allocated_case(team, adviser))
    path, body = f"/v1/advice/{advice['id']}/review", decided("approved", advice)
    refused(team.person("adviser").post(path, body, match=advice["version"]), 403, "forbidden")
    refused(team.person("coordinator").post(path, body, match=advice["version"]), 403, "forbidden")
    refused(team.person("reviewer").post(path, body, match=advice["version"]), 404, "not-found")
    refused(other_team.person("supervisor").post(path, body, match=advice["version"]), 404, "not-found")
    refused(team.person("supervisor").post(path, body, match=advice["version"] - 1), 412, "precondition-failed")
