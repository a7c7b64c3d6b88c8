"""What the business sees of its visits, and how it answers."""

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, enquirer_of, finding, proposed_visit
from tests.support.world import Team, World

ROW = {"id", "state", "starts_at", "ends_at", "zone", "place_note", "adviser", "version"}


def answered(caller, visit, body: object):
    return caller.post(f"/v1/visits/{visit['id']}/confirmation", body, match=visit["version"])


def test_a_verified_contact_sees_time_place_and_adviser_only(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    case = allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    made = completed_visit(adviser, case, finding())
    visit = proposed_visit(adviser, case, place_note="Stage door")
    seen = ok(business.get(f"/v1/visits/{visit['id']}"))
    assert seen.keys() == ROW | {"allowed_actions"}
    assert (seen["adviser"], seen["place_note"]) == ("Ann Adviser", "Stage door")
    assert seen["allowed_actions"] == ["visit.confirm"]
    seen = ok(business.get(f"/v1/visits/{made['id']}"))
    assert seen.keys() == ROW | {"allowed_actions"}
    assert seen["allowed_actions"] == []
    rows = ok(business.get("/v1/visits"))["items"]
    assert [row["id"] for row in rows] == [made["id"], visit["id"]]
    assert all(row.keys() == ROW for row in rows)


def test_a_business_filters_by_state_and_time_only(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    visit = proposed_visit(adviser, case)
    assert [row["id"] for row in ok(business.get("/v1/visits", state="proposed"))["items"]] == [visit["id"]]
    assert ok(business.get("/v1/visits", state="cancelled"))["items"] == []
    refused(business.get("/v1/visits", adviser_id=adviser.person_id), 400, "unknown-parameter")


def test_a_business_sees_no_other_cases_visits(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case, other = allocated_case(team, adviser), allocated_case(team, adviser)
    business = enquirer_of(world, team, case)
    visit = proposed_visit(adviser, other)
    refused(business.get(f"/v1/visits/{visit['id']}"), 404, "not-found")
    assert ok(business.get("/v1/visits"))["items"] == []
    refused(answered(business, visit, {"decision": "confirm"}), 404, "not-found")
    refused(business.get("/v1/findings"), 403, "forbidden")


def test_an_unverified_contact_learns_of_no_visit(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    somebody = enquirer_of(world, team, case, verified=False)
    visit = proposed_visit(adviser, case)
    refused(somebody.get(f"/v1/visits/{visit['id']}"), 403, "forbidden")
    refused(somebody.get("/v1/visits"), 403, "forbidden")
    refused(answered(somebody, visit, {"decision": "confirm"}), 403, "forbidden")
    refused(world.anybody().get("/v1/visits"), 401, "unauthenticated")


def test_the_business_confirms(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    confirmed = ok(answered(enquirer_of(world, team, case), visit, {"decision": "confirm"}))
    assert confirmed["state"] == "confirmed"
    assert confirmed.keys() == ROW | {"allowed_actions"}
    assert ok(adviser.get(f"/v1/visits/{visit['id']}"))["confirmed_by"] == "business"
    told = world.sql(
        "SELECT actor, person_id FROM casework.case_event WHERE subject_id = $1 AND action = 'visit.confirm'",
        visit["id"],
    )
    assert [tuple(row) for row in told] == [("enquirer", None)]


def test_the_business_declines_and_staff_learn_why(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    business = enquirer_of(world, team, case)
    assert ok(answered(business, visit, {"decision": "decline", "note": "We are closed."}))["state"] == "proposed"
    seen = ok(adviser.get(f"/v1/visits/{visit['id']}"))
    assert (seen["state"], seen["declined_note"]) == ("proposed", "We are closed.")
    assert seen["declined_at"] is not None


@pytest.mark.parametrize("path", ["cancellation", "no-access", "completion"])
def test_the_business_does_nothing_else(world: World, team: Team, path: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    business = enquirer_of(world, team, case)
    refused(business.post(f"/v1/visits/{visit['id']}/{path}", {}, match=1), 403, "forbidden")
    refused(business.patch(f"/v1/visits/{visit['id']}", {}, match=1), 403, "forbidden")
    refused(business.post(f"/v1/cases/{case['id']}/visits", {}), 403, "forbidden")


def test_a_business_cannot_confirm_what_is_over(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case)
    business = enquirer_of(world, team, case)
    assert refused(answered(business, visit, {"decision": "confirm"}), 409, "state-conflict")["state"] == "completed"
