"""What an auditor sees of a case: reference, state and team. What is withheld is absent, and nothing tells it another way."""

import base64
from typing import Any

import asyncpg
import pytest

from casework.access.tokens import hash_token
from tests.cases.test_restrict import WHY
from tests.support.callers import Caller, ok, refused
from tests.support.story import allocated_case, open_case
from tests.support.world import Team, World

TOLD = {"id", "reference", "team_id", "team", "state"}
FULL = TOLD | {"restricted", "adviser_id", "adviser", "opened_at"}


def restricted_case(team: Team) -> dict[str, Any]:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    return ok(adviser.post(f"/v1/cases/{case['id']}/restriction", WHY, match=case["version"]))  # type: ignore[no-any-return]


def listed(caller: Caller, **params: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in walked(caller, **params)}


def walked(caller: Caller, **params: Any) -> list[dict[str, Any]]:
    """The list to its end, in the order in which it is told."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = ok(caller.get("/v1/case-headlines", **params, **cursor))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}
        assert len(found) == len({row["id"] for row in found})


def test_an_auditor_is_told_reference_state_and_team_of_every_case(team: Team, other_team: Team) -> None:
    plain, closed, restricted = allocated_case(team, team.person("adviser")), open_case(team.person("adviser"), team), restricted_case(team)  # fmt: skip
    ok(team.person("supervisor").post(f"/v1/cases/{closed['id']}/closure", {"reason_code": "event_over"}, match=1))
    for auditor in (team.person("auditor"), other_team.person("auditor")):
        rows = listed(auditor, team_id=team.id)
        assert {id_: row["state"] for id_, row in rows.items()} == {
            plain["id"]: "allocated", closed["id"]: "closed", restricted["id"]: "allocated",
        }  # fmt: skip
        for case in (plain, closed, restricted):
            assert set(rows[case["id"]]) == TOLD
            assert rows[case["id"]]["reference"] == case["reference"]
            assert rows[case["id"]]["team_id"] == team.id
            refused(auditor.get(f"/v1/cases/{case['id']}"), 403, "forbidden")
            assert listed(auditor, reference=case["reference"]) == {case["id"]: rows[case["id"]]}
        assert set(listed(auditor, team_id=team.id, open=False)) == {closed["id"]}
        assert set(listed(auditor, team_id=team.id, state="allocated")) == {plain["id"], restricted["id"]}


def test_no_filter_finds_what_an_auditor_is_not_told(team: Team, other_team: Team) -> None:
    adviser = team.person("adviser")
    case = allocated_case(team, adviser)
    auditor, both = other_team.person("auditor"), other_team.person("adviser", "auditor")
    for others in ({}, {"reference": case["reference"]}, {"team_id": team.id}):
        assert listed(both, adviser_id=adviser.person_id, **others) == {}
        # Who sees of no case whose it is would read "none".
        problem = refused(
            auditor.get("/v1/case-headlines", adviser_id=adviser.person_id, **others), 400, "unknown-parameter"
        )
        assert "adviser_id" not in problem["possible"]
        assert case["id"] not in str(problem)
    assert set(listed(team.person("adviser", "auditor"), adviser_id=adviser.person_id)) == {case["id"]}


@pytest.mark.parametrize("sort", ["opened_at", "-opened_at"])
def test_no_order_and_no_cursor_tells_an_auditor_when_a_case_was_opened(world: World, team: Team, sort: str) -> None:
    adviser, auditor = team.person("adviser"), team.person("auditor")
    cases = [open_case(adviser, team)["id"] for _ in range(3)]
    before = [row["id"] for row in walked(auditor, team_id=team.id, sort=sort, limit=1)]
    assert sorted(before) == sorted(cases)
    for days, case in zip((50, 900, 2), cases, strict=True):
        world.logged_sql("UPDATE casework.case_headline SET opened_at = now() - make_interval(days => $2) WHERE id = $1", case, days)  # fmt: skip
    assert [row["id"] for row in walked(auditor, team_id=team.id, sort=sort, limit=1)] == before
    cursor = ok(auditor.get("/v1/case-headlines", team_id=team.id, sort=sort, limit=1))["next_cursor"]
    said = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert said.endswith(f'infinity","{before[0]}"]'.encode())


@pytest.mark.parametrize("sort", ["opened_at", "-opened_at"])
def test_each_part_of_a_person_tells_what_it_may(team: Team, other_team: Team, sort: str) -> None:
    """Adviser in one team and auditor of all: their team's in full and first, the three facts of the rest, each once."""
    here = [open_case(team.person("adviser"), team)["id"] for _ in range(2)] + [restricted_case(team)["id"]]
    there = [open_case(other_team.person("adviser"), other_team)["id"], restricted_case(other_team)["id"]]
    rows = walked(team.person("adviser", "auditor"), sort=sort, limit=9)
    assert len(rows) == len({row["id"] for row in rows})
    fields = {row["id"]: set(row) for row in rows}
    assert [fields[id_] for id_ in here] == [FULL] * 3
    assert [fields[id_] for id_ in there] == [TOLD] * 2
    assert [row["id"] for row in rows[:3]] == (here if sort == "opened_at" else here[::-1])
    both = listed(other_team.person("national_reader", "auditor"), team_id=team.id)
    assert {frozenset(row) for row in both.values()} == {frozenset(FULL)}


def test_who_is_also_an_auditor_is_refused_a_case_and_not_told_that_it_is_absent(team: Team, other_team: Team) -> None:
    case = open_case(other_team.person("adviser"), other_team)
    body = {"body": "Seen by nobody."}
    refused(team.person("adviser", "auditor").post(f"/v1/cases/{case['id']}/notes", body), 403, "forbidden")
    refused(team.person("adviser").post(f"/v1/cases/{case['id']}/notes", body), 404, "not-found")


def test_the_explanation_says_how_little_it_is(team: Team, other_team: Team) -> None:
    case, auditor, reader = restricted_case(team), other_team.person("auditor"), other_team.person("national_reader")
    for person, code in ((auditor, "outline"), (reader, "headline")):
        told = ok(auditor.get("/v1/access/explanation", person=person.person_id, record=case["id"]))
        assert told["verdict"] == "headline"
        assert {reason["code"] for reason in told["reasons"]} == {"role-has-no-reach", code}
        assert not any(reason["opens"] for reason in told["reasons"])


def test_the_database_shows_an_auditor_no_more_either(world: World, team: Team, other_team: Team) -> None:
    """Past the service: the login role of the API, in an auditor's transaction, whatever it asks for."""
    case, abroad = restricted_case(team), open_case(other_team.person("adviser"), other_team)

    async def look(connection: asyncpg.Connection, caller: Caller) -> tuple[set[str], list[asyncpg.Record]]:
        async with connection.transaction():
            begun = await connection.fetchrow(
                "SELECT * FROM access.begin($1, 'case.read_headline', NULL, NULL, NULL, NULL, NULL)",
                hash_token(caller.token or ""),
            )
            assert begun is not None
            assert begun["decision"] == "allow"
            full = {str(row["id"]) for row in await connection.fetch("SELECT id FROM casework.case_headline")}
            return full, await connection.fetch("SELECT * FROM casework.case_outline")

    def seen(caller: Caller) -> tuple[set[str], set[str]]:
        full, rows = world.run_as("casework_api", lambda connection: look(connection, caller))
        assert {tuple(row.keys()) for row in rows} <= {("id", "team_id", "reference", "state")}
        return full, {str(row["id"]) for row in rows}

    full, outlines = seen(team.person("auditor"))
    assert full == set()
    assert {case["id"], abroad["id"]} <= outlines
    full, outlines = seen(team.person("adviser", "auditor"))
    assert case["id"] in full
    assert abroad["id"] not in full
    assert {case["id"], abroad["id"]} <= outlines
    full, outlines = seen(team.person("adviser"))
    assert full == outlines
    assert abroad["id"] not in outlines


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("casework_api", "UPDATE casework.case_outline SET state = 'closed'"),
        ("casework_api", "DELETE FROM casework.case_outline"),
        ("casework_public", "SELECT id FROM casework.case_outline"),
    ],
)
def test_the_outline_is_read_by_staff_and_written_by_nobody(world: World, role: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.run_as(role, lambda connection: connection.execute(statement))
