"""What each guard costs: the same path with it on and off, in turns. The scratch database only is ever without one."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import asyncpg

from benchmarks import servers
from benchmarks.load import load
from benchmarks.machine import Cluster
from benchmarks.paths import PATHS, Driven
from benchmarks.report import Report, medians
from benchmarks.servers import OURS, Round, Server

HOT = ("get case", "team queue, 25 rows")
FUNCTIONS = ("access.begin", "audit.consulted", "audit.open_event")


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _fetch(url: str, query: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


@contextmanager
def without_row_security(url: str) -> Iterator[None]:
    """No policy is applied while it lasts: the WHERE of the statements is the only lock."""
    rows = asyncio.run(
        _fetch(
            url, "SELECT oid::regclass::text AS name, relforcerowsecurity AS forced FROM pg_class WHERE relrowsecurity"
        )
    )
    asyncio.run(
        _execute(
            url, *(f"ALTER TABLE {r['name']} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY" for r in rows)
        )
    )
    try:
        yield
    finally:
        asyncio.run(_execute(url, *(f"ALTER TABLE {r['name']} ENABLE ROW LEVEL SECURITY" for r in rows)))
        asyncio.run(_execute(url, *(f"ALTER TABLE {r['name']} FORCE ROW LEVEL SECURITY" for r in rows if r["forced"])))


@contextmanager
def without_log(url: str) -> Iterator[None]:
    """Nothing is written to the log while it lasts; the caller is judged as before."""
    rows = asyncio.run(
        _fetch(
            url,
            """SELECT n.nspname || '.' || p.proname AS name, pg_get_functiondef(p.oid) AS definition
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname || '.' || p.proname = ANY ($1)""",
            list(FUNCTIONS),
        )
    )
    silent = [_silent(row["name"], row["definition"]) for row in rows]
    if not any("INSERT INTO audit" in row["definition"] for row in rows) or any(
        "INSERT INTO audit" in each for each in silent
    ):
        raise RuntimeError("the functions that write the log have changed: benchmarks/switches.py must follow")
    asyncio.run(_execute(url, *silent))
    try:
        yield
    finally:
        asyncio.run(_execute(url, *(row["definition"] for row in rows)))


def _silent(name: str, definition: str) -> str:
    """The function without its inserts into the log."""
    if name == "audit.consulted":
        return re.sub(r"BEGIN.*END", "BEGIN RETURN true; END", definition, flags=re.S)
    definition = re.sub(r"INSERT INTO audit\.\w+[^;]*RETURNING id INTO event;", "event := 1;", definition)
    return re.sub(r"INSERT INTO audit\.\w+[^;]*;", "", definition)


@contextmanager
def as_it_is(_: str) -> Iterator[None]:
    """Nothing is changed."""
    yield


def switches(report: Report, driven: Driven, server: Server, *, rounds: int, seconds: float, connections: int) -> None:
    """Row security and the log, on and off."""
    for name, off in (("row security", without_row_security), ("log", without_log)):
        for path in HOT:
            on_, off_ = _in_turns(driven, server, path, (as_it_is, off), rounds, seconds, connections)
            report.add(
                "switches", f"{name}: {path}", rps_on=on_["rps"], rps_off=off_["rps"], p50_costs=_more(on_["p50_ms"], off_["p50_ms"]),
                p95_costs=_more(on_["p95_ms"], off_["p95_ms"]), p99_costs=_more(on_["p99_ms"], off_["p99_ms"]), database_us_on=on_["database_us"], database_us_off=off_["database_us"],
            )  # fmt: skip


def _more(on: float, off: float) -> str:
    return f"{(on / off - 1) * 100:+.0f}%"


def _in_turns(
    driven: Driven,
    server: Server,
    path: str,
    states: Sequence[Callable[[str], object]],
    rounds: int,
    seconds: float,
    connections: int,
) -> list[dict[str, float]]:
    drive = partial(_drive, driven, server, path, connections=connections)
    seen: list[list[Round]] = [[] for _ in states]
    for _ in range(rounds):
        for state, found in zip(states, seen, strict=True):
            with state(driven.cluster.superuser):  # type: ignore[attr-defined]
                drive(seconds=1)  # plans are made anew
                found.append(drive(seconds=seconds))
    return [medians(found) for found in seen]


def _drive(driven: Driven, server: Server, path: str, *, seconds: float, connections: int) -> Round:
    requests = next(each for each in PATHS if each.name == path).requests(driven, OURS, seconds)
    return load(driven.cluster, server, requests, seconds=seconds, connections=connections)


def workers(report: Report, driven: Driven, cluster: Cluster, *, rounds: int, seconds: float, connections: int) -> None:
    """Two workers against one; p99 against p50 at eight connections on one; memory of a worker."""
    with servers.casework(cluster) as single, servers.casework(cluster, workers=2) as double:
        report.add("workers", "memory of a worker at start", mb=round(single.memory(), 1), goal="≤ 105")
        for path in HOT:
            seen: dict[int, list[Round]] = {1: [], 2: []}
            for server in (single, double):
                _drive(driven, server, path, seconds=1, connections=connections)
            for _ in range(rounds):
                for server in (single, double):
                    seen[server.workers].append(_drive(driven, server, path, seconds=seconds, connections=connections))
            one, two = medians(seen[1]), medians(seen[2])
            report.add(
                "workers",
                f"two against one: {path}",
                one=one["rps"],
                two=two["rps"],
                ratio=round(two["rps"] / one["rps"], 2),
                goal="≥ 1.15",
                **{
                    f"{name}_{count}": figures[name]
                    for count, figures in (("one", one), ("two", two))
                    for name in ("cpu_us", "database_us", "idle")
                },
            )
            eight = [_drive(driven, single, path, seconds=seconds, connections=8) for _ in range(rounds)]
            tails = statistics.median(each.p99_ms / each.p50_ms for each in eight)
            report.add("workers", f"p99 / p50 at 8 connections: {path}", ratio=round(tails, 2), goal="≤ 2.5")


def endurance(report: Report, driven: Driven, cluster: Cluster, *, requests: int, connections: int) -> None:
    """How much a worker's memory has grown after so many requests."""
    with servers.casework(cluster) as server:
        _drive(driven, server, HOT[0], seconds=1, connections=connections)
        before, done, turn = server.memory(), 0, 0
        while done < requests:
            done += _drive(driven, server, HOT[turn % len(HOT)], seconds=10, connections=connections).requests
            turn += 1
        after = server.memory()
        report.add(
            "workers",
            f"memory after {done:,} requests",
            before_mb=round(before, 1),
            after_mb=round(after, 1),
            grown=_more(after, before),
            goal="≤ +5%",
        )


def sealing(report: Report, driven: Driven, server: Server, *, rounds: int, seconds: float, connections: int) -> None:
    """A worker beside the service, with the upkeep of the log and of jobs, against none."""

    @contextmanager
    def beside(_: str) -> Iterator[None]:
        with servers.worker(driven.cluster):
            yield

    # What earlier parts have left unsealed first: a worker that drains a backlog is not what a worker beside costs.
    with servers.worker(driven.cluster):
        while asyncio.run(_fetch(driven.cluster.superuser, "SELECT FROM audit.queue OFFSET 1000 LIMIT 1")):
            time.sleep(1)
    for path in HOT:
        without, with_ = _in_turns(driven, server, path, (as_it_is, beside), rounds, seconds, connections)
        report.add(
            "switches",
            f"worker beside: {path}",
            rps_without=without["rps"],
            rps_with=with_["rps"],
            p99_costs=_more(with_["p99_ms"], without["p99_ms"]),
        )
