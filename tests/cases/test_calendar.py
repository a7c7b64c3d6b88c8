"""Deadlines go by the list of bank holidays that administrators keep, also by one that comes later."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.enquiries.building import asked
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.trial import Trial
from tests.support.world import Team, World

NATION = "Northern Ireland"


@pytest.fixture
def here(world: World) -> Iterator[Team]:
    """A team of a nation whose calendar is put back afterwards."""
    yield world.team(nation=NATION)
    world.logged_sql("DELETE FROM casework.bank_holiday WHERE name = 'A day of mourning'")


def day_within(world: World, due: str) -> str:
    """The last working day before a deadline."""
    day = date.fromisoformat(due) - timedelta(days=1)
    while next_working(world, (day - timedelta(days=1)).isoformat()) != day.isoformat():
        day -= timedelta(days=1)
    return day.isoformat()


def proclaim(keeper: Caller, day: str, **more: Any) -> Any:
    body = {"nation": NATION, "day": day, "name": "A day of mourning", **more}
    return ok(keeper.post("/v1/bank-holidays", body), 201)


def touched(answer: Any, team: Team) -> tuple[int, int]:
    found = [(each["enquiries"], each["cases"]) for each in answer["deadlines"] if each["team_id"] == team.id]
    return found[0] if found else (0, 0)


def due(caller: Caller, case: Any) -> str:
    return str(ok(caller.get(f"/v1/cases/{case['id']}"))["due_on"])


def next_working(world: World, day: str) -> str:
    found = world.sql("SELECT casework.next_working_day($1, $2::text::date) AS day", NATION, day)[0]["day"]
    return str(found.isoformat())


def test_a_holiday_that_comes_later_lists_what_it_touches_and_moves_nothing_unasked(world: World, here: Team) -> None:
    adviser, keeper = here.person("adviser"), here.person("administrator")
    counted, stated = open_case(adviser, here), open_case(adviser, here, due_on="2030-01-04")
    enquiry = asked(world, here)
    day = day_within(world, enquiry.read()["respond_by"])
    told = proclaim(keeper, day)
    assert (touched(told, here), told["recounted"]) == ((1, 1), False)
    assert "CASE-" not in str(told)
    assert (due(adviser, counted), due(adviser, stated)) == (counted["due_on"], stated["due_on"])


def test_on_request_it_moves_what_was_counted_and_nothing_that_was_stated(world: World, here: Team) -> None:
    adviser, keeper = here.person("adviser"), here.person("administrator")
    counted, stated, amended = (open_case(adviser, here, **facts) for facts in ({}, {"due_on": "2030-01-04"}, {}))
    ours = allocated_case(here, adviser)
    ok(adviser.patch(f"/v1/cases/{ours['id']}", {"due_on": ours["due_on"]}, match=ours["version"]))
    enquiry, abroad = asked(world, here), asked(world, world.team())
    before = enquiry.read()["respond_by"], abroad.read()["respond_by"]
    told = proclaim(keeper, day_within(world, before[0]), recount=True)
    assert (touched(told, here), told["recounted"]) == ((1, 2), True)
    assert enquiry.read()["respond_by"] == next_working(world, before[0])
    assert abroad.read()["respond_by"] == before[1]
    for case in (counted, amended):
        assert due(adviser, case) == next_working(world, case["due_on"])
    assert (due(adviser, stated), due(adviser, ours)) == (stated["due_on"], ours["due_on"])


@pytest.mark.parametrize("off", ["weekend", "beyond", "inactive"])
def test_a_day_on_which_nothing_was_counted_touches_nothing(world: World, here: Team, off: str) -> None:
    respond_by = date.fromisoformat(asked(world, here).read()["respond_by"])
    day = respond_by
    if off == "weekend":
        day = respond_by - timedelta(days=respond_by.isoweekday())  # a Sunday
    elif off == "beyond":
        day = respond_by + timedelta(days=400)
    told = proclaim(here.person("administrator"), day.isoformat(), recount=True, active=off != "inactive")
    assert touched(told, here) == (0, 0)


@pytest.mark.parametrize("role", ["supervisor", "coordinator", "adviser"])
def test_only_who_keeps_the_calendar_moves_it(here: Team, role: str) -> None:
    body = {"nation": NATION, "day": "2040-05-02", "name": "A day of mourning", "recount": True}
    refused(here.person(role).post("/v1/bank-holidays", body), 403, "forbidden")


def test_a_rest_is_counted_by_the_list_that_administrators_keep(trial: Trial) -> None:
    team = trial.team(nation=NATION)
    adviser, keeper = team.person("adviser"), team.person("administrator")
    case = allocated_case(team, adviser)
    path = f"/v1/cases/{case['id']}"
    held = ok(adviser.post(f"{path}/hold", {"reason_code": "awaiting_building_works"}, match=case["version"]))
    today = date.fromisoformat(held["held_on"])
    whole = trial.sql(
        "SELECT count(*) FROM generate_series($1::text::date + 1, $1::text::date + 7, '1 day') d WHERE extract(isodow FROM d) < 6"
        " AND NOT EXISTS (SELECT FROM casework.bank_holiday b WHERE b.nation = $2 AND b.day = d::date AND b.active)",
        today.isoformat(), NATION,
    )[0][0]  # fmt: skip
    closed = next_working(trial, today.isoformat())
    try:
        proclaim(keeper, closed)
        proclaim(keeper, next_working(trial, closed), active=False)  # one that was struck counts for nothing
        trial.forward(days=7)
        resumed = ok(adviser.post(f"{path}/resumption", match=held["version"]))
        moved = str(case["due_on"])
        for _ in range(whole - 1):
            moved = next_working(trial, moved)
        assert resumed["due_on"] == moved
    finally:
        trial.logged_sql("DELETE FROM casework.bank_holiday WHERE name = 'A day of mourning'")


def test_what_was_listed_first_is_recounted_then_and_once(world: World, here: Team) -> None:
    adviser, keeper = here.person("adviser"), here.person("administrator")
    case = open_case(adviser, here)
    day = day_within(world, case["due_on"])
    told = proclaim(keeper, day)
    assert (touched(told, here)[1], told["recounted"], due(adviser, case)) == (1, False, case["due_on"])
    then = proclaim(keeper, day, id=told["id"], recount=True)
    assert (touched(then, here)[1], then["recounted"]) == (1, True)
    moved = next_working(world, case["due_on"])
    assert due(adviser, case) == moved
    again = proclaim(keeper, day, id=told["id"], recount=True)
    assert (again["deadlines"], again["recounted"], due(adviser, case)) == ([], False, moved)
