"""Reviewers offer to review for other forces: found by whoever may ask, reaching a case only while they are asked about it."""

from typing import Any

import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, decided, issuing, moment, recommendation
from tests.support.world import Team, World

UNTIL = moment(days=90)[:10]


def path_of(person: Caller) -> str:
    return f"/v1/people/{person.person_id}/review-offer"


def offered(reviewer: Caller, by: Caller | None = None, **facts: Any) -> Any:
    return ok((by or reviewer).post(path_of(reviewer), {"strands": ["pal"], "until": UNTIL, **facts}), 201)


def found(by: Caller, team: Team, **query: str) -> list[Any]:
    listed = ok(by.get("/v1/review-offers", force_code=team.force_code, **query))["items"]
    return [each["person_id"] for each in listed]


def test_whoever_may_ask_finds_name_force_and_strands_and_nothing_else(team: Team, other_team: Team) -> None:
    reviewer = other_team.person("reviewer", competences=("pal", "hss"), name="Rae")
    made = offered(reviewer, strands=["hss", "pal"])
    assert (made["person"], made["team_id"], made["ended_at"]) == ("Rae", other_team.id, None)
    for role in ("adviser", "supervisor"):
        by = team.person(role)
        rows = ok(by.get("/v1/review-offers", force_code=other_team.force_code))["items"]
        assert [(each["person"], each["strands"], each["until"]) for each in rows] == [("Rae", ["hss", "pal"], UNTIL)]
        assert set(rows[0]) == {"person_id", "person", "force_code", "force", "strands", "until"}
        assert found(by, other_team, strand="cni") == []
        assert found(by, other_team, strand="hss") == [reviewer.person_id]
    for role in ("coordinator", "reviewer", "administrator", "auditor", "information_manager"):
        refused(team.person(role).get("/v1/review-offers"), 403, "forbidden")


def test_the_reviewer_or_a_supervisor_of_the_team_says_it(team: Team, other_team: Team) -> None:
    reviewer, colleague, supervisor = team.person("reviewer"), team.person("reviewer"), team.person("supervisor")
    body = {"strands": ["pal"], "until": UNTIL}
    refused(colleague.post(path_of(reviewer), body), 403, "forbidden")
    refused(other_team.person("supervisor").post(path_of(reviewer), body), 403, "forbidden")
    refused(other_team.person("reviewer").post(path_of(reviewer), body), 404, "not-found")
    for role in ("adviser", "coordinator", "administrator", "information_manager"):
        refused(team.person(role).post(path_of(reviewer), body), 403, "forbidden")
    made = offered(reviewer, by=supervisor)
    assert made["offered_by"] == supervisor.name
    refused(reviewer.post(path_of(reviewer), body), 409, "already-exists")
    refused(reviewer.patch(path_of(reviewer), {"until": UNTIL}, match=made["version"] + 1), 412, "precondition-failed")
    refused(colleague.patch(path_of(reviewer), {"until": UNTIL}, match=made["version"]), 403, "forbidden")
    later = moment(days=120)[:10]
    now = ok(reviewer.patch(path_of(reviewer), {"until": later}, match=made["version"]))
    assert now["until"] == later
    over = ok(reviewer.post(f"{path_of(reviewer)}/ending", {}, match=now["version"]))
    assert over["ended_because"] == "taken_back"
    refused(reviewer.post(f"{path_of(reviewer)}/ending", {}, match=over["version"]), 409, "state-conflict")
    assert found(supervisor, team) == []
    offered(reviewer)
    assert len(ok(reviewer.get("/v1/review-offers/own"))["items"]) == 2
    assert len(ok(supervisor.get("/v1/review-offers/own", person_id=reviewer.person_id))["items"]) == 2
    assert ok(colleague.get("/v1/review-offers/own"))["items"] == []


def test_what_is_offered_is_what_the_reviewer_can(team: Team) -> None:
    reviewer, supervisor = team.person("reviewer"), team.person("supervisor")
    cases = [
        ({"strands": ["pal", "cni"]}, "/strands/1"),
        ({"strands": ["pal", "pal"]}, "/strands/1"),
        ({"strands": []}, "/strands"),
        ({"until": moment(days=-2)[:10]}, "/until"),
        ({"until": moment(days=1000)[:10]}, "/until"),
    ]
    for wrong, pointer in cases:
        body = {"strands": ["pal"], "until": UNTIL, **wrong}
        told = refused(reviewer.post(path_of(reviewer), body), 422, "validation-failed")
        assert [each["pointer"] for each in told["errors"]] == [pointer]
    refused(supervisor.post(path_of(supervisor), {"strands": ["pal"], "until": UNTIL}), 409, "no-reviewer")


def role_ended(world: World, team: Team, reviewer: Caller) -> None:
    administrator = team.person("administrator")
    roles = ok(administrator.get(f"/v1/people/{reviewer.person_id}/roles"))["items"]
    ok(administrator.delete(f"/v1/people/{reviewer.person_id}/roles/{roles[0]['id']}"))
    world.give_role(reviewer.person_id or "", "reviewer", team)


def deactivated(world: World, team: Team, reviewer: Caller) -> None:
    administrator, path = team.person("administrator"), f"/v1/people/{reviewer.person_id}"
    for active in (False, True):
        ok(administrator.patch(path, {"active": active}, match=ok(administrator.get(path))["version"]))
    world.give_role(reviewer.person_id or "", "reviewer", team)  # roles ended for good


def suspended(world: World, team: Team, reviewer: Caller) -> None:
    path = f"/v1/people/{reviewer.person_id}"
    ok(team.person("supervisor").post(f"{path}/suspension", {"reason": "Stolen."}, match=1), 201)
    ok(team.person("administrator").post(f"{path}/reinstatement", None, match=1))


def incompetent(world: World, team: Team, reviewer: Caller) -> None:
    administrator, path = team.person("administrator"), f"/v1/people/{reviewer.person_id}"
    for competences in (["hss"], ["pal", "hss"]):
        ok(administrator.patch(path, {"competences": competences}, match=ok(administrator.get(path))["version"]))


def expired(world: World, team: Team, reviewer: Caller) -> None:
    gone = "UPDATE casework.review_offer SET until = casework.today() - 1 WHERE person_id = $1::text::uuid"
    world.logged_sql(gone, reviewer.person_id)


@pytest.mark.parametrize(
    "way", [role_ended, deactivated, suspended, incompetent, expired], ids=lambda way: way.__name__
)
def test_an_offer_ends_with_what_it_rests_upon_and_does_not_come_back(
    world: World, team: Team, other_team: Team, way: Any
) -> None:
    asker, reviewer = team.person("adviser"), other_team.person("reviewer")
    offered(reviewer)
    assert found(asker, other_team) == [reviewer.person_id]
    way(world, other_team, reviewer)
    assert found(asker, other_team) == []
    # What was ended is not the way of another offer.
    reviewer = world.log_in(reviewer.person_id or "")
    offered(reviewer)
    assert found(asker, other_team) == [reviewer.person_id]


def _end_every_offer(world: World) -> None:
    world.logged_sql(
        "UPDATE casework.review_offer SET ended_at = casework.now(), ended_because = 'taken_back' WHERE ended_at IS NULL"
    )


def test_a_team_of_three_that_has_all_contributed_finds_somebody_who_may_still_approve(
    world: World, team: Team, other_team: Team
) -> None:
    """A writes, B corrects, C corrects, and A corrects again: the other force's reviewer approves what none of the three may."""
    three = [team.person("adviser", "reviewer", name=name) for name in ("Ann", "Bo", "Cy")]
    a, b, c = three
    case = allocated_case(team, a, team.person("coordinator", "supervisor", competences=("hss",)))
    for helper in (b, c):
        now = ok(a.get(f"/v1/cases/{case['id']}"))["version"]
        ok(a.post(f"/v1/cases/{case['id']}/collaborators", {"person_id": helper.person_id}, match=now))
    reviewer = other_team.person("reviewer", name="Rae")
    busy = other_team.person("reviewer", competences=("hss",), name="Uma")
    _end_every_offer(world)  # of those who offer, the first few are named
    offered(reviewer)
    offered(busy, strands=["hss"])
    advice = ok(a.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice", "introduction": "By Ann."}), 201)
    path = f"/v1/advice/{advice['id']}"
    ok(a.post(f"{path}/recommendations", recommendation()), 201)
    for writer in (b, c):
        ok(writer.patch(path, {"introduction": f"By {writer.name}."}, match=ok(a.get(path))["version"]))
    version = ok(a.get(path))["version"]
    told = refused(a.post(f"{path}/reviewer", {"reviewer_id": b.person_id}, match=version), 409, "own-advice")
    # Each may review other advice; of this one, only who has not written it, others' reviewers last.
    names = [(each["name"], each["force"]) for each in told["could_be_asked"]]
    force = world.sql("SELECT name FROM casework.police_force WHERE code = $1", other_team.force_code)[0][0]
    assert ("Rae", force) in names
    assert not {"Ann", "Bo", "Cy", "Uma"} & {name for name, _ in names}
    answer = a.post(f"{path}/submission", match=version)
    said = [each["message"] for each in answer.json()["warnings"] if each["code"] == "nobody-independent"]
    assert len(said) == 1
    assert f"Rae ({force})" in said[0]
    advice = ok(a.get(path))
    seen = [path, f"/v1/cases/{case['id']}", f"/v1/cases/{case['id']}/notes"]
    for each in seen:
        refused(reviewer.get(each), 404, "not-found")
    refused(reviewer.post(f"{path}/review", decided("approved", advice), match=advice["version"]), 404, "not-found")
    assert ok(reviewer.get("/v1/advice"))["items"] == ok(reviewer.get("/v1/cases"))["items"] == []
    advice = ok(a.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=advice["version"]))
    for each in seen:
        ok(reviewer.get(each))
    assert [each["id"] for each in ok(reviewer.get("/v1/cases"))["items"]] == [case["id"]]
    refused(reviewer.patch(path, {"title": "Mine"}, match=advice["version"]), 403, "forbidden")
    refused(
        reviewer.post(f"{path}/issue", issuing(), match=advice["version"]),
        403,
        "forbidden",
    )
    refused(busy.get(path), 404, "not-found")
    ok(reviewer.post(f"{path}/review", decided("approved", advice), match=advice["version"]))
    for each in seen:
        refused(reviewer.get(each), 404, "not-found")
    assert ok(a.get(path))["state"] == "approved"


def test_who_could_be_asked_offers_until_today_at_least(world: World, team: Team, other_team: Team) -> None:
    """The day they named is the last one: on the day after it nobody is told that they would review."""
    adviser = team.person("adviser", "reviewer")
    still, over = (other_team.person("reviewer", name=name) for name in ("Tod Today", "Yas Yesterday"))
    _end_every_offer(world)
    for reviewer, ago in ((still, 0), (over, 1)):
        until = "UPDATE casework.review_offer SET until = casework.today() - $2::integer WHERE id = $1::text::uuid"
        world.logged_sql(until, offered(reviewer)["id"], ago)
    case = allocated_case(team, adviser)
    advice = ok(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 201)
    path = f"/v1/advice/{advice['id']}"
    body = {"reviewer_id": adviser.person_id}
    told = refused(adviser.post(f"{path}/reviewer", body, match=advice["version"]), 409, "own-advice")
    assert [each["name"] for each in told["could_be_asked"] if each["force"]] == ["Tod Today"]


def test_who_offers_loses_a_case_that_is_decided_or_no_longer_theirs(team: Team, other_team: Team) -> None:
    """The offer opens nothing by itself, restricted or not; its end takes nothing that was asked, the role's end takes all."""
    adviser, reviewer = team.person("adviser"), other_team.person("reviewer")
    made = offered(reviewer)
    case = allocated_case(team, adviser)
    advice = ok(adviser.post(f"/v1/cases/{case['id']}/advice", {"title": "Advice"}), 201)
    path = f"/v1/advice/{advice['id']}"
    advice = ok(adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=advice["version"]))
    ok(reviewer.get(path))
    ok(reviewer.post(f"{path_of(reviewer)}/ending", {}, match=made["version"]))
    ok(reviewer.get(path))
    deactivate, person = other_team.person("administrator"), f"/v1/people/{reviewer.person_id}"
    roles = ok(deactivate.get(f"{person}/roles"))["items"]
    ok(deactivate.delete(f"{person}/roles/{roles[0]['id']}?leaving=true"))
    assert reviewer.get(path).status_code in (403, 404)


def test_an_offer_is_in_the_log_with_its_ends(world: World, team: Team) -> None:
    reviewer = team.person("reviewer")
    made = offered(reviewer)
    ok(
        team.person("supervisor").post(f"/v1/people/{reviewer.person_id}/suspension", {"reason": "Stolen."}, match=1),
        201,
    )
    told = world.sql(
        "SELECT e.action, o.operation FROM audit.event_object o JOIN audit.event e ON e.id = o.event_id"
        " WHERE o.kind = 'review_offer' AND o.object_id = $1::text::uuid ORDER BY e.id",
        made["id"],
    )
    assert [(row["action"], row["operation"]) for row in told if row["operation"] != "consultation"] == [
        ("person.offer_review", "collection"),
        ("person.suspend", "alteration"),
    ]
