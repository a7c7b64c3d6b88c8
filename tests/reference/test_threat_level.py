"""The national threat level: recorded by the professional lead, read by everybody, one for each side of the sea."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from casework.access.actions import Action
from casework.kernel.clock import Clock
from casework.reference.actions import current_threat_level, nation_of_force, nation_of_team, working_day_after
from casework.work.unit import Caller as WorkCaller
from casework.work.unit import Work
from tests.support.callers import Caller, ok, refused
from tests.support.story import moment
from tests.support.world import Team, World


def current(caller: Caller, nation: str) -> str:
    rows = ok(caller.get("/v1/threat-levels"))["items"]
    (level,) = [row["level"] for row in rows if row["nation"] == nation and row["current"]]
    return str(level)


@pytest.fixture
def lead(world: World, team: Team) -> Iterator[Caller]:
    """The professional lead; afterwards both levels are again what they were."""
    person = team.person("professional_lead")
    before = {nation: current(person, nation) for nation in ("Great Britain", "Northern Ireland")}
    yield person
    for nation, level in before.items():
        world.logged_sql("DELETE FROM casework.threat_level WHERE set_by = $1", UUID(person.person_id))
        assert current(person, nation) == level


def asked(world: World, team: Team, question: Any, *values: Any) -> Any:
    """What another slice gets when it asks within its unit of work."""

    async def go() -> Any:
        connection = await asyncpg.connect(world.addresses.staff)
        try:
            async with connection.transaction():
                clock = Clock(await connection.fetchval("SELECT casework.now()"))
                caller = WorkCaller("staff", None, (), (), None, clock=clock)
                return await question(Work(connection, caller, Action.REFERENCE_READ), *values)
        finally:
            await connection.close()

    return asyncio.run(go())


def test_both_levels_are_substantial_at_first(world: World) -> None:
    rows = ok(world.anybody().get("/v1/threat-levels"))["items"]
    first = {row["nation"]: row["level"] for row in rows}  # the newest come first, so the oldest is kept
    assert first == {"Great Britain": "substantial", "Northern Ireland": "substantial"}


def test_the_professional_lead_records_a_change(world: World, lead: Caller) -> None:
    irish = current(lead, "Northern Ireland")
    made = ok(lead.post("/v1/threat-levels", {"nation": "Great Britain", "level": "severe"}), 201)
    assert made["current"]
    assert current(world.anybody(), "Great Britain") == "severe"
    assert current(world.anybody(), "Northern Ireland") == irish
    ok(lead.post("/v1/threat-levels", {"nation": "Great Britain", "level": "critical"}), 201)
    kept = [row["level"] for row in ok(lead.get("/v1/threat-levels"))["items"] if row["nation"] == "Great Britain"]
    assert kept[:2] == ["critical", "severe"]
    assert kept[-1] == "substantial"


def test_a_level_announced_for_later_does_not_hold_yet(world: World, lead: Caller) -> None:
    before = current(lead, "Northern Ireland")
    body = {"nation": "Northern Ireland", "level": "moderate", "since": moment(days=2)}
    assert ok(lead.post("/v1/threat-levels", body), 201)["current"] is False
    assert current(lead, "Northern Ireland") == before


@pytest.mark.parametrize(
    "role", ["adviser", "reviewer", "coordinator", "supervisor", "administrator", "national_reader"]
)
def test_nobody_else_records_one(team: Team, role: str) -> None:
    body = {"nation": "Great Britain", "level": "low"}
    refused(team.person(role).post("/v1/threat-levels", body), 403, "forbidden")


def test_a_stranger_records_none(world: World) -> None:
    body = {"nation": "Great Britain", "level": "low"}
    refused(world.anybody().post("/v1/threat-levels", body), 401, "unauthenticated")


@pytest.mark.parametrize(("days", "status"), [(-4_000, 201), (360, 201), (370, 422), (3_600, 422), (4_000, 422)])
def test_a_level_may_have_begun_long_ago_and_begins_within_a_year(lead: Caller, days: int, status: int) -> None:
    answer = lead.post(
        "/v1/threat-levels", {"nation": "Northern Ireland", "level": "severe", "since": moment(days=days)}
    )
    assert answer.status_code == status, answer.text
    if status == 422:
        (error,) = refused(answer, 422, "validation-failed")["errors"]
        assert (error["pointer"], error["code"]) == ("/since", "too-far")


@pytest.mark.parametrize("wrong", [{"level": "amber"}, {"nation": "Wales"}, {"since": "2026-11-22"}, {"set_by": "me"}])
def test_a_level_that_is_none_is_refused(lead: Caller, wrong: dict[str, Any]) -> None:
    body = {"nation": "Great Britain", "level": "severe", **wrong}
    refused(lead.post("/v1/threat-levels", body), 422, "validation-failed")


def test_a_team_works_under_the_level_of_its_nation(world: World, lead: Caller, team: Team) -> None:
    irish, scottish = world.team(nation="Northern Ireland"), world.team(nation="Scotland")
    ok(lead.post("/v1/threat-levels", {"nation": "Northern Ireland", "level": "severe"}), 201)
    levels = [asked(world, each, current_threat_level, UUID(each.id)) for each in (irish, scottish, team)]
    here = current(lead, "Great Britain")
    assert levels == ["severe", here, here]
    assert asked(world, irish, nation_of_team, UUID(irish.id)) == "Northern Ireland"
    assert asked(world, team, nation_of_force, "S23000009") == "Scotland"


def test_a_team_s_deadlines_go_by_the_list_that_administrators_keep(world: World) -> None:
    scottish = world.team(nation="Scotland")
    (friday,) = world.sql(
        "SELECT day - 3 FROM casework.bank_holiday"
        " WHERE nation = 'Scotland' AND extract(isodow FROM day) = 1 AND name LIKE 'May Day%' LIMIT 1"
    )[0]
    due = asked(world, scottish, working_day_after, UUID(scottish.id), friday, 1)
    assert (due - friday).days == 4
