"""Row security, asked without a WHERE: each login sees and changes exactly the rows that the domain owner's table gives it.

The model (``model.py``) is written from ``docs/authority.csv`` and ``docs/authority.md`` alone. It is held against what row
security lets through, and that against the arrays with which the service writes its own WHERE: the two locks are the same.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest

from casework.access import rls
from casework.access.tokens import hash_token
from tests.security.model import Offer, Principal, Row, holds, may, reads_offer
from tests.security.stage import Stage
from tests.support import cluster
from tests.support.world import World

CASE_TABLES = {
    "case_file": "case.read",
    "allocation": "case.read",
    "collaborator": "case.read",
    "case_note": "case.read",
    "case_event": "case.read",
    "case_share": "case.read",
    "emergency_access": "case.read",
    "case_transfer": "case.read",
    "enquiry": "enquiry.read",
    "site_visit": "visit.read",
    "visit_supplement": "finding.read",
    "finding": "finding.read",
    "advice": "advice.read",
    "advice_content": "advice.read",
    "advice_contributor": "advice.read",
    "advice_delivery": "advice.read",
    "quality_review": "advice.read",
    "interim_advice": "advice.read",
    "recommendation": "recommendation.read",
    "recommendation_finding": "recommendation.read",
    "business_response": "recommendation.read",
    "verification": "recommendation.read",
    "open_reason": "recommendation.read",
}
"""Every table whose rows belong to a case, and the action that reads it."""
ENQUIRY_TABLES = {"contact": "enquiry.read", "enquiry_message": "enquiry.read", "enquiry_transfer": "enquiry.read"}
"""Those whose rows belong to an enquiry, and through it to its case."""
TABLES = {**CASE_TABLES, **ENQUIRY_TABLES}
OFFERED = {"case_transfer": "case", "enquiry_transfer": "enquiry"}
"""What is offered by the lines of these tables."""
ALSO = {"emergency_access": "case.access_log"}
"""Who opened a case in an emergency is told by its log as well, so whoever reads that reads this."""

PRINCIPALS = (
    "adviser", "collaborator", "colleague", "idle adviser", "coordinator", "supervisor", "information_manager", "reviewer",
    "idle reviewer", "auditor", "national_reader", "professional_lead", "administrator", "adviser abroad", "reviewer abroad",
    "adviser here, supervisor there", "adviser and auditor", "supervisor and information manager",
    "adviser, reviewer and coordinator", "coordinator and national reader there, reviewer here", "service",
)  # fmt: skip
HARMLESS = ("version", "ended_at", "amended_at", "carried_into", "restricted")
"""Columns to overwrite without reading anything, the first that a table has."""


CASEWORK = {
    "case_note": "t.audience <> 'desk'",
    "case_event": "t.action ~ '^(advice|finding|interim_advice|recommendation)[.]' OR t.action = 'visit.supplement'",
}
"""Rows that are for those people alone who read findings and advice: ``docs/authority.md``, *Notes*, and the rule of visit.read."""


class Stored(NamedTuple):
    """A row as it is stored: what authority knows of it, of the offer that it is, and whether it is casework's alone."""

    row: Row
    offer: Offer | None
    casework: bool


def uuid(value: object) -> UUID | None:
    """The driver's id as the standard library's."""
    return UUID(str(value)) if value else None


KEPT: dict[str, dict[UUID, Stored]] = {}
OF: list[Stage] = []


def stored(stage: Stage, table: str) -> dict[UUID, Stored]:
    """Every row there is, of whatever test. Nothing here changes any, so it is read once for a stage."""
    if [stage] != OF:
        OF[:] = [stage]
        KEPT.clear()
    if table not in KEPT:
        case = f"t.{rls.BY_TABLE[table].case}" if table in CASE_TABLES else "e.case_id"
        joined = "" if table in CASE_TABLES else "JOIN casework.enquiry e ON e.id = t.enquiry_id"
        offered = "t.from_team_id, t.to_team_id, t.state" if table in OFFERED else "NULL AS state"
        found = stage.world.sql(
            f'SELECT t.id, t.team_id, t.restricted, {case} AS "case", {offered}, {CASEWORK.get(table, "false")} AS casework'
            f" FROM casework.{table} t {joined}"
        )
        KEPT[table] = {}
        for r in found:
            row = Row(uuid(r["team_id"]), r["restricted"], uuid(r["case"]))
            ends = (UUID(str(r["from_team_id"])), UUID(str(r["to_team_id"]))) if r["state"] is not None else None
            KEPT[table][UUID(str(r["id"]))] = Stored(
                row, Offer(row, *ends, r["state"]) if ends else None, r["casework"]
            )
    return KEPT[table]


def reads(stage: Stage, person: Principal, table: str, kept: Stored) -> bool:
    """Whether the model lets somebody read this row."""
    if kept.offer is not None:
        return reads_offer(person, OFFERED[table], kept.offer, stage.shares)
    if kept.casework and not may(person, "advice.read", kept.row, stage.shares):
        return False
    return any(
        may(person, action, kept.row, stage.shares) for action in (TABLES[table], ALSO.get(table, TABLES[table]))
    )


def lawful(stage: Stage, person: Principal, action: str, table: str) -> set[UUID]:
    """The ids that the model gives: to read them, or to do with them as the action says."""
    return {
        id_ for id_, kept in stored(stage, table).items()
        if (reads(stage, person, table, kept) if action == TABLES[table] else may(person, action, kept.row, stage.shares))
    }  # fmt: skip


async def begun(connection: asyncpg.Connection, person: Principal, action: str) -> asyncpg.Record:
    """The first word of a transaction, as the service says it."""
    row = await connection.fetchrow(
        "SELECT * FROM access.begin($1, $2, NULL, NULL, NULL, NULL, $3)",
        hash_token(person.caller.token or ""),
        action,
        hash_token(person.caller.confirmation) if person.caller.confirmation else None,
    )
    assert row is not None
    return row


class Reading(NamedTuple):
    """What begin answers, every row that row security lets through, and those of the service's own WHERE among all rows."""

    decision: str
    seen: set[UUID]
    where: set[UUID]


def readings(stage: Stage, person: Principal, *tables: str, action: str | None = None) -> dict[str, Reading]:
    """Each table read without a WHERE, in a transaction of its own; under the action that reads it unless told another."""

    async def look(connection: asyncpg.Connection) -> dict[str, Reading]:
        witness = await asyncpg.connect(cluster.superuser_url(stage.world.database))
        found = {}
        try:
            for table in tables:
                async with connection.transaction():
                    context = await begun(connection, person, action or TABLES[table])
                    seen = await connection.fetch(f"SELECT id FROM casework.{table}")
                if rls.BY_TABLE[table].using is not None:
                    found[table] = Reading(context["decision"], ids(seen), ids(seen))
                    continue
                where = await witness.fetch(
                    f"SELECT id FROM casework.{table}"
                    " WHERE team_id = ANY ($1) AND NOT restricted OR restricted AND team_id = ANY ($3)"
                    f" OR {rls.BY_TABLE[table].case} = ANY ($2)",
                    context["teams"],
                    context["cases"],
                    context["answering"],
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
    return sorted({names.get(rows[id_].row.case or id_, "another") if id_ in rows else "another" for id_ in ids})


def test_the_tables_of_cases_are_all_here(stage: Stage) -> None:
    """None is forgotten, each is read by the action named here, and each has rows on both sides, restricted or not."""
    assert {scope.table: scope.read.value for scope in rls.SCOPES if scope.case is not None} == CASE_TABLES
    bare = {"advice_content", "advice_delivery", "quality_review", "business_response", "verification", "open_reason"}
    assert {s.table for s in rls.SCOPES if s.read.value == "enquiry.read"} == {"enquiry", *ENQUIRY_TABLES}
    bare |= {"case_share", "emergency_access", "case_transfer", "enquiry_transfer"}
    few = {"verification", "open_reason", "collaborator", "case_share", "emergency_access"}
    for table in TABLES.keys() - few:
        found = {(each.row.team, each.row.restricted) for each in stored(stage, table).values()}
        wanted = {
            (team, restricted)
            for team in (UUID(stage.here.id), UUID(stage.there.id))
            for restricted in ((False,) if table in bare else (False, True))
        }
        assert wanted <= found, table


@pytest.mark.parametrize("name", PRINCIPALS)
def test_rows_without_a_where_are_the_rows_of_the_table(stage: Stage, name: str) -> None:
    person, wrong = stage.people[name], []
    for table, (decision, seen, where) in readings(stage, person, *TABLES).items():
        action = TABLES[table]
        # Who may not read the table at all reads no row, whatever else of theirs would show it.
        model = lawful(stage, person, action, table) if holds(person, action) else set()
        if decision != ("allow" if holds(person, action) else "forbidden"):
            wrong.append(f"{table}: {decision}")
        if seen != model:
            wrong.append(
                f"{table}: beyond the table {named(stage, table, seen - model)}, short of it {named(stage, table, model - seen)}"
            )
        # What is casework's alone is row security's to withhold: the service's own WHERE leaves it to that.
        if seen != {
            id_
            for id_ in where
            if id_ not in (all_of := stored(stage, table)) or not all_of[id_].casework or id_ in model
        }:
            wrong.append(
                f"{table}: policy only {named(stage, table, seen - where)}, WHERE only {named(stage, table, where - seen)}"
            )
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", PRINCIPALS)
def test_who_opened_a_case_is_told_to_those_who_read_its_log(stage: Stage, name: str) -> None:
    """The same table under the action of the log: the rows of one part or the other, and no more."""
    person = stage.people[name]
    for table, action in ALSO.items():
        _, seen, _ = readings(stage, person, table, action=action)[table]
        assert seen == (lawful(stage, person, TABLES[table], table) if holds(person, action) else set())


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
        f"SELECT '{table}' || md5(string_agg(t::text, '' ORDER BY id)) FROM casework.{table} t" for table in TABLES
    )
    return [row[0] for row in world.sql(tables)]


@pytest.fixture
def untriggered(stage: Stage) -> Iterator[None]:
    """Row security alone: what freezes, refers or logs would refuse a whole statement, and hide what else it touched."""

    def switch(word: str) -> None:
        tables = "; ".join(f"ALTER TABLE casework.{table} {word} TRIGGER ALL" for table in TABLES)
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
        for table in TABLES
        for action in sorted({TABLES[table], *changes(table, "insert"), *changes(table, "update")})
        if action == TABLES[table] or holds(person, action)
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
    assert wrong == [], "\n".join(wrong)
    if name in ("adviser", "supervisor", "adviser abroad"):
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
    person = stage.people["idle adviser"]
    _, seen, where = readings(stage, person, unguarded)[unguarded]
    model = lawful(stage, person, TABLES[unguarded], unguarded)
    assert where == model < seen
    assert {"restricted", "other team", "other restricted"} <= set(named(stage, unguarded, seen - model))


def test_without_a_beginning_no_row_is_seen(stage: Stage) -> None:
    async def look(connection: asyncpg.Connection) -> dict[str, int]:
        return {table: await connection.fetchval(f"SELECT count(*) FROM casework.{table}") for table in TABLES}

    assert json.dumps(stage.world.run_as("casework_api", look)) == json.dumps(dict.fromkeys(TABLES, 0))
