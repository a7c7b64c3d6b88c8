"""Proposing a visit: who may, when, where, and that nobody is in two places at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.callers import ok, refused
from tests.support.story import allocated_case, moment, open_case, proposed_visit
from tests.support.world import Team, World

NEXT_YEAR = datetime.now(UTC).year + 1


def last_sunday(month: int) -> date:
    """Of March or October of next year: the day on which the clocks change."""
    last = date(NEXT_YEAR, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def proposing(caller, case, starts_at: object, ends_at: object, **facts):
    return caller.post(f"/v1/cases/{case['id']}/visits", {"starts_at": starts_at, "ends_at": ends_at, **facts})


def pointers(document) -> list[str]:
    return [error["pointer"] for error in document["errors"]]


def test_the_first_visit_begins_the_work(team: Team) -> None:
    adviser = team.person("adviser", name="Ann Adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case, place_note="Stage door")
    assert (visit["state"], visit["kind"], visit["zone"]) == ("proposed", "survey", "Europe/London")
    assert (visit["adviser"], visit["place_note"]) == ("Ann Adviser", "Stage door")
    assert visit["case_reference"] == case["reference"]
    assert visit["findings"] == []
    assert ok(adviser.get(f"/v1/cases/{case['id']}"))["state"] == "active"
    assert ok(adviser.get(f"/v1/visits/{visit['id']}")) == visit


def test_the_timeline_tells_who_proposed_it(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    said = world.sql(
        "SELECT person_id, subject_id FROM casework.case_event WHERE case_id = $1 AND action = 'visit.propose'",
        case["id"],
    )
    assert [(str(row["person_id"]), str(row["subject_id"])) for row in said] == [(adviser.person_id, visit["id"])]


@pytest.mark.parametrize("role", ["coordinator", "supervisor"])
def test_the_team_proposes_for_the_cases_adviser(team: Team, role: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    assert proposed_visit(team.person(role), case)["adviser_id"] == adviser.person_id


def test_an_adviser_who_is_not_involved_may_not(team: Team) -> None:
    case = allocated_case(team, team.person("adviser"))
    refused(proposing(team.person("adviser"), case, moment(1), moment(1, 1)), 403, "forbidden")


@pytest.mark.parametrize("role", ["reviewer", "information_manager", "auditor"])
def test_other_roles_may_not(team: Team, role: str) -> None:
    case = allocated_case(team, team.person("adviser"))
    refused(proposing(team.person(role), case, moment(1), moment(1, 1)), 403, "forbidden")


def test_another_force_sees_no_case_to_visit(team: Team, other_team: Team) -> None:
    case = allocated_case(team, team.person("adviser"))
    refused(proposing(other_team.person("coordinator"), case, moment(1), moment(1, 1)), 404, "not-found")


def test_a_case_without_an_adviser_needs_one_named(team: Team) -> None:
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    case = open_case(adviser, team)
    document = refused(proposing(coordinator, case, moment(1), moment(1, 1)), 422, "validation-failed")
    assert pointers(document) == ["/adviser_id"]
    ok(proposing(coordinator, case, moment(1), moment(1, 1), adviser_id=adviser.person_id), 201)


def test_only_advisers_of_the_team_are_sent(team: Team, other_team: Team) -> None:
    case = allocated_case(team, team.person("adviser"))
    coordinator = team.person("coordinator")
    for stranger in (other_team.person("adviser").person_id, coordinator.person_id[:-12] + "0" * 12):
        document = refused(
            proposing(coordinator, case, moment(1), moment(1, 1), adviser_id=stranger), 422, "validation-failed"
        )
        assert pointers(document) == ["/adviser_id"]


def test_a_place_of_another_force_is_no_place(world: World, team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    theirs, ours = (
        str(
            world.logged_sql("INSERT INTO casework.premises (team_id, name) VALUES ($1, 'Hall') RETURNING id", of.id)[
                0
            ]["id"]
        )
        for of in (other_team, team)
    )
    document = refused(proposing(adviser, case, moment(1), moment(1, 1), premises_id=theirs), 422, "validation-failed")
    assert pointers(document) == ["/premises_id"]
    assert proposed_visit(adviser, case, premises_id=ours)["premises"] == "Hall"


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        ("2026-12-01T10:00:00Z", "2026-12-01T09:00:00Z"),
        ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"),
        ("2026-12-01T10:00:00Z", "2026-12-01T11:00:00+02:00"),
        ("2026-12-01T10:00:00Z", "2026-12-01T22:00:00.001Z"),
    ],
    ids=["before", "at once", "before by offset", "more than twelve hours"],
)
def test_a_visit_ends_after_it_starts_and_within_twelve_hours(team: Team, starts_at: str, ends_at: str) -> None:
    adviser = team.person("adviser")
    document = refused(proposing(adviser, allocated_case(team, adviser), starts_at, ends_at), 422, "validation-failed")
    assert pointers(document) == ["/ends_at"]


@pytest.mark.parametrize(
    "time",
    ["2026-12-01T10:00:00", "2026-12-01T10:00", 1796119200, 1796119200.5, True, "2026-12-01", "1796119200", None, {}],
)
def test_a_time_without_offset_or_zone_is_none(team: Team, time: object) -> None:
    adviser = team.person("adviser")
    document = refused(
        proposing(adviser, allocated_case(team, adviser), time, "2026-12-01T12:00:00Z"), 422, "validation-failed"
    )
    assert pointers(document) == ["/starts_at"]


def test_a_local_time_is_the_clocks_at_the_site(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    day = f"{NEXT_YEAR}-07-01"
    visit = proposed_visit(adviser, case, starts_at=f"{day}T10:00", ends_at=f"{day}T12:00", zone="Europe/London")
    assert (visit["starts_at"], visit["ends_at"]) == (f"{day}T09:00:00.000Z", f"{day}T11:00:00.000Z")


def test_the_hour_that_spring_leaves_out_is_refused(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    zone = {"zone": "Europe/London"}
    day = last_sunday(3)
    response = proposing(adviser, case, f"{day}T01:30", f"{day}T03:00", **zone)
    refused(response, 422, "local-time-does-not-exist")
    response = proposing(adviser, case, f"{day}T00:30", f"{day}T01:30", **zone)
    refused(response, 422, "local-time-does-not-exist")


def test_the_hour_that_autumn_repeats_needs_its_offset(team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    day = last_sunday(10)
    response = proposing(adviser, case, f"{day}T01:30", f"{day}T04:00", zone="Europe/London")
    assert refused(response, 422, "local-time-ambiguous")["offsets"] == ["+01:00", "+00:00"]
    visit = proposed_visit(adviser, case, starts_at=f"{day}T01:30:00+01:00", ends_at=f"{day}T01:30:00+00:00")
    assert (visit["starts_at"], visit["ends_at"]) == (f"{day}T00:30:00.000Z", f"{day}T01:30:00.000Z")


def test_only_the_zone_of_the_sites_is_known(team: Team) -> None:
    adviser = team.person("adviser")
    response = proposing(
        adviser, allocated_case(team, adviser), "2026-12-01T10:00", "2026-12-01T12:00", zone="Asia/Tokyo"
    )
    assert pointers(refused(response, 422, "validation-failed")) == ["/zone"]


@pytest.mark.parametrize("state", ["on_hold", "closed"])
def test_a_case_that_rests_takes_no_visit(world: World, team: Team, state: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    world.logged_sql(
        "UPDATE casework.case_file SET state = $2, held_from = CASE $2 WHEN 'on_hold' THEN 'allocated' END,"
        " closed_at = CASE $2 WHEN 'closed' THEN now() END WHERE id = $1",
        case["id"],
        state,
    )
    assert refused(proposing(adviser, case, moment(1), moment(1, 1)), 409, "state-conflict")["state"] == state


def test_an_adviser_is_booked_once_at_a_time(team: Team) -> None:
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    first, second = allocated_case(team, adviser), allocated_case(team, adviser)
    day = f"{NEXT_YEAR}-06-01T"
    ok(proposing(adviser, first, f"{day}10:00:00Z", f"{day}12:00:00Z"), 201)
    refused(proposing(coordinator, second, f"{day}11:59:00Z", f"{day}13:00:00Z"), 409, "adviser-unavailable")
    ok(proposing(adviser, second, f"{day}12:00:00Z", f"{day}13:00:00Z"), 201)
    colleague = team.person("adviser").person_id
    ok(proposing(coordinator, second, f"{day}10:00:00Z", f"{day}12:00:00Z", adviser_id=colleague), 201)


def test_a_repeat_is_recognised_and_makes_one_visit(world: World, team: Team) -> None:
    adviser = team.person("adviser")
    case, other = allocated_case(team, adviser), allocated_case(team, adviser)
    body = {"id": str(uuid.uuid4()), "starts_at": moment(3), "ends_at": moment(3, 2)}
    first = proposed_visit(adviser, case, **body)
    assert proposed_visit(adviser, case, **body)["id"] == first["id"]
    told = world.sql("SELECT FROM casework.case_event WHERE case_id = $1 AND action = 'visit.propose'", case["id"])
    assert len(told) == 1
    path = f"/v1/cases/{case['id']}/visits"
    refused(adviser.post(path, {**body, "kind": "event"}), 409, "already-exists")
    refused(adviser.post(f"/v1/cases/{other['id']}/visits", body), 409, "already-exists")


def test_of_two_at_once_one_is_booked(world: World, team: Team) -> None:
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    first, second = allocated_case(team, adviser), allocated_case(team, adviser)
    with ThreadPoolExecutor(2) as pool:
        for hour in range(20):
            starts, ends = moment(30, 3 * hour), moment(30, 3 * hour + 2)
            pair = [
                pool.submit(proposing, caller, case, starts, ends)
                for caller, case in ((adviser, first), (coordinator, second))
            ]
            winner, loser = sorted((each.result() for each in pair), key=lambda response: response.status_code)
            ok(winner, 201)
            refused(loser, 409, "adviser-unavailable")
    overlaps = world.sql(
        "SELECT FROM casework.site_visit a JOIN casework.site_visit b ON a.id < b.id AND a.adviser_id = b.adviser_id"
        " AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at) WHERE a.adviser_id = $1",
        adviser.person_id,
    )
    assert overlaps == []
