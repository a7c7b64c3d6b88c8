"""Moving a visit and changing who goes or where to meet."""

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, completed_visit, moment, proposed_visit
from tests.support.world import Team, World


def amended(caller, visit, body: object):
    return caller.patch(f"/v1/visits/{visit['id']}", body, match=visit["version"])


def confirmed_visit(adviser, case):
    visit = proposed_visit(adviser, case)
    return ok(adviser.post(f"/v1/visits/{visit['id']}/confirmation", {"decision": "confirm"}, match=visit["version"]))


def test_a_confirmed_visit_that_moves_is_proposed_again(team: Team) -> None:
    adviser = team.person("adviser")
    visit = confirmed_visit(adviser, allocated_case(team, adviser))
    moved = ok(amended(adviser, visit, {"starts_at": moment(9), "ends_at": moment(9, 1)}))
    assert (moved["state"], moved["confirmed_at"], moved["confirmed_by"]) == ("proposed", None, None)
    assert moved["version"] == visit["version"] + 1


def test_a_meeting_point_leaves_the_confirmation(team: Team) -> None:
    adviser = team.person("adviser")
    visit = confirmed_visit(adviser, allocated_case(team, adviser))
    noted = ok(amended(adviser, visit, {"place_note": "North gate"}))
    assert (noted["state"], noted["place_note"]) == ("confirmed", "North gate")
    assert ok(amended(adviser, noted, {"place_note": None}))["place_note"] is None


def test_an_empty_amendment_changes_nothing(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    visit = confirmed_visit(adviser, allocated_case(team, adviser))
    response = amended(adviser, visit, {})
    assert ok(response) == visit
    assert response.headers["ETag"] == f'"{visit["version"]}"'
    told = world.sql("SELECT FROM casework.case_event WHERE subject_id = $1 AND action = 'visit.amend'", visit["id"])
    assert told == []
    refused(adviser.patch(f"/v1/visits/{visit['id']}", {}, match=1), 412, "precondition-failed")


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "adviser_id"])
def test_what_a_visit_needs_cannot_be_cleared(team: Team, field: str) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    document = refused(amended(adviser, visit, {field: None}), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == f"/{field}"


def test_a_moved_visit_keeps_to_the_rules_of_time(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    refused(amended(adviser, visit, {"ends_at": visit["starts_at"]}), 422, "validation-failed")
    refused(amended(adviser, visit, {"ends_at": moment(8)}), 422, "validation-failed")
    gap = {"starts_at": "2026-03-29T01:30", "ends_at": "2026-03-29T03:30", "zone": "Europe/London"}
    refused(amended(adviser, visit, gap), 422, "local-time-does-not-exist")
    refused(amended(adviser, visit, {"starts_at": "2026-12-01T10:00"}), 422, "validation-failed")


def test_a_visit_is_not_moved_into_another(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    case = allocated_case(team, adviser)
    proposed_visit(adviser, case)
    later = proposed_visit(adviser, case, starts_at=moment(9), ends_at=moment(9, 1))
    refused(amended(adviser, later, {"starts_at": moment(7, 1), "ends_at": moment(7, 2)}), 409, "adviser-unavailable")
    theirs = proposed_visit(team.person("coordinator"), case, adviser_id=colleague.person_id)
    refused(amended(adviser, theirs, {"adviser_id": adviser.person_id}), 409, "adviser-unavailable")
    sent = ok(amended(adviser, later, {"adviser_id": colleague.person_id}))
    assert sent["adviser_id"] == colleague.person_id


def test_a_stranger_is_not_sent(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    stranger = other_team.person("adviser").person_id
    document = refused(amended(adviser, visit, {"adviser_id": stranger}), 422, "validation-failed")
    assert document["errors"][0]["pointer"] == "/adviser_id"


def test_a_visit_that_was_made_stays_as_it_was(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    refused(amended(adviser, visit, {"place_note": "Elsewhere"}), 409, "state-conflict")


def test_an_adviser_who_is_not_involved_may_not_move_it(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    refused(amended(team.person("adviser"), visit, {"place_note": "Here"}), 403, "forbidden")
    ok(amended(team.person("coordinator"), visit, {"place_note": "Here"}))
