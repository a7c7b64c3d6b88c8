"""Notes are for the desk or for casework: to coordinators and tools the latter are not there."""

import asyncpg
import pytest

from casework.access.tokens import hash_token
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World


def bodies(caller: Caller, path: str, **filters: str) -> list[str]:
    """What the notes say that somebody is shown, newest first."""
    return [note["body"] for note in ok(caller.get(path, **filters))["items"]]


def test_a_note_is_for_casework_unless_its_author_reads_none(team: Team) -> None:
    adviser, supervisor, coordinator = team.person("adviser"), team.person("supervisor"), team.person("coordinator")
    path = f"/v1/cases/{allocated_case(team, adviser, supervisor)['id']}/notes"
    said = {
        adviser: ok(adviser.post(path, {"body": "The grille is loose."}), 201)["audience"],
        supervisor: ok(supervisor.post(path, {"body": "Ring him again."}), 201)["audience"],
        coordinator: ok(coordinator.post(path, {"body": "Parking is behind the hall."}), 201)["audience"],
    }
    assert list(said.values()) == ["casework", "casework", "desk"]
    ok(adviser.post(path, {"body": "They close at six.", "audience": "desk"}), 201)
    desk = ["They close at six.", "Parking is behind the hall."]
    for within in (coordinator, team.tool("cases.read")):
        assert bodies(within, path) == desk
        assert bodies(within, path, audience="desk") == desk
        problem = refused(within.get(path, audience="casework"), 403, "forbidden")
        assert "`desk`" in problem["detail"]
    for reader in (adviser, supervisor, team.person("information_manager"), team.person("adviser")):
        assert bodies(reader, path) == [*desk, "Ring him again.", "The grille is loose."]
        assert bodies(reader, path, audience="desk") == desk
        assert bodies(reader, path, audience="casework") == ["Ring him again.", "The grille is loose."]
    refused(adviser.get(path, audience="everybody"), 422, "validation-failed")


def test_nobody_writes_for_readers_they_do_not_belong_to(team: Team, other_team: Team) -> None:
    coordinator = team.person("coordinator")
    case = open_case(team.person("adviser"), team)
    path = f"/v1/cases/{case['id']}/notes"
    problem = refused(coordinator.post(path, {"body": "Quietly.", "audience": "casework"}), 403, "forbidden")
    assert "`desk`" in problem["detail"]
    ok(coordinator.post(path, {"body": "Openly.", "audience": "desk"}), 201)
    assert bodies(team.person("supervisor"), path) == ["Openly."]
    # Where not even the case is in sight, it is told as absent, whatever was asked for.
    stranger = other_team.person("coordinator")
    refused(stranger.post(path, {"body": "Hello.", "audience": "casework"}), 404, "not-found")
    problem = refused(coordinator.post(path, {"body": "x", "audience": "mine"}), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == ["/audience"]


def test_a_part_counts_where_it_is_played(world: World, team: Team, other_team: Team) -> None:
    """A supervisor of one team is a coordinator of another: there they read and write for the desk alone."""
    both = team.person("supervisor")
    world.give_role(both.person_id or "", "coordinator", other_team)
    here, there = open_case(both, team), open_case(other_team.person("adviser"), other_team)
    paths = [f"/v1/cases/{case['id']}/notes" for case in (here, there)]
    supervisor = other_team.person("supervisor")
    ok(supervisor.post(paths[1], {"body": "The grille is loose."}), 201)
    assert [ok(both.post(path, {"body": "Rang."}), 201)["audience"] for path in paths] == ["casework", "desk"]
    assert bodies(both, paths[1]) == ["Rang."]
    refused(both.post(paths[1], {"body": "Quietly.", "audience": "casework"}), 403, "forbidden")


def test_a_note_that_is_not_there_is_not_met_by_its_id(team: Team) -> None:
    """A second note under its id is refused without telling which, and the same note once more is a repeat for its author alone."""
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    path = f"/v1/cases/{allocated_case(team, adviser)['id']}/notes"
    note = {"id": "0190b2c4-7777-7000-8000-" + team.id[-12:], "body": "The grille is loose."}
    ok(adviser.post(path, note), 201)
    assert ok(adviser.post(path, note), 201)["audience"] == "casework"
    problem = refused(coordinator.post(path, note), 409, "already-exists")
    assert "grille" not in str(problem)


@pytest.mark.parametrize("audience", ["desk", "casework"])
def test_its_line_of_the_timeline_follows_a_note(world: World, team: Team, audience: str) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    note = ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "x", "audience": audience}), 201)
    world.logged_sql(
        "INSERT INTO casework.case_event (case_id, team_id, action, actor, subject_kind, subject_id)"
        " VALUES ($1, $2, 'case.note', 'staff', 'note', $3)",
        case["id"],
        team.id,
        note["id"],
    )
    path = f"/v1/cases/{case['id']}/timeline"
    seen = {
        name: "case.note" in [line["action"] for line in ok(caller.get(path))["items"]]
        for name, caller in (
            ("adviser", adviser), ("coordinator", team.person("coordinator")), ("tool", team.tool("cases.read")),
        )
    }  # fmt: skip
    assert seen == {"adviser": True, "coordinator": audience == "desk", "tool": audience == "desk"}


def test_row_security_alone_withholds_and_refuses(world: World, team: Team) -> None:
    """Past the service, without a WHERE: the second lock stands by itself."""
    adviser, coordinator = team.person("adviser"), team.person("coordinator")
    case = allocated_case(team, adviser)
    for audience in ("desk", "casework"):
        ok(adviser.post(f"/v1/cases/{case['id']}/notes", {"body": "x", "audience": audience}), 201)

    async def sees(connection: asyncpg.Connection, caller: Caller, action: str) -> list[str]:
        await connection.execute(
            "SELECT decision FROM access.begin($1, $2, NULL, NULL, NULL, NULL, NULL)",
            hash_token(caller.token or ""),
            action,
        )
        rows = await connection.fetch("SELECT audience FROM casework.case_note ORDER BY audience")
        return [row[0] for row in rows]

    async def look(connection: asyncpg.Connection) -> dict[str, list[str]]:
        found = {}
        for caller in (adviser, coordinator):
            async with connection.transaction():
                found[caller.name] = await sees(connection, caller, "case.read")
        return found

    async def write(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await sees(connection, coordinator, "case.note")
            await connection.execute(
                "INSERT INTO casework.case_note (case_id, team_id, author_id, audience, body)"
                " VALUES ($1::text::uuid, $2::text::uuid, $3::text::uuid, 'casework', 'x')",
                case["id"], team.id, coordinator.person_id,
            )  # fmt: skip

    assert world.run_as("casework_api", look) == {adviser.name: ["casework", "desk"], coordinator.name: ["desk"]}
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        world.run_as("casework_api", write)
