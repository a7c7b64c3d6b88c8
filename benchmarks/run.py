"""Drives the two hot paths in one run: ours, the hand-written floor, and Django REST framework; prints ratios, medians of rounds."""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import asyncpg

from benchmarks.fill import Filled, filled
from casework import migrations
from casework.kernel import embedded
from casework.kernel.database import embedded_addresses

HERE = Path(__file__).parent
ROOT = HERE.parent
SERVE = """
import os, uvicorn
from casework.app import served
from casework.kernel.protocol import CaseworkProtocol
from casework.kernel.settings import Settings
uvicorn.run(served(Settings()), host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), http=CaseworkProtocol, ws="none",
            loop="uvloop", access_log=False, log_level="warning")
"""


@dataclass
class Server:
    """A server under load."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    rps: dict[str, list[float]] = field(default_factory=dict)
    p50: dict[str, list[float]] = field(default_factory=dict)
    p99: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        return sum(_cpu(pid) for pid in _tree(self.process.pid))

    def memory(self) -> float:
        """Resident memory of the process tree, MB."""
        total = 0
        for pid in _tree(self.process.pid):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    total += int(line.split()[1])
        return total / 1024


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(deeper for child in children for deeper in _tree(int(child)))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(name: str, command: list[str], env: dict[str, str]) -> Iterator[Server]:
    """Start a server on a free loopback port, wait until it answers, end it afterwards by its own process id."""
    port = _free_port()
    process = subprocess.Popen(
        [part.format(port=port) for part in command], env={**os.environ, **env, "BENCH_PORT": str(port)}, cwd=ROOT
    )
    try:
        for _ in range(200):
            try:
                urlopen(f"http://127.0.0.1:{port}/v1/cases", timeout=1)  # any answer will do
            except OSError as error:
                if hasattr(error, "code"):
                    break
                if process.poll() is not None:
                    raise RuntimeError(f"{name} did not start") from error
                time.sleep(0.1)
        yield Server(name, port, process)
    finally:
        process.terminate()
        process.wait(20)


def load(server: Server, path: str, paths: Path, token: str, seconds: int, connections: int) -> None:
    """One round of wrk against one path of one server."""
    before = server.cpu_seconds()
    output = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "-s",
            str(HERE / "load.lua"),
            f"http://127.0.0.1:{server.port}",
        ],
        env={**os.environ, "BENCH_TOKEN": token, "BENCH_PATHS": str(paths)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    requests, microseconds, p50, p99, errors = map(int, output.rpartition("RESULT ")[2].split())
    if errors:
        raise RuntimeError(f"{server.name} {path}: {errors} errors of {requests}")
    server.rps.setdefault(path, []).append(requests / microseconds * 1e6)
    server.p50.setdefault(path, []).append(p50 / 1000)
    server.p99.setdefault(path, []).append(p99 / 1000)
    server.cpu.setdefault(path, []).append((server.cpu_seconds() - before) / requests * 1e6)


def main() -> None:
    """The command ``make bench-quick``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--peers-python", default=str(ROOT / ".venv-bench" / "bin" / "python"))
    parser.add_argument("--json", type=Path, default=os.environ.get("BENCH_JSON"))
    given = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="casework-bench-"))
    try:
        _run(given, scratch)
    finally:
        if embedded.status(scratch) == "running":
            embedded.stop(scratch)
        home = scratch / "postgres.home"
        if home.exists():
            shutil.rmtree(home.read_text().strip(), ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)


def _run(given: argparse.Namespace, scratch: Path) -> None:
    cluster = embedded.start(scratch, settings={"shared_buffers": "1GB"})
    passwords = {role: embedded.secret(scratch, role) for role in migrations.ROLES}
    asyncio.run(migrations.make_roles(cluster.superuser_dsn(), passwords, "casework"))
    migrations.migrate(cluster.dsn("casework_migrate", passwords["casework_migrate"], "casework"))
    print(f"filling {given.cases} cases …", file=sys.stderr)
    data = filled(cluster.superuser_dsn("casework"), given.cases)
    paths = _paths(scratch, data)
    where = embedded_addresses(scratch)
    ours = {
        "CASEWORK_DATABASE_URL": where.staff,
        "CASEWORK_PUBLIC_DATABASE_URL": where.public,
        "CASEWORK_DOOR_DATABASE_URL": where.door,
        "CASEWORK_WORKER_DATABASE_URL": where.worker,
        "CASEWORK_VAR": str(scratch),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    wsgi = [
        given.peers_python,
        "-m",
        "gunicorn",
        "-b",
        "127.0.0.1:{port}",
        "-w",
        "1",
        "--threads",
        "4",
        "--log-level",
        "warning",
        "benchmarks.peers.drf_app.site:application",
    ]
    floor = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.peers.floor:app",
        "--port",
        "{port}",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving("casework", [sys.executable, "-c", SERVE], ours)),
            stack.enter_context(serving("hand-written", floor, ours | {"BENCH_URL": where.staff})),
        ]
        if Path(given.peers_python).exists():
            peer = {
                "BENCH_URL": cluster.dsn("casework_migrate", passwords["casework_migrate"], "casework"),
                "PYTHONPATH": str(ROOT),
            }
            servers.append(stack.enter_context(serving("django-rest-framework", wsgi, peer)))
        for name, file in paths.items():
            for server in servers:
                load(server, name, file, data.token, 2, given.connections)  # warm
                for measured in (server.rps, server.p50, server.p99, server.cpu):
                    measured.pop(name)
            for _ in range(given.rounds):
                for server in servers:
                    load(server, name, file, data.token, given.seconds, given.connections)
        asyncio.run(_served_nothing_for_free(cluster.superuser_dsn("casework")))
        report(servers, given)


def _paths(scratch: Path, data: Filled) -> dict[str, Path]:
    one, page = scratch / "one.txt", scratch / "page.txt"
    one.write_text("\n".join(f"/v1/cases/{case}" for case in data.cases))
    page.write_text("/v1/cases\n")
    return {"get case": one, "team queue, 25 rows": page}


async def _served_nothing_for_free(url: str) -> None:
    connection = await asyncpg.connect(url)
    events, objects = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM audit.event), (SELECT count(*) FROM audit.event_object)"
    )
    await connection.close()
    print(f"log: {events} events, {objects} objects\n")


def report(servers: list[Server], given: argparse.Namespace) -> None:
    """Print the table, and write it as JSON lines where asked."""
    lines = []
    print(
        f"{given.cases} cases, {given.connections} connections, medians of {given.rounds} rounds of {given.seconds} s"
    )
    print(
        f"{'path':22} {'server':24} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8} {'MB':>6} {'ours is':>8}"
    )
    for path in servers[0].rps:
        own = statistics.median(servers[0].rps[path])
        for server in servers:
            rps = statistics.median(server.rps[path])
            row = {
                "path": path,
                "server": server.name,
                "rps": round(rps),
                "p50_ms": round(statistics.median(server.p50[path]), 2),
                "p99_ms": round(statistics.median(server.p99[path]), 2),
                "cpu_us": round(statistics.median(server.cpu[path])),
                "memory_mb": round(server.memory()),
                "ours_is": round(own / rps, 2),
                "cases": given.cases,
            }
            lines.append(row)
            print(
                f"{path:22} {server.name:24} {row['rps']:>10} {row['p50_ms']:>8} {row['p99_ms']:>8} {row['cpu_us']:>8}"
                f" {row['memory_mb']:>6} {row['ours_is']:>7}×"
            )
    if given.json:
        Path(given.json).write_text("\n".join(map(json.dumps, lines)) + "\n")


if __name__ == "__main__":
    main()
