"""Sharing with another force: exactly what the share lends, until it ends, and to nobody else."""

from typing import Any

import pytest

from casework.access.actions import Action
from tests.cases.test_authority import TRIED, attempt
from tests.circle.building import NOBODY, Whole, open_doors, share_with, whole_case
from tests.support.callers import Caller, ok, refused
from tests.support.story import finding, moment, recommendation
from tests.support.world import Team, World

LENT = {
    "case",
    "timeline",
    "notes",
    "shares",
    "emergency access",
    "interim advice",
    "visit",
    "finding",
    "advice",
    "recommendation",
    "cases",
    "cases by reference",
    "visits",
    "findings",
    "all advice",
    "recommendations",
}


def writes(caller: Caller, whole: Whole) -> dict[str, int]:
    """Everything that could be done beneath a case, tried: what a share may lend, and what it never does."""
    proposal = {"starts_at": moment(days=9), "ends_at": moment(days=9, hours=1)}
    times = {"arrived_at": moment(hours=-2), "left_at": moment(hours=-1)}
    done = {**times, "time_reason": "They asked us to come earlier.", "findings": []}
    amended = caller.patch(f"/v1/visits/{whole.coming_id}", {"place_note": "Gate 2"}, match=1)
    return {
        "case.note": caller.post(f"{whole.path}/notes", {"body": "Theirs."}).status_code,
        "visit.propose": caller.post(f"{whole.path}/visits", proposal).status_code,
        "visit.complete": caller.post(f"/v1/visits/{whole.coming_id}/completion", done, match=1).status_code,
        "finding.record": caller.post(f"/v1/visits/{whole.visit_id}/findings", finding()).status_code,
        "visit.amend": amended.status_code,
        "visit.cancel": caller.post(
            f"/v1/visits/{whole.coming_id}/cancellation", {"reason_code": "other", "note": "x"}, match=9
        ).status_code,
        "advice.draft": caller.post(f"{whole.path}/advice", {"title": "Ours"}).status_code,
        "recommendation": caller.post(f"/v1/advice/{whole.advice_id}/recommendations", recommendation()).status_code,
        "interim_advice.record": caller.post(
            f"{whole.path}/interim-advice",
            {"given_at": moment(hours=-1), "given_to": "Duty manager", "advice": "Shut the gate."},
        ).status_code,
        "case.unshare": caller.post(f"{whole.path}/shares/{NOBODY}/ending").status_code,
        "case.transfer": caller.post(
            f"{whole.path}/transfer", {"to_team_id": NOBODY, "reason_code": "capability"}
        ).status_code,
        "case.share": caller.post(
            f"{whole.path}/shares", {"to_team_id": NOBODY, "purpose_code": "casework", "until": moment(days=2)}
        ).status_code,
        **{
            action.value: attempt(caller, action, whole.case_id).status_code
            for action in TRIED
            if action is not Action.CASE_NOTE
        },
    }


def succeeded(done: dict[str, int]) -> set[str]:
    """What was not refused for want of reach."""
    return {name for name, status in done.items() if status not in (403, 404)}


def test_a_share_to_read_lends_reading_and_nothing_else(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    adviser, supervisor = other_team.person("adviser"), other_team.person("supervisor")
    assert open_doors(adviser, whole) == set()
    shared = ok(share_with(whole, other_team), 201)
    assert (shared["state"], shared["sharer"], shared["mode"]) == ("holds", whole.supervisor.name, "read")
    for reader in (adviser, supervisor):
        assert open_doors(reader, whole) == LENT
        assert ok(reader.get(whole.path))["allowed_actions"] == []
        assert succeeded(writes(reader, whole)) == set()
    for role in ("coordinator", "information_manager", "reviewer", "national_reader"):
        other = other_team.person(role)
        assert open_doors(other, whole) - {"headlines"} == set(), role
        assert succeeded(writes(other, whole)) == set(), role
    assert open_doors(other_team.tool("cases.read", "visits.read"), whole) == set()


def test_a_share_to_contribute_adds_notes_visits_and_findings(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    adviser, supervisor = other_team.person("adviser"), other_team.person("supervisor")
    ok(share_with(whole, other_team, mode="contribute"), 201)
    assert set(ok(adviser.get(whole.path))["allowed_actions"]) == {"case.note", "visit.propose"}
    assert open_doors(adviser, whole) == LENT
    assert succeeded(writes(adviser, whole)) == {"case.note", "visit.propose", "visit.complete", "finding.record"}
    # What the role has nowhere, a share does not lend: a supervisor logs no visit.
    assert succeeded(writes(supervisor, whole)) == {"case.note", "visit.propose"}
    # What was contributed is the case's, in its team.
    visit = ok(
        adviser.post(f"{whole.path}/visits", {"starts_at": moment(days=12), "ends_at": moment(days=12, hours=1)})
    )
    assert ok(whole.adviser.get(f"/v1/visits/{visit['id']}"))["id"] == visit["id"]
    rows = world.sql(
        "SELECT DISTINCT team_id::text FROM (SELECT team_id FROM casework.case_note WHERE case_id = $1"
        " UNION ALL SELECT team_id FROM casework.site_visit WHERE case_id = $1"
        " UNION ALL SELECT team_id FROM casework.finding WHERE case_id = $1) x",
        whole.case_id,
    )
    assert [row["team_id"] for row in rows] == [team.id]
    assert succeeded(writes(other_team.person("coordinator"), whole)) == set()


def test_a_share_ends_at_once(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    adviser = other_team.person("adviser")
    shared = ok(share_with(whole, other_team, mode="contribute"), 201)
    whole.keep(adviser, f"{whole.path}/notes", {"body": "Seen."})
    whole.keep(adviser, f"/v1/visits/{whole.visit_id}/findings", finding(area="Yard"))
    assert open_doors(adviser, whole) == LENT | {"kept answer"}
    ending = f"{whole.path}/shares/{shared['id']}/ending"
    refused(whole.adviser.post(ending), 403, "forbidden")
    refused(adviser.post(ending), 403, "forbidden")
    refused(whole.supervisor.post(f"{whole.path}/shares/{NOBODY}/ending"), 404, "not-found")
    assert ok(whole.supervisor.post(ending))["state"] == "ended"
    assert open_doors(adviser, whole) == set()
    assert succeeded(writes(adviser, whole)) == set()
    refused(adviser.get(whole.path), 404, "not-found")
    refused(whole.supervisor.post(ending), 409, "state-conflict")
    lines = [
        (line["action"], line["subject_kind"]) for line in ok(whole.adviser.get(f"{whole.path}/timeline"))["items"]
    ]
    assert ("case.share", "team") in lines
    assert ("case.unshare", "team") in lines


def test_a_share_is_over_on_its_date(world: World, team: Team, other_team: Team) -> None:
    whole, adviser = whole_case(world, team), other_team.person("adviser")
    shared = ok(share_with(whole, other_team), 201)
    ok(adviser.get(whole.path))
    world.logged_sql("UPDATE casework.case_share SET until = now() - interval '1 second' WHERE id = $1", shared["id"])
    assert open_doors(adviser, whole) == set()
    assert ok(whole.supervisor.get(f"{whole.path}/shares"))["items"][0]["state"] == "over"
    # It stands in nobody's way, either.
    ok(share_with(whole, other_team), 201)
    ok(adviser.get(whole.path))
    assert [row["state"] for row in ok(whole.supervisor.get(f"{whole.path}/shares"))["items"]] == ["holds", "ended"]


def test_a_share_rests_while_the_case_is_restricted_unless_it_was_meant(world: World, team: Team) -> None:
    whole, unnamed, named = whole_case(world, team), world.team(), world.team()
    ok(share_with(whole, unnamed), 201)
    ok(share_with(whole, named, includes_restricted=True), 201)
    out, within = unnamed.person("adviser"), named.person("adviser")
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    assert open_doors(out, whole) == set()
    assert open_doors(within, whole) == LENT
    states = {row["to_team_id"]: row["state"] for row in ok(whole.supervisor.get(f"{whole.path}/shares"))["items"]}
    assert states == {unnamed.id: "rests", named.id: "holds"}
    third = world.team()
    problem = refused(share_with(whole, third), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/includes_restricted"
    ok(share_with(whole, third, includes_restricted=True), 201)
    ok(third.person("supervisor").get(whole.path))
    whole.move(whole.supervisor, "unrestriction", {"note": "Over."})
    ok(out.get(whole.path))


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"to_team_id": NOBODY}, "/to_team_id"),
        ({"purpose_code": "curiosity"}, "/purpose_code"),
        ({"until": moment(days=-1)}, "/until"),
        ({"until": moment(days=400)}, "/until"),
        ({"mode": "own"}, "/mode"),
    ],
)
def test_a_share_needs_a_force_a_purpose_and_an_end(
    world: World, team: Team, other_team: Team, facts: dict[str, Any], pointer: str
) -> None:
    whole = whole_case(world, team)
    assert refused(share_with(whole, other_team, **facts), 422, "validation-failed")["errors"][0]["pointer"] == pointer


def test_a_share_goes_to_another_force_once(world: World, team: Team, other_team: Team) -> None:
    whole = whole_case(world, team)
    colleagues = world.team(of=team)
    for own in (team, colleagues):
        problem = refused(share_with(whole, own), 422, "validation-failed")
        assert problem["errors"][0]["code"] == "not-elsewhere"
    mine = {"id": "0190b2c4-0000-7000-8000-" + team.id[-12:]}
    made = ok(share_with(whole, other_team, until="2027-01-31T12:00:00Z", **mine), 201)
    assert ok(share_with(whole, other_team, until="2027-01-31T12:00:00Z", **mine)) == made
    refused(share_with(whole, other_team), 409, "already-shared")
    body = {"to_team_id": other_team.id, "purpose_code": "casework", "until": moment(days=3)}
    for caller in (whole.adviser, team.person("coordinator"), team.person("information_manager")):
        refused(caller.post(f"{whole.path}/shares", body), 403, "forbidden")
    refused(other_team.person("supervisor").post(f"{whole.path}/shares", body), 403, "forbidden")
    refused(world.team().person("supervisor").post(f"{whole.path}/shares", body), 404, "not-found")


def test_a_closed_case_is_not_shared(team: Team, world: World, other_team: Team) -> None:
    whole = whole_case(world, team)
    world.logged_sql(
        "UPDATE casework.case_file SET state = 'closed', closed_at = now(), reason_code = 'no_reply' WHERE id = $1",
        whole.case_id,
    )
    refused(share_with(whole, other_team), 409, "state-conflict")
