"""A completed visit is corrected by supplements: what was logged stays, what is said instead stands beside it, with why."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused, warned
from tests.support.story import (
    allocated_case,
    completed_visit,
    decided,
    drafted_advice,
    finding,
    moment,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World

WHY = "The year was mistyped."


def supplemented(caller: Caller, visit: dict[str, Any], **facts: Any) -> httpx.Response:
    return caller.post(f"/v1/visits/{visit['id']}/supplements", {"reason": WHY, **facts})


def test_both_stay_with_who_said_so_and_why(world: World, team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    arrived = moment(hours=-2)
    made = ok(supplemented(adviser, visit, arrived_at=arrived, notes="The gate was locked."), 201)
    assert made["changes"] == [
        {"field": "arrived_at", "old": visit["arrived_at"], "new": arrived},
        {"field": "notes", "old": None, "new": "The gate was locked."},
    ]
    assert (made["reason"], made["recorder"]) == (WHY, "Ann Adviser")
    now = ok(adviser.get(f"/v1/visits/{visit['id']}"))
    assert now["supplements"] == [made]
    assert {name: now[name] for name in ("arrived_at", "left_at", "notes", "attendance")} == {
        name: visit[name] for name in ("arrived_at", "left_at", "notes", "attendance")
    }
    assert now["version"] == visit["version"] + 1
    said = "SELECT reason, facts ->> 'fields' FROM casework.case_event WHERE subject_id = $1 AND action = 'visit.supplement'"
    assert [tuple(row) for row in world.sql(said, visit["id"])] == [(WHY, "arrived_at, notes")]


def test_the_next_one_corrects_what_the_last_one_said(team: Team) -> None:
    adviser, colleague = team.person("adviser"), team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    ok(supplemented(adviser, visit, notes="One."), 201)
    ok(supplemented(adviser, visit, attended_by=[colleague.person_id]), 201)
    again = ok(supplemented(adviser, visit, notes="Two.", attendance=[{"name": "Jo", "role": "guard"}]), 201)
    assert [(each["field"], each["old"], each["new"]) for each in again["changes"]] == [
        ("attendance", [], [{"name": "Jo", "role": "guard"}]),
        ("notes", "One.", "Two."),
    ]
    refused(supplemented(adviser, visit, notes="Two."), 422, "validation-failed")
    told = ok(adviser.get(f"/v1/visits/{visit['id']}"))["supplements"]
    assert [[change["field"] for change in each["changes"]] for each in told] == [
        ["notes"],
        ["attended_by"],
        ["attendance", "notes"],
    ]


@pytest.mark.parametrize("facts", [{"arrived_at": moment()}, {"left_at": moment(hours=-4)}, {"left_at": moment(1)}])
def test_corrected_times_are_times_of_a_visit(team: Team, facts: dict[str, str]) -> None:
    """Arrived three hours ago, left an hour ago."""
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    (error,) = refused(supplemented(adviser, visit, **facts), 422, "validation-failed")["errors"]
    assert error["pointer"] == "/left_at"


def test_corrected_times_are_marked_as_any(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    made = ok(supplemented(adviser, visit, arrived_at=moment(hours=-30)), 201)
    assert {"before_due", "long", "before_case"} <= set(made["time_marks"])


@pytest.mark.parametrize("state", ["proposed", "cancelled", "no_access"])
def test_only_a_completed_visit_takes_one(team: Team, state: str) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser), starts_at=moment(), ends_at=moment(hours=1))
    path = {"cancelled": "cancellation", "no_access": "no-access"}.get(state)
    if path:
        body = {"reason_code": "other", "note": "Flooded."}
        ok(adviser.post(f"/v1/visits/{visit['id']}/{path}", body, match=visit["version"]))
    assert refused(supplemented(adviser, visit, notes="Seen."), 409, "state-conflict")["state"] == state


def test_it_says_something_and_why(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    refused(supplemented(adviser, visit), 422, "validation-failed")
    document = refused(
        adviser.post(f"/v1/visits/{visit['id']}/supplements", {"notes": "Seen."}), 422, "validation-failed"
    )
    assert [each["pointer"] for each in document["errors"]] == ["/reason"]
    stranger = str(uuid.uuid4())
    document = refused(supplemented(adviser, visit, attended_by=[stranger]), 422, "validation-failed")
    assert [each["pointer"] for each in document["errors"]] == ["/attended_by/0"]


def test_a_repeat_is_recognised(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    body = {"id": str(uuid.uuid4()), "notes": "One."}
    first = ok(supplemented(adviser, visit, **body), 201)
    assert ok(supplemented(adviser, visit, **body), 201) == first
    refused(supplemented(adviser, visit, **{**body, "notes": "Two."}), 409, "already-exists")
    assert ok(adviser.get(f"/v1/visits/{visit['id']}"))["supplements"] == [first]


def test_two_at_once_are_one_history(team: Team) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda n: supplemented(adviser, visit, notes=f"Note {n}."), range(8)):
            ok(done, 201)
    told = ok(adviser.get(f"/v1/visits/{visit['id']}"))
    changes = [change for each in told["supplements"] for change in each["changes"]]
    assert [change["old"] for change in changes] == [None, *(change["new"] for change in changes[:-1])]
    assert told["version"] == visit["version"] + 8


@pytest.mark.parametrize("role", ["adviser", "coordinator", "supervisor", "reviewer"])
def test_who_is_not_on_the_case_supplements_nothing(team: Team, role: str) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    refused(supplemented(team.person(role), visit, notes="Mine."), 403, "forbidden")


def test_coordinators_and_tools_see_neither_supplements_nor_their_lines(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case)
    ok(supplemented(adviser, visit, notes="The gate was locked."), 201)
    for reader in (team.person("coordinator"), team.tool("visits.read", "cases.read")):
        seen = ok(reader.get(f"/v1/visits/{visit['id']}"))
        assert not {"supplements", "attendance", "time_reason", "notes"} & seen.keys()
        lines = ok(reader.get(f"/v1/cases/{case['id']}/timeline"))["items"]
        assert "visit.supplement" not in [line["action"] for line in lines]
    lines = ok(adviser.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert "visit.supplement" in [line["action"] for line in lines]


@pytest.mark.parametrize(
    "change", ["UPDATE casework.visit_supplement SET reason = 'x'", "DELETE FROM casework.visit_supplement"]
)
def test_a_supplement_stays_as_it_was_said(world: World, team: Team, change: str) -> None:
    adviser = team.person("adviser")
    visit = completed_visit(adviser, allocated_case(team, adviser))
    made = ok(supplemented(adviser, visit, notes="One."), 201)
    with pytest.raises(Exception, match="append only"):
        world.logged_sql(f"{change} WHERE id = $1", made["id"])


@pytest.mark.parametrize("approved", [False, True], ids=["in review", "approved"])
def test_advice_that_cites_what_was_seen_goes_back_to_its_author(team: Team, approved: bool) -> None:
    adviser, reviewer = team.person("adviser"), team.person("reviewer")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    line = recommendation(finding_ids=[visit["findings"][0]["id"]])
    path = f"/v1/advice/{drafted_advice(adviser, case, line)['id']}"
    ok(adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=ok(adviser.get(path))["version"]))
    advice = ok(adviser.post(f"{path}/submission", match=ok(adviser.get(path))["version"]))
    if approved:
        ok(reviewer.post(f"{path}/review", decided("approved", advice), match=advice["version"]))
    answer = supplemented(adviser, visit, notes="The gate stood open.")
    assert [code for _, code in warned(answer)] == ["advice-returned"]
    after = ok(adviser.get(path))
    assert (after["state"], after["return_reason"]) == ("returned", "content_changed")
