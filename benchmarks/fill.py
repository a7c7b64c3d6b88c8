"""Fills a database with real-shaped records, as a superuser with the triggers off; the same numbers give the same records.

The nation's shape is that of its museums (``casework/data``): 45 forces, each with its share of them. What is many is made in the
database (``filling/*.sql``: INSERT from generate_series, a bounded batch of memory whatever the size), what is few is sent by COPY.
"""

import asyncio
import csv
import string
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from uuid import UUID

import asyncpg

from casework.access.tokens import STAFF, hash_token, new_token
from casework.reference.importing import load_postcodes
from casework.reference.localities import Localities
from casework.work.unit import uuid7

FILLING = Path(__file__).parent / "filling"
AT_A_TIME = 2
LOAD = 30
"""Open cases an adviser has: more cases are more advisers, not more work for each."""
PREMISES = 180_000
"""Those in scope nationally; a larger log of cases is about the same places."""
BUSY = 100
PARTS = ("adviser", "supervisor", "coordinator", "crossing", "lead", "auditor")


@dataclass
class Filled:
    """Who is driven, and with what."""

    cases: int
    events: int
    team: UUID
    tokens: dict[str, str] = field(default_factory=dict)
    """By part: an adviser and a supervisor of the largest team, somebody in five forces, the national roles."""
    people: dict[str, UUID] = field(default_factory=dict)
    readable: list[UUID] = field(default_factory=list)
    """Cases of the team that its advisers may read."""
    busy: list[UUID] = field(default_factory=list)
    """Cases of the team that the log has much of."""


def say(what: str) -> None:
    """Tell how far it is, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


async def fill(url: str, cases: int, events: int) -> Filled:
    """Make forces, teams, people and ``cases`` cases with all that belongs to them, and ``events`` of the log."""
    begun = time.monotonic()
    connection = await connect(url)
    try:
        team, people = await _nation(connection, cases)
        where = {
            "cases": cases,
            "premises": min(PREMISES, cases * 9 // 10),
            "museums": await _count(connection, "museum"),
        }
        await connection.execute(_text("base.sql", **where))
        held = await _drop_indexes(connection)
        await _together(url, _text("tables.sql", **where).split(";\n\n"))
        await connection.execute(
            "CREATE TABLE bench.busy AS SELECT n, id FROM bench.c"
            f" WHERE team_id = '{team}' AND NOT restricted AND adviser_id IS NOT NULL ORDER BY bench.pick(n, 40, 1000000) LIMIT {BUSY}"
        )
        say(f"{cases} cases after {time.monotonic() - begun:.0f} s; {events} events …")
        await _log(connection, cases, events)
        say(f"records after {time.monotonic() - begun:.0f} s; indexes …")
        await _together(url, held)
        await _together(url, [f"VACUUM ANALYZE {table}" for table in await _tables(connection)])
        await connection.execute("CHECKPOINT")
        made = await _driven(connection, Filled(cases, events, team), people)
    finally:
        await connection.close()
    say(f"filled after {time.monotonic() - begun:.0f} s")
    return made


async def connect(url: str) -> asyncpg.Connection:
    """A superuser's connection on which no trigger fires."""
    connection = await asyncpg.connect(url, command_timeout=3600)
    await connection.execute(
        "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB';"
        "SET work_mem = '128MB'; SET TimeZone = 'UTC'; SET max_parallel_maintenance_workers = 0"
    )
    return connection


def _text(name: str, **values: object) -> str:
    return string.Template((FILLING / name).read_text(encoding="utf-8")).substitute(values)


async def _count(connection: asyncpg.Connection, table: str) -> int:
    counted: int = await connection.fetchval(f"SELECT count(*) FROM bench.{table}")
    return counted


async def _copy(connection: asyncpg.Connection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    schema, _, name = table.partition(".")
    await connection.copy_records_to_table(name, schema_name=schema, columns=columns.split(), records=rows)


async def _together(url: str, statements: Sequence[str]) -> None:
    """Run statements that do not wait for one another, a few at a time."""
    waiting = list(reversed(statements))

    async def run() -> None:
        connection = await connect(url)
        try:
            while waiting:
                await connection.execute(waiting.pop())
        finally:
            await connection.close()

    await asyncio.gather(*(run() for _ in range(AT_A_TIME)))


# --- the nation ---


async def _nation(connection: asyncpg.Connection, cases: int) -> tuple[UUID, dict[str, UUID]]:
    """Teams by the share of the museums, and their people; returns the largest team and who is driven."""
    await load_postcodes(connection)
    places = Localities()
    text = resources.files("casework.data").joinpath("museums_uk.csv").read_text(encoding="utf-8")
    found = [(row, places.authority_for(row["admin_area_full"])) for row in csv.DictReader(text.splitlines())]
    museums = [(row, places.authorities[code].force.code) for row, code in found if code is not None]
    share = Counter(force for _, force in museums)
    forces = [force for force, _ in share.most_common()]
    teams = {force: uuid7() for force in forces}
    await connection.execute(
        """CREATE SCHEMA bench;
        CREATE TABLE bench.museum (k int PRIMARY KEY, name text, address text, town text, postcode text, force_code text, team_id uuid);
        CREATE TABLE bench.adviser (team_id uuid, k int, person_id uuid, PRIMARY KEY (team_id, k));
        CREATE TABLE bench.size (team_id uuid PRIMARY KEY, advisers int);
        CREATE TABLE bench.chief (team_id uuid PRIMARY KEY, supervisor_id uuid)"""
    )
    names = {row["code"]: row["name"] for row in await connection.fetch("SELECT code, name FROM casework.police_force")}
    await _copy(
        connection,
        "casework.team",
        "id name force_code intake",
        [(teams[f], f"{names[f]} CTSA team", f, True) for f in forces],
    )
    await _copy(
        connection, "bench.museum", "k name address town postcode force_code team_id",
        [(k, row["museum_name"][:150], row["address_line_1"] or None, row["city"] or None, row["postcode"] or None, force, teams[force])
         for k, (row, force) in enumerate(museums)],
    )  # fmt: skip
    people: list[tuple[UUID, str, UUID]] = []
    advisers, sizes, chiefs = [], [], []
    for force in forces:
        team = teams[force]
        size = max(2, round(cases * 0.2 / LOAD * share[force] / len(museums)))
        made = [uuid7() for _ in range(size)]
        people += [(person, "adviser", team) for person in made]
        advisers += [(team, k, person) for k, person in enumerate(made)]
        sizes.append((team, size))
        chief = uuid7()
        people += [(chief, "supervisor", team), (uuid7(), "coordinator", team), (uuid7(), "information_manager", team)]
        chiefs.append((team, chief))
    largest = teams[forces[0]]
    driven = {
        part: next(person for person, role, team in people if role == part and team == largest) for part in PARTS[:3]
    }
    driven |= {part: uuid7() for part in PARTS[3:]}
    people += [(driven["crossing"], "adviser", teams[force]) for force in forces[:5]]
    people += [(driven["lead"], "professional_lead", largest), (driven["auditor"], "auditor", largest)]
    homes = {person: team for person, _, team in reversed(people)}
    named = {person: f"Person {n}" for n, person in enumerate(homes)}
    await _copy(
        connection, "casework.person", "id name email team_id competences",
        [(person, named[person], f"person{n}@bench.example", homes[person], ["pal", "hss"]) for n, person in enumerate(homes)],
    )  # fmt: skip
    await _copy(connection, "access.principal", "id kind name", [(person, "staff", named[person]) for person in homes])
    await _copy(connection, "access.membership", "principal_id role team_id", people)
    await _copy(connection, "bench.adviser", "team_id k person_id", advisers)
    await _copy(connection, "bench.size", "team_id advisers", sizes)
    await _copy(connection, "bench.chief", "team_id supervisor_id", chiefs)
    return largest, driven


# --- indexes ---

FILLED = "('casework', 'access', 'audit')"


async def _drop_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drop what can be made again faster than kept up; returns the definitions."""
    rows = await connection.fetch(
        f"""SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN {FILLED} AND NOT i.indisunique AND NOT c.relispartition AND NOT i.indisexclusion"""
    )
    for row in rows:
        await connection.execute(f"DROP INDEX {row['name']}")
    return [row["definition"].replace(" ON ONLY ", " ON ") for row in rows]


async def _tables(connection: asyncpg.Connection) -> list[str]:
    """Every table with rows, the largest first."""
    rows = await connection.fetch(
        f"""SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN {FILLED} AND c.relkind = 'r' ORDER BY pg_relation_size(c.oid) DESC"""
    )
    return [row["name"] for row in rows]


# --- the log: all that knows how it is stored ---


async def _log(connection: asyncpg.Connection, cases: int, events: int) -> None:
    """Fill the processing log, however it is stored: one table, or partitions by the id, which tells the moment."""
    if events == 0:
        return
    identity, partitioned = await connection.fetchrow(
        """SELECT (SELECT attidentity <> '' FROM pg_attribute WHERE attrelid = c.oid AND attname = 'id'), c.relkind = 'p'
        FROM pg_class c WHERE c.oid = 'audit.event'::regclass"""
    )
    if partitioned:
        await make_partitions(connection)
    often = max(1, min(500, events // BUSY // 4))
    values = {"cases": cases, "events": events, "often": often, "every": max(1, events // (BUSY * often))}
    for statement in _text("log.sql", overriding="OVERRIDING SYSTEM VALUE" if identity else "", **values).split(
        ";\n\n"
    ):
        await connection.execute(statement)
    if identity:
        await connection.execute(
            "SELECT setval(pg_get_serial_sequence('audit.event', 'id'), (SELECT max(id) + 1 FROM audit.event))"
        )


async def make_partitions(connection: asyncpg.Connection) -> None:
    """Months of the past for the log, named and bounded as ``audit.make_partitions`` does for those to come."""
    await connection.execute(
        """DO $$ DECLARE month timestamptz; kind text; BEGIN
            FOR month IN SELECT generate_series(date_trunc('month', now() - interval '2001 days'), now(), interval '1 month') LOOP
                FOREACH kind IN ARRAY ARRAY['event', 'event_object'] LOOP
                    EXECUTE format('CREATE TABLE IF NOT EXISTS audit.%I PARTITION OF audit.%I FOR VALUES FROM (%s) TO (%s)',
                        kind || '_' || to_char(month, 'YYYY_MM'), kind, audit.first_id(month), audit.first_id(month + interval '1 month'));
                END LOOP;
            END LOOP;
        END $$"""
    )


# --- who is driven ---


async def _driven(connection: asyncpg.Connection, made: Filled, people: dict[str, UUID]) -> Filled:
    made.people = people
    for part, person in people.items():
        made.tokens[part] = new_token(STAFF)
        await connection.execute(
            "INSERT INTO access.session (token_hash, kind, principal_id, idle_minutes, idle_until, expires_at)"
            " VALUES ($1, 'staff', $2, 600, now() + interval '10 hours', now() + interval '10 hours')",
            hash_token(made.tokens[part]),
            person,
        )
    readable = (
        "SELECT id FROM bench.c WHERE team_id = $1 AND NOT restricted ORDER BY bench.pick(n, 41, 1000000) LIMIT 2000"
    )
    made.readable = [row["id"] for row in await connection.fetch(readable, made.team)]
    made.busy = [row["id"] for row in await connection.fetch("SELECT id FROM bench.busy ORDER BY n")]
    await connection.execute("DROP TABLE bench.c, bench.p, bench.museum; ANALYZE")
    return made
