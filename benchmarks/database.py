"""The hot statements inside the database: as the service's own login role, with a live session and plans kept.

Each is run in a loop by a function that its caller's rights and settings hold for, and timed one execution at a time: neither network
nor driver is in it. Their plans are written to files, for ``docs/performance.md``.
"""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.fill import Filled
from benchmarks.hot import Hot, Place, deep, hot_statements, literal

WARM = 100


@dataclass(frozen=True)
class Timed:
    """How long a statement took, in microseconds."""

    name: str
    p50_us: float
    p99_us: float


async def placed(url: str, filled: Filled) -> Place:
    """Where the deep page of the largest queue begins."""
    connection = await asyncpg.connect(url, server_settings={"TimeZone": "UTC"})
    try:
        return await deep(connection, filled)
    finally:
        await connection.close()


async def timings(superuser: str, staff: str, hots: list[Hot], times: int) -> list[Timed]:
    """Every hot statement, ``times`` executions each."""
    admin = await asyncpg.connect(superuser)
    found = []
    try:
        await admin.execute("CREATE SCHEMA IF NOT EXISTS bench; GRANT USAGE ON SCHEMA bench TO casework_staff")
        for hot in hots:
            # A connection of its own, as a pool's: what one statement left behind is not the next one's.
            connection = await _staff(staff)
            try:
                called = await _loop(admin, connection, hot)
                # Each record once, so that what is timed is the statement and not the first reading of its pages.
                await _taken(connection, called, hot, max(WARM, len(hot.ids)))
                found.append(_timed(hot.name, await _taken(connection, called, hot, times)))
            finally:
                await connection.close()
    finally:
        await admin.close()
    return found


def _timed(name: str, taken: list[float]) -> Timed:
    return Timed(name, statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)])


async def _staff(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url, server_settings={"TimeZone": "UTC", "search_path": "pg_catalog"})
    await connection.execute("SET statement_timeout = 0")
    return connection


async def _loop(admin: asyncpg.Connection, connection: asyncpg.Connection, hot: Hot) -> str:
    """A function that runs the statement so many times; its text is the statement's very own."""
    types = [kind.name for kind in (await connection.prepare(hot.text)).get_parameters()]
    name = "bench.time_" + re.sub(r"\W+", "_", hot.name)
    count = len(types)
    changes = f"${hot.varying} := (${count + 1})[1 + bench_i % cardinality(${count + 1})];" if hot.varying else ""
    await admin.execute(f"DROP FUNCTION IF EXISTS {name}")
    await admin.execute(
        f"""CREATE FUNCTION {name}({", ".join([*types, "uuid[]", "integer"])}) RETURNS float8[]
        LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $bench$
        #variable_conflict use_column
        DECLARE bench_row record; bench_at timestamptz; bench_taken float8[] := '{{}}';
        BEGIN
            FOR bench_i IN 1..${count + 2} LOOP
                {changes}
                bench_at := clock_timestamp();
                {hot.text} INTO bench_row;
                bench_taken[bench_i] := extract(epoch FROM clock_timestamp() - bench_at) * 1e6;
                IF bench_row.decision <> 'allow' THEN RAISE 'not allowed: %', bench_row; END IF;
            END LOOP;
            RETURN bench_taken;
        END $bench$;
        GRANT EXECUTE ON FUNCTION {name} TO casework_staff"""
    )
    return f"SELECT {name}({', '.join(f'${n + 1}' for n in range(count + 2))})"


async def _taken(connection: asyncpg.Connection, called: str, hot: Hot, times: int) -> list[float]:
    taken: list[float] = await connection.fetchval(called, *hot.arguments, list(hot.ids), times)
    return taken


async def explain(staff: str, hots: list[Hot], to: Path, size: str) -> None:
    """Write ``EXPLAIN (ANALYZE, BUFFERS)`` of each statement, by the generic plan that the service runs, to a directory."""
    to.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 — nothing else runs meanwhile
    connection = await _staff(staff)
    try:
        for hot in hots:
            await connection.execute(f"PREPARE bench AS {hot.text}")
            quoted = [
                await connection.fetchval("SELECT quote_nullable($1::text)", literal(each)) for each in hot.arguments
            ]
            execute = (
                f"EXPLAIN (ANALYZE, BUFFERS, SETTINGS) EXECUTE bench({', '.join(quoted)})"
                if quoted
                else "EXECUTE bench"
            )
            for _ in range(3):  # warm, so that what is told is the statement and not the disk
                rows = await connection.fetch(execute)
            await connection.execute("DEALLOCATE bench")
            name = re.sub(r"\W+", "-", hot.name).strip("-")
            plan = "\n".join(row[0] for row in rows)
            (to / f"explain-{name}-{size}.txt").write_text(
                f"{hot.name}, {size}\n\n{hot.text}\n\n{plan}\n", encoding="utf-8"
            )
    finally:
        await connection.close()


async def measured(superuser: str, staff: str, filled: Filled, times: int, explain_to: Path | None) -> list[Timed]:
    """Time every hot statement of a filled database, and write the plans where asked."""
    hots = hot_statements(filled, await placed(superuser, filled))
    found = await timings(superuser, staff, hots, times)
    if explain_to is not None:
        await explain(staff, hots, explain_to, f"{filled.cases}-cases")
    return found
