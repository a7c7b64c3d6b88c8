"""A visit that was made without an appointment is logged in one step, by who may log it, within 90 days."""

import uuid
from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, finding, moment
from tests.support.world import Team, World

WHY = "A guard waved us in as we passed."


def unplanned(caller: Caller, case: dict[str, Any], adviser: Caller | None = None, **facts: Any) -> httpx.Response:
    made = {"arrived_at": moment(hours=-3), "left_at": moment(hours=-2), "time_reason": WHY}
    body = {"without_appointment": True, "adviser_id": (adviser or caller).person_id, **made, **facts}
    return caller.post(f"/v1/cases/{case['id']}/visits", {k: v for k, v in body.items() if v is not None})


def test_it_is_proposed_and_completed_in_one_step(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    case = allocated_case(team, adviser)
    who = [{"name": "Jo Field", "role": "guard"}]
    made = ok(unplanned(adviser, case, attendance=who, notes="The gate stood open.", kind="event"), 201)
    assert (made["state"], made["kind"], made["attendance"]) == ("completed", "event", who)
    assert (made["time_reason"], made["logger"], made["adviser"]) == (WHY, "Ann Adviser", "Ann Adviser")
    assert made["time_marks"] == ["without_appointment", "before_case"]
    assert (made["starts_at"], made["ends_at"]) == (made["arrived_at"], made["left_at"])
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["state"] == "active"
    assert ok(adviser.post(f"/v1/visits/{made['id']}/findings", finding()), 201)["visit_id"] == made["id"]
    said = world.sql("SELECT action, reason FROM casework.case_event WHERE subject_id = $1 ORDER BY at", made["id"])
    assert [tuple(row) for row in said] == [("visit.propose", WHY)]


@pytest.mark.parametrize("missing", ["arrived_at", "left_at", "adviser_id", "time_reason"])
def test_it_says_when_who_and_why(team: Team, missing: str) -> None:
    adviser = team.person("adviser")
    document = refused(unplanned(adviser, allocated_case(team, adviser), **{missing: None}), 422, "validation-failed")
    assert [(each["pointer"], each["code"]) for each in document["errors"]] == [(f"/{missing}", "missing")]


def test_the_two_kinds_of_visit_are_not_mixed(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    document = refused(unplanned(adviser, case, starts_at=moment(1), ends_at=moment(1, 1)), 422, "validation-failed")
    assert [each["pointer"] for each in document["errors"]] == ["/starts_at", "/ends_at"]
    coming = {"starts_at": moment(1), "ends_at": moment(1, 1)}
    for name, value in (("arrived_at", moment(hours=-3)), ("time_reason", WHY), ("notes", "Seen.")):
        response = adviser.post(f"/v1/cases/{case['id']}/visits", {**coming, name: value})
        assert [each["pointer"] for each in refused(response, 422, "validation-failed")["errors"]] == [f"/{name}"]
    response = adviser.post(f"/v1/cases/{case['id']}/visits", {})
    pointers = [each["pointer"] for each in refused(response, 422, "validation-failed")["errors"]]
    assert pointers == ["/starts_at", "/ends_at"]
    assert ok(adviser.get("/v1/visits", case_id=case["id"]))["items"] == []


@pytest.mark.parametrize(
    ("arrived", "left", "pointer"),
    [(-91, -90.9, "/arrived_at"), (-90.1, -89.9, "/arrived_at"), (-2, -3, "/left_at"), (-1, 1, "/left_at")],
)
def test_it_is_over_and_not_longer_ago_than_ninety_days(team: Team, arrived: float, left: float, pointer: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    times = {"arrived_at": moment(hours=int(arrived * 24)), "left_at": moment(hours=int(left * 24))}
    (error,) = refused(unplanned(adviser, case, **times), 422, "validation-failed")["errors"]
    assert error["pointer"] == pointer
    ok(unplanned(adviser, case, arrived_at=moment(-89), left_at=moment(-89, 1)), 201)


def test_it_may_have_taken_longer_than_twelve_hours_and_is_marked(team: Team) -> None:
    adviser = team.person("adviser")
    made = ok(
        unplanned(adviser, allocated_case(team, adviser), arrived_at=moment(hours=-20), left_at=moment(hours=-1)), 201
    )
    assert "long" in made["time_marks"]


@pytest.mark.parametrize("role", ["coordinator", "supervisor"])
def test_who_may_propose_but_not_log_does_not_log_in_this_way(team: Team, role: str) -> None:
    """And a coordinator who names themselves is no adviser."""
    adviser, desk = team.person("adviser"), team.person(role)
    case = allocated_case(team, adviser)
    refused(unplanned(desk, case, adviser), 403, "forbidden")
    refused(unplanned(desk, case, desk), 403, "forbidden")
    assert ok(adviser.get("/v1/visits", case_id=case["id"]))["items"] == []


def test_a_repeat_is_recognised(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    body = {"id": str(uuid.uuid4()), "arrived_at": moment(hours=-5), "left_at": moment(hours=-4)}
    colleague = team.person("adviser").person_id
    first = ok(unplanned(adviser, case, **body, attended_by=[colleague]), 201)
    assert ok(unplanned(adviser, case, **body, attended_by=[colleague]), 201) == first
    refused(unplanned(adviser, case, **body, notes="Another."), 409, "already-exists")
    refused(unplanned(adviser, allocated_case(team, adviser), **body), 409, "already-exists")
    assert len(world.sql("SELECT FROM casework.case_event WHERE subject_id = $1", first["id"])) == 1


def test_a_case_that_rests_takes_none(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    world.logged_sql("UPDATE casework.case_file SET state = 'closed', closed_at = now() WHERE id = $1", case["id"])
    refused(unplanned(adviser, case), 409, "state-conflict")


def test_a_supplement_knows_that_there_was_no_appointment(team: Team) -> None:
    adviser = team.person("adviser")
    visit = ok(unplanned(adviser, allocated_case(team, adviser)), 201)
    path, marks = f"/v1/visits/{visit['id']}/supplements", ["without_appointment", "before_case"]
    for facts in ({"notes": "The gate."}, {"arrived_at": moment(hours=-9), "left_at": moment(hours=-8)}):
        assert ok(adviser.post(path, {"reason": "Mistyped.", **facts}), 201)["time_marks"] == marks
