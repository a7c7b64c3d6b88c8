"""Putting a case on hold, and taking it off."""

from tests.support.callers import ok, refused
from tests.support.story import allocated_case
from tests.support.world import Team, World

WORKS = {"reason_code": "awaiting_building_works"}


def test_a_case_returns_to_where_it_stood(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    world.logged_sql("UPDATE casework.case_file SET state = 'active' WHERE id = $1", case["id"])
    held = ok(adviser.post(f"{path}/hold", WORKS, match=2))
    assert (held["state"], held["reason_code"]) == ("on_hold", "awaiting_building_works")
    refused(adviser.post(f"{path}/hold", WORKS, match=3), 409, "state-conflict")
    refused(adviser.post(f"{path}/closure", {"reason_code": "no_reply"}, match=3), 409, "state-conflict")
    resumed = ok(adviser.post(f"{path}/resumption", match=3))
    assert (resumed["state"], resumed["reason_code"], resumed["held_on"]) == ("active", None, None)
    assert resumed["due_on"] == case["due_on"]
    answer = adviser.post(f"{path}/resumption", match=4)
    assert refused(answer, 409, "state-conflict")["possible_from"] == ["on_hold"]


def test_holding_needs_a_reason(team: Team) -> None:
    adviser = team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/hold"
    refused(adviser.post(path, {}, match=2), 422, "validation-failed")
    refused(adviser.post(path, {"reason_code": "no_reply"}, match=2), 422, "validation-failed")
