"""What time does to a case: deadlines pass, shares and emergencies end, a day begins at midnight where the site is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.clock.calendar import NEXT_YEAR, in_london, last_sunday, monday
from tests.enquiries.building import asked
from tests.support.callers import Caller, ok, refused
from tests.support.levels import SOURCE
from tests.support.story import (
    allocated_case,
    approved_advice,
    drafted_advice,
    finding,
    issuing,
    open_case,
    proposed_visit,
    recommendation,
)
from tests.support.trial import Trial
from tests.support.world import Team

WORKS = {"reason_code": "awaiting_building_works"}
FEBRUARY = monday(2)
"""Four weeks in which no nation of the United Kingdom keeps a bank holiday begin then."""


@pytest.fixture
def team(trial: Trial) -> Team:
    return trial.team()


@pytest.fixture
def other_team(trial: Trial) -> Team:
    return trial.team()


@pytest.fixture
def adviser(team: Team) -> Caller:
    return team.person("adviser")


def version(caller: Caller, path: str) -> int:
    found: int = ok(caller.get(path))["version"]
    return found


def held_on(adviser: Caller, team: Team) -> str:
    """What day it is, as a case that is put on hold now has it."""
    case = allocated_case(team, adviser)
    held: str = ok(adviser.post(f"/v1/cases/{case['id']}/hold", WORKS, match=case["version"]))["held_on"]
    return held


# --- deadlines ---


def test_a_case_is_due_after_twenty_working_days_and_rests_on_hold(trial: Trial, team: Team, adviser: Caller) -> None:
    trial.at(in_london(FEBRUARY, 9))
    case = allocated_case(team, adviser)
    assert case["due_on"] == (FEBRUARY + timedelta(weeks=4)).isoformat()
    path = f"/v1/cases/{case['id']}"
    trial.forward(days=7)
    held = ok(adviser.post(f"{path}/hold", WORKS, match=case["version"]))
    assert held["held_on"] == (FEBRUARY + timedelta(weeks=1)).isoformat()
    trial.forward(days=7)
    resumed = ok(adviser.post(f"{path}/resumption", match=held["version"]))
    assert resumed["due_on"] == (FEBRUARY + timedelta(weeks=5)).isoformat()


def test_everything_about_a_case_is_stamped_by_the_same_clock(trial: Trial, team: Team, adviser: Caller) -> None:
    trial.at(in_london(FEBRUARY, 9))
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}"
    ok(adviser.post(f"{path}/notes", {"body": "Rang the duty manager."}), 201)
    seen = [ok(adviser.get(path))["opened_at"], ok(adviser.get(path))["amended_at"]]
    seen += [each["at"] for each in ok(adviser.get(f"{path}/timeline"))["items"]]
    seen += [each["created_at"] for each in ok(adviser.get(f"{path}/notes"))["items"]]
    assert {moment[:10] for moment in seen} == {FEBRUARY.isoformat()}


def test_a_business_is_answered_within_five_working_days_wherever_its_enquiry_goes(
    trial: Trial, team: Team, other_team: Team
) -> None:
    trial.at(in_london(FEBRUARY, 9))
    enquiry = asked(trial, team)
    assert enquiry.received["respond_by"] == (FEBRUARY + timedelta(weeks=1)).isoformat()
    assert enquiry.read()["received_at"][:10] == FEBRUARY.isoformat()
    offer = ok(enquiry.move("transfer", {"to_team_id": other_team.id}), 201)
    trial.forward(days=14)
    there = other_team.person("coordinator")
    ok(there.post(f"/v1/enquiry-transfers/{offer['id']}/acceptance", {}, match=offer["version"]))
    assert ok(there.get(enquiry.path))["respond_by"] == (FEBRUARY + timedelta(weeks=3)).isoformat()


def test_a_measure_becomes_overdue_when_its_day_is_over_in_london(trial: Trial, team: Team, adviser: Caller) -> None:
    target = date(NEXT_YEAR, 6, 30)
    trial.at(in_london(target - timedelta(days=30), 9))
    case = allocated_case(team, adviser)
    issued = _issued(trial, team, adviser, case, recommendation(target_on=target.isoformat()))
    (late,) = [each["id"] for each in issued["recommendations"]]

    def overdue() -> list[str]:
        found = ok(adviser.get("/v1/recommendations", case_id=case["id"], overdue="true"))["items"]
        return [each["id"] for each in found]

    # In summer a day ends an hour earlier than in UTC.
    trial.at(in_london(target, 23, 50))
    assert overdue() == []
    trial.at(in_london(target + timedelta(days=1), 0, 10))
    assert overdue() == [late]


def _issued(trial: Trial, team: Team, adviser: Caller, case: dict[str, Any], *measures: Any) -> dict[str, Any]:
    approved = approved_advice(team, adviser, case, *measures)
    body = issuing(trial.moment(days=90)[:10], deliver_on=trial.moment(days=7)[:10])
    issued: dict[str, Any] = ok(adviser.post(f"/v1/advice/{approved['id']}/issue", body, match=approved["version"]))
    return issued


# --- what day it is ---


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(NEXT_YEAR, 6, 30, 22, 50, tzinfo=UTC), f"{NEXT_YEAR}-06-30"),
        (datetime(NEXT_YEAR, 6, 30, 23, 10, tzinfo=UTC), f"{NEXT_YEAR}-07-01"),
        (datetime(NEXT_YEAR, 1, 31, 23, 50, tzinfo=UTC), f"{NEXT_YEAR}-01-31"),
        (datetime(NEXT_YEAR, 2, 1, 0, 10, tzinfo=UTC), f"{NEXT_YEAR}-02-01"),
    ],
    ids=["summer, before midnight", "summer, after it", "winter, before midnight", "winter, after it"],
)
def test_a_day_begins_at_midnight_in_london(
    trial: Trial, team: Team, adviser: Caller, moment: datetime, day: str
) -> None:
    trial.at(moment)
    assert held_on(adviser, team) == day
    assert str(_today(trial)) == day


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
def test_a_day_on_which_the_clocks_change_is_one_day(
    trial: Trial, team: Team, adviser: Caller, month: int, hours: int
) -> None:
    day = last_sunday(month)
    first = in_london(day, 0)
    assert in_london(day + timedelta(days=1), 0) - first == timedelta(hours=hours)
    for moment, expected in (
        (first - timedelta(minutes=10), day - timedelta(days=1)),
        (first + timedelta(minutes=10), day),
        (first + timedelta(hours=hours, minutes=-10), day),
        (first + timedelta(hours=hours, minutes=10), day + timedelta(days=1)),
    ):
        trial.at(moment)
        assert held_on(adviser, team) == expected.isoformat()
        assert _today(trial) == expected


def _today(trial: Trial) -> Any:
    """The day, as the database has it for a trial's connections."""

    async def ask(connection: Any) -> Any:
        await connection.execute("SET casework.environment = 'development'")
        return await connection.fetchval("SELECT casework.today()")

    return trial.run_as("casework_api", ask)


def test_a_follow_up_lies_ahead_on_the_day_of_the_site(trial: Trial, team: Team, adviser: Caller) -> None:
    day = date(NEXT_YEAR, 7, 1)
    approved = approved_advice(team, adviser, allocated_case(team, adviser))
    path = f"/v1/advice/{approved['id']}/issue"
    trial.at(in_london(day, 0, 10))  # it is still June in UTC
    today = issuing(day.isoformat(), deliver_on=day.isoformat())
    refused(adviser.post(path, today, match=approved["version"]), 422, "validation-failed")
    tomorrow = {**today, "follow_up_on": (day + timedelta(days=1)).isoformat()}
    issued = ok(adviser.post(path, tomorrow, match=approved["version"]))
    assert issued["issued_at"].startswith(f"{NEXT_YEAR}-06-30T23:1")


# --- who is let in until when ---


def test_a_share_ends_when_its_time_has_come(trial: Trial, team: Team, other_team: Team, adviser: Caller) -> None:
    supervisor, colleague = team.person("supervisor"), other_team.person("adviser")
    path = f"/v1/cases/{allocated_case(team, adviser, supervisor)['id']}"
    body = {
        "to_team_id": other_team.id,
        "purpose_code": "casework",
        "mode": "contribute",
        "until": trial.moment(days=30),
    }
    ok(supervisor.post(f"{path}/shares", body), 201)

    def share() -> str:
        state: str = ok(supervisor.get(f"{path}/shares"))["items"][0]["state"]
        return state

    trial.forward(days=29, hours=23)
    assert (colleague.get(path).status_code, share()) == (200, "holds")
    assert ok(colleague.get(path))["allowed_actions"] != []
    trial.forward(hours=2)
    refused(colleague.get(path), 404, "not-found")
    assert share() == "over"
    why = ok(
        team.person("auditor").get("/v1/access/explanation", person=colleague.person_id, record=path.rpartition("/")[2])
    )
    assert "share-ended" in [each["code"] for each in why["reasons"]]
    refused(supervisor.post(f"{path}/shares", body), 422, "validation-failed")  # it would be over already
    ok(supervisor.post(f"{path}/shares", {**body, "until": trial.moment(days=1)}), 201)
    assert colleague.get(path).status_code == 200


def test_a_share_lasts_a_year_from_what_the_clock_shows(
    trial: Trial, team: Team, other_team: Team, adviser: Caller
) -> None:
    supervisor = team.person("supervisor")
    path = f"/v1/cases/{allocated_case(team, adviser, supervisor)['id']}/shares"
    trial.forward(days=-500)
    body = {"to_team_id": other_team.id, "purpose_code": "casework"}
    refused(supervisor.post(path, {**body, "until": trial.moment(days=367)}), 422, "validation-failed")
    ok(supervisor.post(path, {**body, "until": trial.moment(days=365)}), 201)


def test_an_emergency_is_over_after_a_day_and_so_is_the_limit(
    trial: Trial, team: Team, other_team: Team, adviser: Caller
) -> None:
    caller = other_team.person("supervisor")
    cases = [open_case(adviser, team) for _ in range(4)]

    def opened(number: int) -> Any:
        body = {"reference": cases[number]["reference"], "purpose_code": "emergency", "reason": "Attack under way."}
        return caller.post("/v1/emergency-access", body)

    paths = [f"/v1/cases/{each['id']}" for each in cases]
    until = [ok(opened(number), 201)["until"] for number in range(3)]
    limited = opened(3)
    refused(limited, 429, "too-many-requests")
    assert 23 * 3600 < int(limited.headers["Retry-After"]) <= 24 * 3600
    trial.forward(hours=23)
    assert caller.get(paths[0]).status_code == 200
    assert opened(3).status_code == 429
    trial.forward(hours=2)
    assert min(until) < trial.moment()
    refused(caller.get(paths[0]), 404, "not-found")
    ok(opened(3), 201)
    assert caller.get(paths[3]).status_code == 200


# --- what lies in the past, what in the future ---


def test_a_visit_is_logged_when_it_is_over(trial: Trial, team: Team, adviser: Caller) -> None:
    case = allocated_case(team, adviser)
    visit = proposed_visit(adviser, case)
    made = {"arrived_at": visit["starts_at"], "left_at": visit["ends_at"], "findings": []}
    path = f"/v1/visits/{visit['id']}"
    refused(adviser.post(f"{path}/completion", made, match=visit["version"]), 422, "validation-failed")
    trial.forward(days=7, hours=1)  # it is being made
    refused(adviser.post(f"{path}/completion", made, match=visit["version"]), 422, "validation-failed")
    trial.forward(hours=2)
    assert ok(adviser.post(f"{path}/completion", made, match=visit["version"]))["state"] == "completed"


def test_what_was_said_and_passed_on_lies_in_the_past(trial: Trial, team: Team, adviser: Caller) -> None:
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/interim-advice"
    told = {"given_at": trial.moment(days=1), "given_to": "Duty manager", "advice": "Shut the gate."}
    enquiry = asked(trial, team)
    passed = {"to": "hotline", "at": told["given_at"]}
    refused(adviser.post(path, told), 422, "validation-failed")
    assert "future" in str(refused(enquiry.move("hand-over", passed), 422, "validation-failed")["errors"])
    trial.forward(days=1, hours=1)
    ok(adviser.post(path, told), 201)
    ok(enquiry.move("hand-over", passed))


def test_a_threat_level_is_in_force_from_its_moment_on(trial: Trial, team: Team, adviser: Caller) -> None:
    lead = team.person("professional_lead")

    def level() -> str:
        (now,) = [
            each
            for each in ok(adviser.get("/v1/threat-levels"))["items"]
            if each["kind"] == "national" and each["current"]
        ]
        drafted = drafted_advice(adviser, allocated_case(team, adviser))
        assert drafted["drafted_threat_level"] == now["level"]
        return str(now["level"])

    before = level()
    coming = {"kind": "national", "level": "critical", "since": trial.moment(days=2), "source_url": SOURCE}
    assert not ok(lead.post("/v1/threat-levels", coming), 201)["current"]
    try:
        trial.forward(days=1)
        assert level() == before
        trial.forward(days=2)
        assert level() == "critical"
        times = {"starts_at": trial.moment(hours=1), "ends_at": trial.moment(hours=2)}
        visit = proposed_visit(adviser, allocated_case(team, adviser), **times)
        trial.forward(hours=3)
        made = {"arrived_at": visit["starts_at"], "left_at": visit["ends_at"], "findings": [finding()]}
        logged = ok(adviser.post(f"/v1/visits/{visit['id']}/completion", made, match=visit["version"]))
        assert logged["findings"][0]["threat_level"] == "critical"
    finally:
        trial.logged_sql("DELETE FROM casework.threat_level WHERE level = 'critical'")
