"""Threat levels: recorded with their source, national and Northern Ireland-related, confirmed or struck, never changed."""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from casework.access.actions import Action
from casework.kernel.clock import Clock
from casework.reference.actions import nation_of_force, working_day_after
from casework.work.unit import Caller as WorkCaller
from casework.work.unit import Work
from tests.support.callers import Caller, ok, refused
from tests.support.levels import LATER_GONE, SOURCE
from tests.support.story import (
    allocated_case,
    approved_advice,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    issued_advice,
    issuing,
    moment,
)
from tests.support.world import Team, World

LEVELS = "/v1/threat-levels"
SOON = issuing()


def said(level: str, kind: str = "national", **more: Any) -> dict[str, Any]:
    """What is recorded with."""
    return {"kind": kind, "level": level, "source_url": SOURCE, **more}


def current(caller: Caller, kind: str = "national") -> str:
    rows = ok(caller.get(LEVELS))["items"]
    (level,) = [row["level"] for row in rows if row["kind"] == kind and row["current"]]
    return str(level)


@pytest.fixture(autouse=True)
def first_levels(world: World) -> None:
    """What other tests of this world recorded is gone: the levels are those that it began with."""
    world.logged_sql(LATER_GONE)


@pytest.fixture
def lead(world: World, team: Team) -> Iterator[Caller]:
    """The professional lead; afterwards both levels are again what they were."""
    known = {row["id"] for row in ok(world.anybody().get(LEVELS))["items"]}
    yield team.person("professional_lead")
    made = [UUID(row["id"]) for row in ok(world.anybody().get(LEVELS))["items"] if row["id"] not in known]
    world.logged_sql("DELETE FROM casework.threat_level WHERE id = ANY ($1)", made)


@pytest.fixture
def none_recorded(world: World) -> Iterator[None]:
    """A service in which nobody has recorded a level yet."""
    world.sql("CREATE TABLE public.kept AS SELECT * FROM casework.threat_level")
    world.logged_sql("DELETE FROM casework.threat_level")
    yield
    world.logged_sql("DELETE FROM casework.threat_level")
    rows = world.sql("SELECT kind, level, since, source_url FROM public.kept WHERE state <> 'struck'")
    for row in rows:
        world.logged_sql(
            "INSERT INTO casework.threat_level (kind, level, since, source_url) VALUES ($1, $2, $3, $4)", *row.values()
        )
    world.sql("DROP TABLE public.kept")


def asked(world: World, question: Any, *values: Any) -> Any:
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


# --- recording ---


def test_the_professional_lead_records_a_change(world: World, lead: Caller) -> None:
    irish = current(lead, "northern_ireland")
    made = ok(lead.post(LEVELS, said("severe")), 201)
    assert (made["current"], made["state"], made["source_url"]) == (True, "confirmed", SOURCE)
    assert current(world.anybody()) == "severe"
    assert current(world.anybody(), "northern_ireland") == irish
    ok(lead.post(LEVELS, said("critical")), 201)
    kept = [row["level"] for row in ok(lead.get(LEVELS))["items"] if row["kind"] == "national"]
    assert kept[:2] == ["critical", "severe"]


def test_a_level_announced_for_later_does_not_hold_yet(lead: Caller) -> None:
    before = current(lead, "northern_ireland")
    coming = ok(lead.post(LEVELS, said("low", "northern_ireland", since=moment(days=2))), 201)
    assert coming["current"] is False
    assert current(lead, "northern_ireland") == before


@pytest.mark.parametrize("role", ["adviser", "reviewer", "coordinator", "administrator", "national_reader"])
def test_nobody_else_records_one(team: Team, role: str) -> None:
    refused(team.person(role).post(LEVELS, said("low")), 403, "forbidden")


def test_a_stranger_records_none(world: World) -> None:
    refused(world.anybody().post(LEVELS, said("low")), 401, "unauthenticated")


@pytest.mark.parametrize(("days", "status"), [(-4_000, 201), (360, 201), (370, 422), (3_600, 422), (4_000, 422)])
def test_a_level_may_have_begun_long_ago_and_begins_within_a_year(lead: Caller, days: int, status: int) -> None:
    answer = lead.post(LEVELS, said("severe", "northern_ireland", since=moment(days=days), insert=True))
    assert answer.status_code == status, answer.text
    if status == 422:
        (error,) = refused(answer, 422, "validation-failed")["errors"]
        assert (error["pointer"], error["code"]) == ("/since", "too-far")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"level": "amber"}, "/level"),
        ({"kind": "Wales"}, "/kind"),
        ({"since": "2026-11-22"}, "/since"),
        ({"set_by": "me"}, "/set_by"),
        ({"source_url": None}, "/source_url"),
        ({"source_url": "http://www.mi5.gov.uk/"}, "/source_url"),
    ],
)
def test_a_level_that_is_none_or_has_no_source_is_refused(lead: Caller, wrong: dict[str, Any], pointer: str) -> None:
    body = {name: value for name, value in {**said("severe"), **wrong}.items() if value is not None}
    told = refused(lead.post(LEVELS, body), 422, "validation-failed")
    assert [each["pointer"] for each in told["errors"]] == [pointer]


def test_what_begins_before_the_newest_is_meant_or_refused(lead: Caller) -> None:
    newest = ok(lead.post(LEVELS, said("severe", since=moment(hours=-2))), 201)
    for since in (moment(hours=-5), newest["since"]):
        told = refused(lead.post(LEVELS, said("critical", since=since)), 409, "not-the-newest")
        assert "insert: true" in told["detail"]
        assert told["newest"]["id"] == newest["id"]
    ok(lead.post(LEVELS, said("critical", since=moment(hours=-5), insert=True)), 201)
    assert current(lead) == "severe"


def test_a_struck_entry_is_no_newest(lead: Caller) -> None:
    slip = ok(lead.post(LEVELS, said("critical", since=moment(days=30))), 201)
    refused(lead.post(LEVELS, said("severe")), 409, "not-the-newest")
    ok(lead.post(f"{LEVELS}/{slip['id']}/strike", {"reason": "The wrong month."}, match=slip["version"]))
    ok(lead.post(LEVELS, said("severe")), 201)


def test_a_repeat_under_the_same_id_is_recognised(lead: Caller) -> None:
    body = said("severe", id=f"018f4e1e-0000-7000-8000-{secrets.token_hex(6)}", since=moment(hours=-1))
    assert ok(lead.post(LEVELS, body), 201) == ok(lead.post(LEVELS, body), 201)


# --- striking and confirming ---


def test_a_mistake_is_struck_and_stays_visible(world: World, team: Team, lead: Caller) -> None:
    before = current(lead)
    made = ok(lead.post(LEVELS, said("critical")), 201)
    path = f"{LEVELS}/{made['id']}"
    refused(lead.post(f"{path}/strike", {}, match=made["version"]), 422, "validation-failed")
    for other in ("supervisor", "administrator", "adviser"):
        refused(team.person(other).post(f"{path}/strike", {"reason": "No."}, match=made["version"]), 403, "forbidden")
    refused(lead.post(f"{path}/strike", {"reason": "No."}, match=made["version"] + 1), 412, "precondition-failed")
    struck = ok(lead.post(f"{path}/strike", {"reason": "Misread the page."}, match=made["version"]))
    assert (struck["state"], struck["struck_reason"], struck["current"]) == ("struck", "Misread the page.", False)
    assert current(world.anybody()) == before
    seen = ok(world.anybody().get(path))
    assert (seen["state"], seen["level"]) == ("struck", "critical")
    refused(lead.post(f"{path}/strike", {"reason": "Again."}, match=struck["version"]), 409, "state-conflict")


def test_a_supervisor_s_entry_counts_at_once_and_the_lead_confirms_it(team: Team, lead: Caller) -> None:
    supervisor = team.person("supervisor")
    made = ok(supervisor.post(LEVELS, said("severe")), 201)
    assert (made["state"], made["current"]) == ("provisional", True)
    path = f"{LEVELS}/{made['id']}/confirmation"
    refused(supervisor.post(path, {}, match=made["version"]), 409, "lead-confirms")
    refused(team.person("adviser").post(path, {}, match=made["version"]), 403, "forbidden")
    confirmed = ok(lead.post(path, {}, match=made["version"]))
    assert (confirmed["state"], confirmed["current"]) == ("confirmed", True)
    refused(lead.post(path, {}, match=confirmed["version"]), 409, "state-conflict")


def test_a_supervisor_records_nothing_that_is_recorded(team: Team, lead: Caller) -> None:
    ok(lead.post(LEVELS, said("severe", since=moment(hours=-1))), 201)
    refused(team.person("supervisor").post(LEVELS, said("severe")), 409, "level-stands")


def test_the_lead_strikes_what_a_supervisor_recorded(team: Team, lead: Caller) -> None:
    before = current(lead)
    made = ok(team.person("supervisor").post(LEVELS, said("critical")), 201)
    ok(lead.post(f"{LEVELS}/{made['id']}/strike", {"reason": "A rumour."}, match=made["version"]))
    assert current(lead) == before


def test_the_database_itself_changes_no_recorded_level(world: World, lead: Caller) -> None:
    made = UUID(ok(lead.post(LEVELS, said("severe")), 201)["id"])
    for change in ("level = 'low'", "since = now()", "kind = 'northern_ireland'", "source_url = 'https://x.example'"):
        with pytest.raises(asyncpg.PostgresError, match="never changes"):
            world.logged_sql(f"UPDATE casework.threat_level SET {change} WHERE id = $1", made)


# --- what stands under it ---


@pytest.mark.usefixtures("none_recorded")
def test_nothing_is_issued_until_somebody_records_the_level(team: Team) -> None:
    adviser, lead = team.person("adviser"), team.person("professional_lead")
    case = allocated_case(team, adviser)
    visit = completed_visit(adviser, case, finding())
    assert visit["findings"][0]["threat_level"] is None
    approved = approved_advice(team, adviser, case)
    assert approved["drafted_threat_level"] is None
    path = f"/v1/advice/{approved['id']}/issue"
    told = refused(adviser.post(path, SOON, match=approved["version"]), 409, "no-threat-level")
    assert told["missing"] == ["national"]
    ok(lead.post(LEVELS, said("severe")), 201)
    refused(adviser.post(path, SOON, match=approved["version"]), 409, "threat-level-changed")
    body = {**SOON, "confirm_threat_level": "severe"}
    assert ok(adviser.post(path, body, match=approved["version"]))["issued_threat_level"] == "severe"


def test_a_site_in_northern_ireland_carries_both(world: World, lead: Caller) -> None:
    team = world.team(nation="Northern Ireland")
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    found = completed_visit(adviser, case, finding())["findings"][0]
    both = current(lead), current(lead, "northern_ireland")
    assert (found["threat_level"], found["northern_ireland_threat_level"]) == both
    approved = approved_advice(team, adviser, case)
    ok(lead.post(LEVELS, said("critical", "northern_ireland")), 201)
    path = f"/v1/advice/{approved['id']}/issue"
    told = refused(adviser.post(path, SOON, match=approved["version"]), 409, "threat-level-changed")
    assert told["current_northern_ireland"] == "critical"
    refused(
        adviser.post(path, {**SOON, "confirm_threat_level": "critical"}, match=approved["version"]),
        409,
        "threat-level-changed",
    )
    body = {**SOON, "confirm_northern_ireland_threat_level": "critical"}
    issued = ok(adviser.post(path, body, match=approved["version"]))
    assert (issued["issued_threat_level"], issued["issued_northern_ireland_threat_level"]) == (both[0], "critical")


@pytest.mark.parametrize("nation", ["England", "Scotland", "Wales"])
def test_elsewhere_the_level_of_northern_ireland_is_none_s_affair(world: World, lead: Caller, nation: str) -> None:
    team = world.team(nation=nation)
    adviser = team.person("adviser")
    approved = approved_advice(team, adviser, allocated_case(team, adviser))
    assert approved["drafted_northern_ireland_threat_level"] is None
    ok(lead.post(LEVELS, said("critical", "northern_ireland")), 201)
    ok(adviser.post(f"/v1/advice/{approved['id']}/issue", SOON, match=approved["version"]))


def test_the_site_counts_not_the_team_s_own_force(world: World, lead: Caller, team: Team) -> None:
    irish = world.team(nation="Northern Ireland")
    adviser = team.person("adviser")
    place = ok(adviser.post("/v1/premises", {"team_id": team.id, "name": "Dock", "postcode": irish.postcode}), 201)
    drafted = drafted_advice(adviser, allocated_case(team, adviser, premises_id=place["id"]))
    assert drafted["drafted_northern_ireland_threat_level"] == current(lead, "northern_ireland")


def test_findings_take_the_level_of_the_moment_when_the_visit_began(team: Team, lead: Caller) -> None:
    before = current(lead)
    ok(lead.post(LEVELS, said("critical", since=moment(hours=-2))), 201)
    adviser = team.person("adviser")
    # Arrived three hours ago, under the level before; logged now, after the raise.
    visit = completed_visit(adviser, allocated_case(team, adviser), finding())
    assert visit["findings"][0]["threat_level"] == before
    later = ok(adviser.post(f"/v1/visits/{visit['id']}/findings", finding()), 201)
    assert later["threat_level"] == before


def test_advice_issued_under_a_struck_level_keeps_it_with_a_note(world: World, team: Team, lead: Caller) -> None:
    made = ok(lead.post(LEVELS, said("severe", since=moment(hours=-1))), 201)
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    issued = issued_advice(team, adviser, case)
    assert (issued["issued_threat_level"], issued["struck_threat_levels"]) == ("severe", [])
    ok(lead.post(f"{LEVELS}/{made['id']}/strike", {"reason": "Misread."}, match=made["version"]))
    for reader in (adviser, enquirer_of(world, team, case)):
        read = ok(reader.get(f"/v1/advice/{issued['id']}"))
        (note,) = read["struck_threat_levels"]
        assert (read["issued_threat_level"], note["kind"], note["level"]) == ("severe", "national", "severe")


# --- what other slices ask ---


def test_a_force_has_its_nation(world: World) -> None:
    assert asked(world, nation_of_force, "S23000009") == "Scotland"


def test_a_team_s_deadlines_go_by_the_list_that_administrators_keep(world: World) -> None:
    scottish = world.team(nation="Scotland")
    (friday,) = world.sql(
        "SELECT day - 3 FROM casework.bank_holiday"
        " WHERE nation = 'Scotland' AND extract(isodow FROM day) = 1 AND name LIKE 'May Day%' LIMIT 1"
    )[0]
    due = asked(world, working_day_after, UUID(scottish.id), friday, 1)
    assert (due - friday).days == 4
