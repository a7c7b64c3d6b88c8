"""Row security, asked without a WHERE: each login sees and changes exactly the rows that the domain owner's table gives it.

The model below is written from ``docs/authority.csv`` and ``docs/authority.md`` alone. It is held against what row security
lets through, and that against the arrays with which the service writes its own WHERE: the two locks are the same lock.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest

from casework.access import rls
from casework.access.tokens import hash_token
from tests.support import cluster, contract
from tests.support.callers import Caller, ok
from tests.support.story import (
    allocated_case,
    completed_visit,
    drafted_advice,
    enquirer_of,
    finding,
    issued_advice,
    moment,
    open_case,
    proposed_visit,
    recommendation,
)
from tests.support.world import Team, World

TABLE = Path(__file__).parents[2] / "docs" / "authority.csv"
CASE_TABLES = {
    "case_file": "case.read",
    "allocation": "case.read",
    "collaborator": "case.read",
    "case_note": "case.read",
    "case_event": "case.read",
    "enquiry": "enquiry.read",
    "site_visit": "visit.read",
    "finding": "finding.read",
    "advice": "advice.read",
    "quality_review": "advice.read",
    "interim_advice": "advice.read",
    "recommendation": "recommendation.read",
    "recommendation_finding": "recommendation.read",
    "business_response": "recommendation.read",
    "verification": "recommendation.read",
    "open_reason": "recommendation.read",
}
"""Every table whose rows belong to a case, and the action that reads it."""

PRINCIPALS = (
    "allocated",
    "collaborator",
    "colleague",
    "coordinator",
    "supervisor",
    "information_manager",
    "reviewer_asked",
    "reviewer_abroad",
    "reviewer_idle",
    "auditor",
    "national_reader",
    "professional_lead",
    "administrator",
    "adviser_abroad",
    "two_hats",
    "service",
)
HARMLESS = ("version", "ended_at", "amended_at", "carried_into", "restricted")
"""Columns to overwrite without reading anything, the first that a table has."""


@dataclass
class Principal:
    """Somebody, the parts they play, and the cases they were given."""

    caller: Caller
    roles: tuple[tuple[str, UUID], ...]
    allocated: frozenset[UUID] = frozenset()
    collaborating: frozenset[UUID] = frozenset()
    reviewing: frozenset[UUID] = frozenset()


@dataclass
class Stage:
    """Two forces, and what each keeps."""

    world: World
    teams: dict[str, UUID]
    cases: dict[str, UUID]
    people: dict[str, Principal] = field(default_factory=dict)
    rows: dict[str, dict[UUID, tuple[UUID, bool, UUID | None]]] = field(default_factory=dict)


@cache
def authority() -> dict[str, dict[str, str]]:
    """The domain owner's table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["action"]: row for row in csv.DictReader(file)}


def may(person: Principal, action: str, team: UUID, restricted: bool, case: UUID | None) -> bool:
    """The model: whether one of the person's parts reaches a row of this team and case with this action."""
    given = {
        "assigned": person.allocated,
        "involved": person.allocated | person.collaborating,
        "reviewing": person.reviewing,
    }
    for role, of in person.roles:
        reach = authority()[action][role]
        if reach == "all" or (reach in given and case in given[reach]):
            return True
        if reach == "team" and of == team:
            if not restricted or role in ("supervisor", "information_manager"):
                return True
            if role == "adviser" and case in person.allocated | person.collaborating:
                return True
    return False


def example(path: str) -> Any:
    """What the contract shows to be sent there."""
    return contract.document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]


def furnish(world: World, team: Team, kind: str, adviser: Caller, supervisor: Caller, reviewer: Caller) -> UUID:
    """A case with something in every table that the slices fill: ``normal``, ``restricted`` or ``issued``."""
    case = allocated_case(team, adviser, supervisor, title=f"A {kind} case")
    path = f"/v1/cases/{case['id']}"
    ok(adviser.post(f"{path}/notes", {"body": "They close at six."}), 201)
    business = enquirer_of(world, team, case)
    found = completed_visit(adviser, case, finding())["findings"]
    days = 7 + ("normal", "restricted", "issued").index(kind)  # an adviser is in one place at a time
    proposed_visit(adviser, case, starts_at=moment(days=days), ends_at=moment(days=days, hours=2))
    ok(adviser.post(f"{path}/interim-advice", example("/v1/cases/{case_id}/interim-advice")), 201)
    advice = recommendation(finding_ids=[found[0]["id"]])
    if kind == "issued":
        issued = issued_advice(team, adviser, case, advice)
        answered = f"/v1/recommendations/{issued['recommendations'][0]['id']}"
        ok(business.post(f"{answered}/responses", {"answer": "accepted"}), 201)
        return UUID(case["id"])
    draft = drafted_advice(adviser, case, advice)
    ok(adviser.post(f"/v1/advice/{draft['id']}/reviewer", {"reviewer_id": reviewer.person_id}, match=draft["version"]))
    return UUID(case["id"])


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    """Two forces with a normal, a restricted and an issued case each, and everybody who could want to see them."""
    here, there = world.team(), world.team()
    a, b = UUID(here.id), UUID(there.id)
    adviser, abroad = here.person("adviser"), there.person("adviser")
    supervisor, reviewer, reviewer_abroad = here.person("supervisor"), here.person("reviewer"), there.person("reviewer")
    other_supervisor = there.person("supervisor")
    helper = here.person("adviser")
    cases = {
        "normal": furnish(world, here, "normal", adviser, supervisor, reviewer),
        "restricted": furnish(world, here, "restricted", adviser, supervisor, reviewer),
        "issued": furnish(world, here, "issued", adviser, supervisor, reviewer),
        "foreign": furnish(world, there, "normal", abroad, other_supervisor, reviewer),
        "foreign restricted": furnish(world, there, "restricted", abroad, other_supervisor, reviewer_abroad),
        "foreign issued": furnish(world, there, "issued", abroad, other_supervisor, reviewer_abroad),
    }
    open_case(abroad, there)
    for name in ("restricted", "issued"):
        path = f"/v1/cases/{cases[name]}"
        now = ok(adviser.get(path))
        ok(adviser.post(f"{path}/collaborators", {"person_id": helper.person_id}, match=now["version"]))
    for owner, name in ((adviser, "restricted"), (abroad, "foreign restricted")):
        path = f"/v1/cases/{cases[name]}"
        why = example("/v1/cases/{case_id}/restriction")
        ok(owner.post(f"{path}/restriction", why, match=ok(owner.get(path))["version"]))

    hats = here.person("adviser")
    world.give_role(hats.person_id or "", "supervisor", there)
    mine = frozenset(cases[name] for name in ("normal", "restricted", "issued"))
    theirs = frozenset(cases.values()) - mine
    stage = Stage(world, {"here": a, "there": b}, cases)
    stage.people = {
        "allocated": Principal(adviser, (("adviser", a),), allocated=mine),
        "collaborator": Principal(
            helper, (("adviser", a),), collaborating=frozenset({cases["restricted"], cases["issued"]})
        ),
        "colleague": Principal(here.person("adviser"), (("adviser", a),)),
        "supervisor": Principal(supervisor, (("supervisor", a),)),
        "reviewer_asked": Principal(
            reviewer,
            (("reviewer", a),),
            reviewing=frozenset({cases["normal"], cases["restricted"], cases["foreign"]}),
        ),
        "reviewer_abroad": Principal(
            reviewer_abroad, (("reviewer", b),), reviewing=frozenset({cases["foreign restricted"]})
        ),
        "reviewer_idle": Principal(here.person("reviewer"), (("reviewer", a),)),
        "adviser_abroad": Principal(abroad, (("adviser", b),), allocated=theirs),
        "two_hats": Principal(hats, (("adviser", a), ("supervisor", b))),
        "service": Principal(
            here.tool("cases.read", "enquiries.read", "visits.read", "premises.read", "organisations.read"),
            (("service", a),),
        ),
    }
    for role in PRINCIPALS:
        if role not in stage.people:
            stage.people[role] = Principal(here.person(role), ((role, a),))
    return stage


def stored(stage: Stage, table: str) -> dict[UUID, tuple[UUID, bool, UUID | None]]:
    """Every row there is, of whatever test: its team, whether it is restricted, its case. Nothing here changes any."""
    if table not in stage.rows:
        column = rls.BY_TABLE[table].case
        found = stage.world.sql(f'SELECT id, team_id, restricted, {column} AS "case" FROM casework.{table}')
        stage.rows[table] = {
            UUID(str(row["id"])): (
                UUID(str(row["team_id"])), row["restricted"], UUID(str(row["case"])) if row["case"] else None)
            for row in found
        }  # fmt: skip
    return stage.rows[table]


def lawful(stage: Stage, person: Principal, action: str, table: str) -> set[UUID]:
    """The ids that the model gives."""
    return {id_ for id_, row in stored(stage, table).items() if may(person, action, *row)}


async def begun(connection: asyncpg.Connection, person: Principal, action: str) -> asyncpg.Record:
    """The first word of a transaction, as the service says it."""
    row = await connection.fetchrow(
        "SELECT * FROM access.begin($1, $2, NULL, NULL, NULL)", hash_token(person.caller.token or ""), action
    )
    assert row is not None
    return row


class Reading(NamedTuple):
    """What begin answers, every row that row security lets through, and those of the service's own WHERE among all rows."""

    decision: str
    seen: set[UUID]
    where: set[UUID]


def readings(stage: Stage, person: Principal, *tables: str) -> dict[str, Reading]:
    """Each table read without a WHERE, in a transaction of its own."""

    async def look(connection: asyncpg.Connection) -> dict[str, Reading]:
        witness = await asyncpg.connect(cluster.superuser_url(stage.world.database))
        found = {}
        try:
            for table in tables:
                async with connection.transaction():
                    context = await begun(connection, person, CASE_TABLES[table])
                    seen = await connection.fetch(f"SELECT id FROM casework.{table}")
                where = await witness.fetch(
                    f"SELECT id FROM casework.{table}"
                    f" WHERE team_id = ANY ($1) AND NOT restricted OR {rls.BY_TABLE[table].case} = ANY ($2)",
                    context["teams"],
                    context["cases"],
                )
                found[table] = Reading(context["decision"], ids(seen), ids(where))
        finally:
            await witness.close()
        return found

    found: dict[str, Reading] = stage.world.run_as("casework_api", look)
    return found


def ids(rows: list[asyncpg.Record]) -> set[UUID]:
    """Their ids, as the standard library's."""
    return {UUID(str(row["id"])) for row in rows}


def named(stage: Stage, table: str, ids: set[UUID]) -> list[str]:
    """Which cases these rows belong to, for a message that says something."""
    names = {id_: name for name, id_ in stage.cases.items()}
    rows = stored(stage, table)
    return sorted({names.get(rows[id_][2] or id_, "another") if id_ in rows else "another" for id_ in ids})


def test_the_tables_of_cases_are_all_here(stage: Stage) -> None:
    """None is forgotten, each is read by the action named here, and each has rows on both sides, restricted or not."""
    assert {scope.table: scope.read.value for scope in rls.SCOPES if scope.case is not None} == CASE_TABLES
    bare = {"quality_review", "business_response", "verification", "open_reason"}
    for table in CASE_TABLES.keys() - {"verification", "open_reason", "collaborator"}:
        found = {(team, restricted) for team, restricted, _ in stored(stage, table).values()}
        wanted = {
            (team, restricted)
            for team in stage.teams.values()
            for restricted in ((False,) if table in bare else (False, True))
        }
        assert wanted <= found, table


@pytest.mark.parametrize("name", PRINCIPALS)
def test_rows_without_a_where_are_the_rows_of_the_table(stage: Stage, name: str) -> None:
    person, wrong = stage.people[name], []
    for table, (decision, seen, where) in readings(stage, person, *CASE_TABLES).items():
        action = CASE_TABLES[table]
        model = lawful(stage, person, action, table)
        held = any(authority()[action][role] != "none" for role, _ in person.roles)
        if decision != ("allow" if held else "forbidden"):
            wrong.append(f"{table}: {decision}")
        if seen != model:
            wrong.append(
                f"{table}: beyond the table {named(stage, table, seen - model)}, short of it {named(stage, table, model - seen)}"
            )
        if seen != where:
            wrong.append(
                f"{table}: policy only {named(stage, table, seen - where)}, WHERE only {named(stage, table, where - seen)}"
            )
    assert wrong == []


async def locked(witness: asyncpg.Connection, table: str) -> set[UUID]:
    """The rows that an open transaction has changed: nobody else can lock them."""
    everything = ids(await witness.fetch(f"SELECT id FROM casework.{table}"))
    transaction = witness.transaction()
    await transaction.start()
    free = ids(await witness.fetch(f"SELECT id FROM casework.{table} FOR UPDATE SKIP LOCKED"))
    await transaction.rollback()
    return everything - free


async def sweep(
    connection: asyncpg.Connection, witness: asyncpg.Connection, person: Principal, action: str, table: str, change: str
) -> tuple[set[UUID], str]:
    """Change everything without a WHERE under this action, see what was changed, and undo it."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await begun(connection, person, action)
        await connection.execute(change)
        return await locked(witness, table), ""
    except asyncpg.PostgresError as error:
        # No right to the table at all is an end to it; anything else would leave open what was touched before it.
        return set(), "no right" if str(error).startswith(
            "permission denied for table"
        ) else f"{error.sqlstate} {error}"
    finally:
        await transaction.rollback()


def overwriting(world: World, table: str) -> str:
    """An UPDATE that reads nothing and has no WHERE."""
    there = {
        row["attname"]: row["kind"]
        for row in world.sql(
            "SELECT attname::text, atttypid::regtype::text AS kind FROM pg_attribute"
            " WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            f"casework.{table}",
        )
    }
    column = next(each for each in HARMLESS if each in there)
    value = {"bigint": "9", "integer": "9", "boolean": "false"}.get(there[column], "NULL")
    return f"UPDATE casework.{table} SET {column} = {'now()' if column.endswith('_at') else value}"


def changes(table: str, verb: str) -> tuple[str, ...]:
    """The actions that may insert into or update the table at all; any other touches nothing of it."""
    return tuple(action.value for action in getattr(rls.BY_TABLE[table], verb))


def fingerprint(world: World) -> list[str]:
    """What is stored of cases, as it stands."""
    tables = " UNION ALL ".join(
        f"SELECT '{table}' || md5(string_agg(t::text, '' ORDER BY id)) FROM casework.{table} t" for table in CASE_TABLES
    )
    return [row[0] for row in world.sql(tables)]


@pytest.fixture
def untriggered(stage: Stage) -> Iterator[None]:
    """Row security alone: what freezes, refers or logs would refuse a whole statement, and hide what else it touched."""

    def switch(word: str) -> None:
        tables = "; ".join(f"ALTER TABLE casework.{table} {word} TRIGGER ALL" for table in CASE_TABLES)
        stage.world.sql(f"DO $$ BEGIN {tables}; END $$")

    switch("DISABLE")
    try:
        yield
    finally:
        switch("ENABLE")


@pytest.mark.parametrize("name", PRINCIPALS)
@pytest.mark.usefixtures("untriggered")
def test_changes_without_a_where_touch_nothing_beyond(stage: Stage, name: str) -> None:
    world, person = stage.world, stage.people[name]
    wrong, touched = [], 0
    before = fingerprint(world)
    plans = [
        (table, action, change, lawful(stage, person, action, table) if action in changing else set())
        for table in CASE_TABLES
        for action in sorted({CASE_TABLES[table], *changes(table, "insert"), *changes(table, "update")})
        if action == CASE_TABLES[table] or any(authority()[action][role] != "none" for role, _ in person.roles)
        for change, changing in (
            (overwriting(world, table), changes(table, "update")),
            (f"DELETE FROM casework.{table}", changes(table, "insert") if rls.BY_TABLE[table].delete else ()),
        )
    ]

    async def go(connection: asyncpg.Connection) -> list[tuple[set[UUID], str]]:
        witness = await asyncpg.connect(cluster.superuser_url(world.database))
        try:
            done = []
            for table, action, change, _ in plans:
                done.append(await sweep(connection, witness, person, action, table, change))
            return done
        finally:
            await witness.close()

    for (hit, error), (table, action, change, lawfully) in zip(world.run_as("casework_api", go), plans, strict=True):
        touched += len(hit)
        if hit - lawfully:
            wrong.append(f"{action}: {change}: touched {named(stage, table, hit - lawfully)}")
        if error not in ("", "no right"):
            wrong.append(f"{action}: {change}: {error}")
        if lawfully - hit:
            wrong.append(f"{action}: {change}: short of {named(stage, table, lawfully - hit)}")
    assert wrong == []
    if name in ("allocated", "supervisor", "adviser_abroad"):
        assert touched > 0
    assert fingerprint(world) == before


@pytest.fixture
def unguarded(stage: Stage) -> Iterator[str]:
    """A table whose second lock is off for as long as the test lasts."""
    table = "case_note"
    stage.world.sql(f"ALTER TABLE casework.{table} NO FORCE ROW LEVEL SECURITY")
    stage.world.sql(f"ALTER TABLE casework.{table} DISABLE ROW LEVEL SECURITY")
    try:
        yield table
    finally:
        stage.world.sql(f"ALTER TABLE casework.{table} ENABLE ROW LEVEL SECURITY")
        stage.world.sql(f"ALTER TABLE casework.{table} FORCE ROW LEVEL SECURITY")


def test_this_comparison_is_able_to_fail(stage: Stage, unguarded: str) -> None:
    person = stage.people["colleague"]
    _, seen, where = readings(stage, person, unguarded)[unguarded]
    model = lawful(stage, person, CASE_TABLES[unguarded], unguarded)
    assert where == model < seen
    assert {"restricted", "foreign", "foreign restricted"} <= set(named(stage, unguarded, seen - model))


def test_without_a_beginning_no_row_is_seen(stage: Stage) -> None:
    async def look(connection: asyncpg.Connection) -> dict[str, int]:
        return {table: await connection.fetchval(f"SELECT count(*) FROM casework.{table}") for table in CASE_TABLES}

    assert json.dumps(stage.world.run_as("casework_api", look)) == json.dumps(dict.fromkeys(CASE_TABLES, 0))
