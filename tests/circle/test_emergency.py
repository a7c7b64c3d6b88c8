"""Breaking the glass: by reference, with a purpose, to read only, for a day; the owning team sees it at once."""

from typing import Any

import pytest

from tests.circle.building import break_glass, open_doors, whole_case
from tests.circle.test_share import LENT, succeeded, writes
from tests.support.callers import ok, refused
from tests.support.world import Team, World

GOOD = "CASE-2222-2223"


def over(world: World, case_id: str) -> None:
    """A day passes."""
    world.sql("UPDATE access.case_grant SET until = now() - interval '1 second' WHERE case_id = $1", case_id)


@pytest.mark.parametrize("restricted", [False, True])
def test_a_supervisor_of_another_team_reads_for_a_day(
    world: World, team: Team, other_team: Team, restricted: bool
) -> None:
    whole, caller = whole_case(world, team), other_team.person("supervisor")
    if restricted:
        whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    assert open_doors(caller, whole) == set()
    typed = whole.reference.lower().replace("-", " ")
    opened = ok(break_glass(caller, whole, reference=typed), 201)
    assert (opened["case_id"], opened["reference"], opened["person"]) == (whole.case_id, whole.reference, caller.name)
    assert open_doors(caller, whole) == LENT
    assert ok(caller.get(whole.path))["allowed_actions"] == []
    assert succeeded(writes(caller, whole)) == set()
    for colleague in (other_team.person("supervisor"), other_team.person("adviser")):
        assert open_doors(colleague, whole) == set()
    over(world, whole.case_id)
    assert open_doors(caller, whole) == set()
    refused(caller.get(whole.path), 404, "not-found")


def test_the_owning_team_is_told_at_once(world: World, team: Team, other_team: Team) -> None:
    whole, caller = whole_case(world, team), other_team.person("supervisor")
    opened = ok(break_glass(caller, whole, reason="Vehicle attack."), 201)
    line = ok(whole.adviser.get(f"{whole.path}/timeline"))["items"][0]
    assert (line["action"], line["person"], line["reason_code"]) == ("case.break_glass", caller.name, "emergency")
    assert (line["subject_id"], line["reason"]) == (opened["id"], "Vehicle attack.")
    assert ok(whole.adviser.get(f"{whole.path}/emergency-access"))["items"] == [opened]
    whole.move(whole.adviser, "restriction", {"reason_code": "live_operation"})
    for role in ("supervisor", "information_manager"):
        assert ok(team.person(role).get("/v1/emergency-access"))["items"] == [opened]
    seen = ok(team.person("auditor").get("/v1/emergency-access", limit=200))["items"]
    assert {**opened, "reference": None} in seen
    for elsewhere in (caller, other_team.person("information_manager")):
        assert ok(elsewhere.get("/v1/emergency-access"))["items"] == []
    refused(whole.adviser.get("/v1/emergency-access"), 403, "forbidden")
    # A message goes to the mailbox of the owning team, with ids only.
    jobs = world.sql(
        "SELECT args FROM jobs.procrastinate_jobs WHERE args::text LIKE '%emergency%' AND args::text LIKE $1",
        f"%{whole.case_id}%",
    )
    assert len(jobs) == 1
    assert team.id in jobs[0]["args"]
    # And the log: who it was, what was made, and what was read.
    log = ok(whole.supervisor.get(f"{whole.path}/access-log"))["items"]
    entry = next(entry for entry in log if entry["action"] == "case.break_glass")
    assert {(each["kind"], each["operation"]) for each in entry["objects"]} >= {("emergency_access", "collection")}


def test_a_reference_is_mistyped_unknown_or_ones_own(world: World, team: Team, other_team: Team) -> None:
    whole, caller = whole_case(world, team), other_team.person("supervisor")
    worse = whole.reference[:-1] + ("2" if whole.reference[-1] != "2" else "3")
    problem = refused(break_glass(caller, whole, reference=worse), 422, "validation-failed")
    assert problem["errors"][0]["code"] == "mistyped-reference"
    from casework.kernel.references import new_reference

    refused(break_glass(caller, whole, reference=new_reference("CASE")), 404, "not-found")
    problem = refused(break_glass(caller, whole, purpose_code="curiosity"), 422, "validation-failed")
    assert problem["errors"][0]["pointer"] == "/purpose_code"
    refused(break_glass(caller, whole, reason=" "), 422, "validation-failed")
    refused(break_glass(whole.supervisor, whole), 409, "no-emergency-access-needed")
    ok(break_glass(caller, whole), 201)
    refused(break_glass(caller, whole), 409, "no-emergency-access-needed")
    for role in ("adviser", "coordinator", "information_manager", "auditor"):
        refused(break_glass(other_team.person(role), whole), 403, "forbidden")


def test_three_in_a_day_and_the_fourth_waits(world: World, team: Team, other_team: Team) -> None:
    caller = other_team.person("supervisor")
    cases = [whole_case(world, team) for _ in range(4)]
    for whole in cases[:3]:
        ok(break_glass(caller, whole), 201)
    refused(break_glass(caller, cases[3]), 429, "too-many-requests")
    # The limit comes before the look: what does not exist is answered in the same way.
    from casework.kernel.references import new_reference

    refused(break_glass(caller, cases[3], reference=new_reference("CASE")), 429, "too-many-requests")
    assert open_doors(caller, cases[3]) == set()
    world.logged_sql(
        "UPDATE casework.emergency_access SET opened_at = now() - interval '25 hours' WHERE case_id = $1",
        cases[0].case_id,
    )
    ok(break_glass(caller, cases[3]), 201)


def test_two_at_once_are_not_both_the_third(world: World, team: Team, other_team: Team) -> None:
    from concurrent.futures import ThreadPoolExecutor

    caller = other_team.person("supervisor")
    cases = [whole_case(world, team) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers: list[Any] = list(pool.map(lambda whole: break_glass(caller, whole).status_code, cases))
    assert sorted(answers) == [201] * 3 + [429] * 3


def test_nobody_opens_by_hand_what_the_service_would_refuse(world: World, team: Team, other_team: Team) -> None:
    """The function judges for itself: without a begun request of somebody who may, it does nothing."""
    import asyncpg

    whole = whole_case(world, team)

    async def tries(connection: asyncpg.Connection) -> str:
        try:
            await connection.fetch("SELECT * FROM access.open_in_emergency($1, 'emergency', 'x')", whole.reference)
        except asyncpg.InsufficientPrivilegeError:
            return "refused"
        return "opened"

    assert world.run_as("casework_api", tries) == "refused"
    assert world.sql("SELECT id FROM casework.emergency_access WHERE case_id = $1", whole.case_id) == []
