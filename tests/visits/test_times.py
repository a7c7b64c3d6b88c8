"""A visit is evidence: what is not plausible about its times is taken with a reason, is marked, and is shown to the reviewer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.callers import Caller, ok, refused
from tests.support.story import (
    allocated_case,
    drafted_advice,
    finding,
    just_now,
    moment,
    proposed_visit,
    recommendation,
)
from tests.support.trial import Trial
from tests.support.world import Team, World

REASON = "The manager asked us to come on another day."


def log(caller: Caller, visit: dict[str, Any], arrived_at: str, left_at: str, **facts: Any) -> httpx.Response:
    body = {"arrived_at": arrived_at, "left_at": left_at, **facts}
    return caller.post(f"/v1/visits/{visit['id']}/completion", body, match=visit["version"])


def due_now(caller: Caller, case: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A visit that has just begun, and whose time was confirmed."""
    visit = proposed_visit(caller, case, starts_at=moment(), ends_at=moment(hours=2), **facts)
    path = f"/v1/visits/{visit['id']}/confirmation"
    return dict(ok(caller.post(path, {"decision": "confirm"}, match=visit["version"])))


def premises(world: World, team: Team, town: str | None) -> str:
    made = world.logged_sql(
        "INSERT INTO casework.premises (team_id, name, town) VALUES ($1, 'Hall', $2) RETURNING id", team.id, town
    )
    return str(made[0]["id"])


def test_a_visit_made_when_it_was_due_needs_no_reason(team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    visit = due_now(adviser, allocated_case(team, adviser))
    logged = ok(log(adviser, visit, just_now(5), just_now(10)))
    assert (logged["state"], logged["time_marks"], logged["time_reason"]) == ("completed", [], None)
    assert (logged["logged_by"], logged["logger"]) == (adviser.person_id, "Ann Adviser")


def test_one_that_nobody_confirmed_is_marked_and_needs_none_either(team: Team) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser), starts_at=moment(), ends_at=moment(hours=1))
    assert ok(log(adviser, visit, just_now(5), just_now(10)))["time_marks"] == ["unconfirmed"]


# By days from now, because the values move with the clock, and each worker collects by its own.
@pytest.mark.parametrize(
    ("arrived", "lasted", "mark"),
    [(None, 1, "before_case"), (None, 1, "before_due"), (-3, 1, "before_due"), (-30, 20, "long")],
)
def test_a_visit_yet_to_come_is_not_logged_as_made_without_a_word(
    world: World, team: Team, arrived: int | None, lasted: int, mark: str
) -> None:
    """The attack: a visit of next month, never confirmed, is logged as made in 2020; and others of its kind."""
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser), starts_at=moment(30), ends_at=moment(30, 2))
    times = (moment(hours=arrived), moment(hours=arrived + lasted)) if arrived else ("2020-01-01T10:00:00.000Z", "2020-01-01T11:00:00.000Z")  # fmt: skip
    (error,) = refused(log(adviser, visit, *times), 422, "validation-failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/time_reason", "required")
    assert mark in error["time_marks"]
    assert ok(adviser.get(f"/v1/visits/{visit['id']}"))["state"] == "proposed"
    # What happened is never refused: with a reason it is taken, and marked.
    logged = ok(log(adviser, visit, *times, time_reason=REASON))
    assert mark in logged["time_marks"]
    assert logged["time_reason"] == REASON
    said = "SELECT reason FROM casework.case_event WHERE subject_id = $1 AND action = 'visit.complete'"
    assert [row["reason"] for row in world.sql(said, visit["id"])] == [REASON]


@pytest.mark.parametrize(("due", "made", "marks"), [
    # by hours from the moment at which it is logged: the appointment, and the visit
    ((-1, 1), (-0.9, -0.1), []),
    ((-3, -2), (-3.4, -2), []),
    ((-3, -2), (-5.5, -3), ["before_due"]),
    ((-3, -2), (-7.5, -2.5), ["before_due"]),
    ((-9, -7), (-3.5, -1), []),
    ((-9, -8), (-3.5, -1), ["after_due"]),
    ((-14, -3), (-14, -1.5), ["long"]),
])  # fmt: skip
def test_an_appointment_is_kept_within_four_hours(
    trial: Trial, due: tuple[float, float], made: tuple[float, float], marks: list[str]
) -> None:
    team = trial.team()
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    logging = datetime.fromisoformat(trial.moment(days=3))  # so that the case was opened well before

    def at(hours: float) -> str:
        return (logging + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    visit = proposed_visit(adviser, case, starts_at=at(due[0]), ends_at=at(due[1]))
    ok(adviser.post(f"/v1/visits/{visit['id']}/confirmation", {"decision": "confirm"}, match=visit["version"]))
    trial.forward(days=3)
    visit["version"] += 1
    if marks:
        refused(log(adviser, visit, at(made[0]), at(made[1])), 422, "validation-failed")
    assert ok(log(adviser, visit, at(made[0]), at(made[1]), time_reason=REASON))["time_marks"] == marks


def test_nobody_is_at_two_places_at_once_but_on_one_walk(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    derby, ripley = premises(world, team, "Derby"), premises(world, team, "Ripley")
    also_derby, nowhere = premises(world, team, " DERBY"), premises(world, team, None)
    first, *others = (
        allocated_case(team, adviser, premises_id=place) for place in (derby, also_derby, ripley, nowhere)
    )
    visit = proposed_visit(adviser, first, starts_at=moment(), ends_at=moment(hours=1))
    ok(log(adviser, visit, just_now(5), just_now(60_000)))
    for case, expected in zip(others, ([], ["overlapping"], ["overlapping"]), strict=True):
        visit = due_now(adviser, case)
        if expected:
            (error,) = refused(log(adviser, visit, just_now(5), just_now(30_000)), 422, "validation-failed")["errors"]
            assert error["pointer"] == "/time_reason"
            assert error["time_marks"] == expected
        assert ok(log(adviser, visit, just_now(5), just_now(30_000), time_reason=REASON))["time_marks"] == expected
    # Somebody else is where they are.
    colleague = team.person("adviser")
    visit = due_now(colleague, allocated_case(team, colleague, premises_id=ripley))
    assert ok(log(colleague, visit, just_now(5), just_now(30_000)))["time_marks"] == []


def two_elsewhere(
    world: World, team: Team, *advisers: Caller, towns: tuple[str, str] = ("Derby", "Ripley")
) -> list[dict[str, Any]]:
    """A visit of each, in two towns, that nobody has logged."""
    cases = [
        allocated_case(team, adviser, premises_id=premises(world, team, town))
        for adviser, town in zip(advisers, towns, strict=True)
    ]
    return [
        proposed_visit(adviser, case, starts_at=moment(40 + n), ends_at=moment(40 + n, 1))
        for n, (adviser, case) in enumerate(zip(advisers, cases, strict=True))
    ]


def told(caller: Caller, visit: dict[str, Any], **facts: Any) -> Any:
    """What is said instead of a visit, in a supplement."""
    return ok(caller.post(f"/v1/visits/{visit['id']}/supplements", {"reason": "Mistyped.", **facts}), 201)


@pytest.mark.parametrize("first_of", [0, 1], ids=["beside first", "own first"])
def test_who_was_there_beside_the_adviser_was_nowhere_else(world: World, team: Team, first_of: int) -> None:
    """Whichever of the two visits is logged first."""
    ann, bo, cy = (team.person("adviser") for _ in range(3))
    visits = two_elsewhere(world, team, ann, bo)
    times = moment(hours=-3), moment(hours=-2)
    logs = [
        lambda: log(ann, visits[0], *times, time_reason=REASON, attended_by=[bo.person_id, cy.person_id]),
        lambda: log(bo, visits[1], *times, time_reason=REASON),
    ]
    assert "overlapping" not in ok(logs[first_of]())["time_marks"]
    assert "overlapping" in ok(logs[1 - first_of]())["time_marks"]
    # Nor were two who were there beside somebody.
    dee = team.person("adviser")
    visit = proposed_visit(dee, allocated_case(team, dee, premises_id=premises(world, team, "Buxton")))
    beside = ok(log(dee, visit, *times, time_reason=REASON, attended_by=[cy.person_id]))
    assert "overlapping" in beside["time_marks"]


def test_an_overlap_is_judged_by_what_was_said_last(world: World, team: Team) -> None:
    ann, bo = team.person("adviser"), team.person("adviser")
    first, second = two_elsewhere(world, team, ann, ann)
    morning, noon = (moment(hours=-9), moment(hours=-8)), (moment(hours=-6), moment(hours=-5))
    logged = ok(log(ann, first, *morning, time_reason=REASON))
    told(ann, logged, arrived_at=noon[0], left_at=noon[1])
    assert "overlapping" not in ok(log(ann, second, *morning, time_reason=REASON))["time_marks"]
    third, fourth = two_elsewhere(world, team, bo, ann, towns=("Buxton", "Matlock"))
    third = ok(log(bo, third, *noon, time_reason=REASON))
    assert "overlapping" not in third["time_marks"]
    assert "overlapping" in told(bo, third, attended_by=[ann.person_id])["time_marks"]
    told(bo, third, attended_by=[])
    # The first of them was at noon, as was said; that she was beside Bo then was taken back.
    assert "overlapping" in ok(log(ann, fourth, *noon, time_reason=REASON))["time_marks"]


def test_who_is_said_to_have_been_there_afterwards_was_nowhere_else(world: World, team: Team) -> None:
    ann, bo = team.person("adviser"), team.person("adviser")
    first, second = two_elsewhere(world, team, ann, bo)
    times = moment(hours=-3), moment(hours=-2)
    told(ann, ok(log(ann, first, *times, time_reason=REASON)), attended_by=[bo.person_id])
    assert "overlapping" in ok(log(bo, second, *times, time_reason=REASON))["time_marks"]


def test_of_two_that_overlap_and_are_logged_at_once_one_is_marked(world: World, team: Team) -> None:
    times = moment(hours=-3), moment(hours=-2)

    def logged(caller: Caller, visit: dict[str, Any]) -> dict[str, Any]:
        return dict(ok(log(caller, visit, *times, time_reason=REASON)))

    for _ in range(5):
        adviser = team.person("adviser")
        cases = [allocated_case(team, adviser, premises_id=premises(world, team, town)) for town in ("Derby", "Ripley")]
        visits = [
            proposed_visit(adviser, case, starts_at=moment(40 + n), ends_at=moment(40 + n, 1))
            for n, case in enumerate(cases)
        ]
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(logged, [adviser, adviser], visits))
        assert sum("overlapping" in each["time_marks"] for each in both) >= 1


@pytest.mark.parametrize(
    ("arrived", "left", "code"), [(-1, -1, "order"), (-1, -2, "order"), (-1, 1, "future"), (0.5, 1, "future")]
)
def test_a_visit_began_before_it_ended_and_is_over(team: Team, arrived: float, left: float, code: str) -> None:
    adviser = team.person("adviser")
    visit = due_now(adviser, allocated_case(team, adviser))
    times = (just_now(int(arrived * 3_600_000)), just_now(int(left * 3_600_000)))
    if arrived == left:
        times = (times[0], times[0])
    (error,) = refused(log(adviser, visit, *times, time_reason=REASON), 422, "validation-failed")["errors"]
    assert (error["pointer"], error["code"]) == ("/left_at", code)


def test_that_nobody_was_there_is_seen_once_the_visit_has_begun(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    later, now = proposed_visit(adviser, case), due_now(adviser, case)
    nobody = {"reason_code": "nobody_there"}
    refused(adviser.post(f"/v1/visits/{later['id']}/no-access", nobody, match=later["version"]), 409, "visit-not-begun")
    assert ok(adviser.get(f"/v1/visits/{later['id']}"))["state"] == "proposed"
    assert ok(adviser.post(f"/v1/visits/{now['id']}/no-access", nobody, match=now["version"]))["state"] == "no_access"


def test_the_reviewer_is_shown_what_is_marked(team: Team) -> None:
    adviser, reviewer = team.person("adviser"), team.person("reviewer")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    logged = ok(log(adviser, visit, moment(hours=-3), moment(hours=-2), time_reason=REASON, findings=[finding()]))
    draft = drafted_advice(adviser, case, recommendation(finding_ids=[logged["findings"][0]["id"]]))
    path = f"/v1/advice/{draft['id']}"
    ok(adviser.post(f"{path}/reviewer", {"reviewer_id": reviewer.person_id}, match=draft["version"]))
    (cited,) = ok(reviewer.get(path))["findings"]
    assert cited["visit_time_marks"] == ["unconfirmed", "before_due", "before_case"]
    assert cited["visit_time_reason"] == REASON
    assert ok(reviewer.get(f"/v1/visits/{visit['id']}"))["time_reason"] == REASON


def test_why_is_told_in_the_timeline_to_whom_the_visit_tells_it(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    ok(log(adviser, proposed_visit(adviser, case), moment(hours=-3), moment(hours=-2), time_reason=REASON))
    unplanned = {"arrived_at": moment(hours=-6), "left_at": moment(hours=-5), "time_reason": REASON}
    body = {"without_appointment": True, "adviser_id": adviser.person_id, **unplanned}
    ok(adviser.post(f"/v1/cases/{case['id']}/visits", body), 201)

    def lines(reader: Caller) -> list[tuple[str, str | None]]:
        items = ok(reader.get(f"/v1/cases/{case['id']}/timeline"))["items"]
        return sorted(
            (each["action"], each["reason"]) for each in items if each["reason"] or "complete" in each["action"]
        )

    for reader in (adviser, team.person("supervisor")):
        assert lines(reader) == [("visit.complete", REASON), ("visit.propose", REASON)]
    # That the visit was made is told to everybody who reads the case.
    for reader in (team.person("coordinator"), team.tool("visits.read", "cases.read")):
        assert lines(reader) == [("visit.complete", None)]


@pytest.mark.parametrize(
    "change",
    [
        "left_at = left_at - interval '1 hour'",
        "time_marks = '{}'",
        "time_reason = NULL",
        "adviser_id = (SELECT p.id FROM casework.person p WHERE p.id <> adviser_id LIMIT 1)",
        "notes = 'Nothing.'",
        "state = 'proposed', left_at = NULL",
    ],
)
def test_what_was_logged_stays_in_the_database_too(world: World, team: Team, change: str) -> None:
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    ok(log(adviser, visit, moment(hours=-3), moment(hours=-1), time_reason=REASON))
    with pytest.raises(Exception, match="a visit that is over never changes"):
        world.logged_sql(f"UPDATE casework.site_visit SET {change} WHERE id = $1", visit["id"])


def test_no_door_logs_a_visit_unmarked(world: World, team: Team) -> None:
    """Whoever writes the row: the database marks it and asks for the reason."""
    adviser = team.person("adviser")
    visit = proposed_visit(adviser, allocated_case(team, adviser))
    made = (
        "UPDATE casework.site_visit SET state = 'completed', arrived_at = '2020-01-01T10:00Z', left_at = '2020-01-01T11:00Z',"
        " time_marks = '{{}}' {reason} WHERE id = $1"
    )
    with pytest.raises(Exception, match="a reason is needed"):
        world.logged_sql(made.format(reason=""), visit["id"])
    world.logged_sql(made.format(reason=", time_reason = 'Seen.'"), visit["id"])
    assert "before_case" in ok(adviser.get(f"/v1/visits/{visit['id']}"))["time_marks"]
