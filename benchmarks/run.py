"""``make bench`` and ``make bench-quick``: fill, drive every server in turns, switch guards on and off, and print one table.

Sizes beyond the first are for the database part: the same statements at 20,000 and at 2,000,000 cases.
"""

import argparse
import asyncio
import datetime
import os
import platform
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from benchmarks import database, limit, paths, servers, starting, switches
from benchmarks.fill import Filled, fill, say
from benchmarks.hot import hot_statements
from benchmarks.load import load
from benchmarks.machine import Cluster, scratch_directory, season, start_cluster
from benchmarks.paths import Driven
from benchmarks.report import Report
from benchmarks.servers import FLOOR, LIMIT, OURS, ROOT, Round, Server

PARTS = ("paths", "database", "switches", "workers", "endurance", "sealing", "start", "import")


def options() -> argparse.Namespace:
    """What can be asked for; ``--full`` only changes what is asked for unless stated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="three sizes, ten million events, long rounds")
    parser.add_argument("--cases", help="sizes, apart by commas; servers are driven at the largest that --drive names")
    parser.add_argument("--events", type=int, help="of the log, at the largest size; smaller ones in proportion")
    parser.add_argument("--drive", type=int, help="the size at which servers are driven")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--times",
        type=int,
        help="executions of each statement in the database; they share a millisecond, which has room for 4,096 events",
    )
    parser.add_argument("--import-rows", type=int)
    parser.add_argument("--requests", type=int, default=200_000, help="of the endurance part")
    parser.add_argument("--parts", help=f"which of {','.join(PARTS)}")
    parser.add_argument("--only", help="paths whose names begin so, apart by commas")
    parser.add_argument("--explain", type=Path, help="a directory for the plans of the hot statements")
    parser.add_argument("--peers-python", type=Path, default=ROOT / ".venv-bench" / "bin" / "python")
    parser.add_argument("--request-log", action="store_true", help="a line a request, as `casework serve` writes")
    parser.add_argument("--json", type=Path, default=os.environ.get("BENCH_JSON") or None)
    given = parser.parse_args()
    full = given.full
    usual = {
        "cases": "20000,200000,2000000" if full else "20000", "events": 10_000_000 if full else 200_000, "rounds": 5 if full else 3,
        "seconds": 8.0 if full else 1.0, "times": 4_000 if full else 1_000, "import_rows": 100_000 if full else 20_000,
        "drive": 200_000 if full else None,
        "parts": ",".join(PARTS if full else [part for part in PARTS if part not in ("endurance", "sealing")]),
    }  # fmt: skip
    for name, value in usual.items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    given.cases = sorted(int(size) for size in given.cases.split(","))
    given.parts = given.parts.split(",")
    given.drive = given.drive if given.drive in given.cases else given.cases[-1]
    return given


def main() -> None:
    """Run all that was asked for, a size after the other."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended all the same
    given = options()
    report = Report({
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "cores": os.cpu_count(), "python": platform.python_version(),
        "cases": given.drive, "events": _events(given, given.drive), "connections": given.connections, "rounds": given.rounds,
        "round_s": given.seconds,
    })  # fmt: skip
    timed: dict[int, list[database.Timed]] = {}
    try:
        for size in given.cases:
            with scratch_directory() as scratch:
                cluster = start_cluster(scratch)
                report.facts.setdefault("postgresql", asyncio.run(_version(cluster)))
                filled = asyncio.run(fill(cluster.superuser, size, _events(given, size)))
                if "database" in given.parts:
                    say(f"the statements at {size} cases …")
                    timed[size] = asyncio.run(
                        database.measured(cluster.superuser, cluster.where.staff, filled, given.times, given.explain)
                    )
                if size == given.drive:
                    _drive(given, report, cluster, filled)
        if "start" in given.parts:
            starting.empty_directory(report, 3 if given.full else 1)
    finally:
        _database(report, timed)
        report.write(given.json)


def _events(given: argparse.Namespace, size: int) -> int:
    return int(given.events * size / given.cases[-1])


async def _version(cluster: Cluster) -> str:
    connection = await asyncpg.connect(cluster.superuser)
    version: str = (await connection.fetchval("SHOW server_version")).split()[0]
    await connection.close()
    return version


def _drive(given: argparse.Namespace, report: Report, cluster: Cluster, filled: Filled) -> None:
    """Everything that is driven over HTTP, at one size."""
    season(cluster.superuser)
    place = asyncio.run(database.placed(cluster.superuser, filled))
    driven = Driven(cluster, filled, place)
    hot = {"rounds": given.rounds, "seconds": given.seconds, "connections": given.connections}
    with ExitStack() as stack:
        driven.ours = stack.enter_context(servers.casework(cluster, request_log=given.request_log))
        if "paths" in given.parts:
            with ExitStack() as others:
                peers = [others.enter_context(servers.floor(cluster)), others.enter_context(servers.template(cluster))]
                if given.peers_python.exists():
                    peers.append(others.enter_context(servers.drf(cluster, given.peers_python)))
                _paths(given, report, driven, [driven.ours, *peers])
        if "switches" in given.parts:
            say("guards on and off …")
            switches.switches(
                report, driven, driven.ours, **(hot if given.full else {**hot, "rounds": min(2, given.rounds)})
            )
        if "sealing" in given.parts:
            switches.sealing(report, driven, driven.ours, **hot)
    if "workers" in given.parts:
        say("workers …")
        switches.workers(report, driven, cluster, **(hot if given.full else {**hot, "rounds": min(2, given.rounds)}))
    if "endurance" in given.parts:
        say("endurance …")
        switches.endurance(report, driven, cluster, requests=given.requests, connections=given.connections)
    if "start" in given.parts:
        say("starts …")
        starting.starts(report, cluster, 3 if given.full else 1)
    if "import" in given.parts:
        say("import …")
        starting.premises_import(report, cluster, given.import_rows)


def _paths(given: argparse.Namespace, report: Report, driven: Driven, up: list[Server]) -> None:
    hots = hot_statements(driven.filled, driven.place)
    wanted = tuple(given.only.split(",")) if given.only else ("",)
    for path in paths.PATHS:
        if not path.name.startswith(wanted):
            continue
        say(path.name)
        offering = [server for server in up if server.name == OURS or server.name in path.peers]
        if not (given.full or path.goal):
            offering = [server for server in offering if server.name in (OURS, FLOOR)]
        seen: dict[str, list[Round]] = {server.name: [] for server in offering}
        hot = limit.known(hots, path.hot) if path.hot and limit.pgbench() else None

        def send(server: Server, seconds: float, path: paths.Path = path, *, tell: bool = False) -> Round:
            requests = path.requests(driven, server.name, seconds)
            return load(driven.cluster, server, requests, seconds=seconds, connections=given.connections, tell=tell)

        for server in offering:
            send(server, 1, tell=True)  # warm; and what went wrong is told
        for _ in range(given.rounds):
            for server in offering:
                seen[server.name].append(send(server, given.seconds))
            if hot is not None:
                seen.setdefault(LIMIT, []).append(limit.run(driven.cluster, hot, given.seconds))
        report.path(path.name, seen, {server.name: server.memory() for server in offering})


def _database(report: Report, timed: dict[int, list[database.Timed]]) -> None:
    """A line a statement: its times at each size, and the ratio of the largest to the smallest."""
    if not timed:
        return
    sizes = sorted(timed)
    for first in timed[sizes[0]]:
        kind = first.name.partition(", page")[0]
        found = {
            size: next(
                each
                for each in timed[size]
                if each.name.partition(", page")[0] == kind and ("page" in each.name) == ("page" in first.name)
            )
            for size in sizes
            if size in timed
        }
        figures = {f"p50/p99_us@{size}": f"{each.p50_us:.0f}/{each.p99_us:.0f}" for size, each in found.items()}
        if len(sizes) > 1:
            small, large = found[sizes[0]], found[sizes[-1]]
            figures["ratio"] = f"{large.p50_us / small.p50_us:.2f}/{large.p99_us / small.p99_us:.2f}"
            figures["goal"] = "≤ 1.25/1.5"
        report.add("in the database", found[sizes[-1]].name, **figures)


if __name__ == "__main__":
    sys.exit(main())
