"""The servers of a run, each on a loopback port of its own, started as its project's documentation says."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.machine import Cluster, cpu_seconds, free_port, memory, tree

ROOT = Path(__file__).parent.parent
BYTECODE = Path(tempfile.gettempdir()) / "casework-bench-bytecode"
"""Compiled as in the image, whatever the shell says; the first start of all compiles."""
OURS, FLOOR, DRF, TEMPLATE, LIMIT = (
    "casework",
    "hand-written",
    "Django REST framework",
    "template (SQLModel session)",
    "pgbench",
)
PATIENCE_SECONDS = 60
STOP_SECONDS = 20


@dataclass
class Server:
    """A server that is up."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    workers: int = 1
    started_in: float = 0.0
    """Seconds from the start of the process to its first 200."""
    seen: dict[str, list["Round"]] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        return cpu_seconds(self.process.pid)

    def memory(self) -> float:
        """Resident memory of its largest process, MB: a worker's."""
        return max(map(memory, tree(self.process.pid)), default=0.0)


@dataclass(frozen=True)
class Round:
    """What one round told."""

    requests: int
    rps: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_us: float
    """Of the server, a request."""
    database_us: float
    """Of PostgreSQL, a request."""
    idle: float = 0.0
    """Share of all processors that nobody used meanwhile."""


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours, with the code of this checkout to be found."""
    path = os.environ.get("PYTHONPATH") or f"{ROOT / 'src'}:{ROOT}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": str(BYTECODE), **more}


def answers(port: int, path: str, *, only_200: bool = False) -> bool:
    """Whether somebody answers there, with anything or with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    with suppress(OSError, HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == 200 or not only_200
    return False


def tail(log: Path) -> str:
    """The last lines of what a server wrote."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that we started, by its id."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(
    name: str,
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    *,
    ready: str = "/v1/me",
    only_200: bool = False,
    workers: int = 1,
) -> Iterator[Server]:
    """Start a server, wait until it answers, end it afterwards."""
    port = free_port()
    with log.open("ab") as sink:
        begun = time.monotonic()
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            env=environment({**env, "BENCH_PORT": str(port), "CASEWORK_PORT": str(port)}),
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        while not answers(port, ready, only_200=only_200):
            if process.poll() is not None or time.monotonic() - begun > PATIENCE_SECONDS:
                raise RuntimeError(f"{name} did not start:\n" + tail(log))
            time.sleep(0.005)
        yield Server(name, port, process, log, workers, time.monotonic() - begun)
    finally:
        end(process)


@contextmanager
def casework(cluster: Cluster, *, workers: int = 1, request_log: bool = False) -> Iterator[Server]:
    """The service as it is deployed: ``python -m casework.serving`` (uvicorn, uvloop, httptools)."""
    env = cluster.environment | {"CASEWORK_WORKERS": str(workers), "CASEWORK_REQUEST_LOG": str(request_log).lower()}
    with serving(
        OURS, [sys.executable, "-m", "casework.serving"], env, cluster.scratch / "casework.out",
        ready="/health/ready", only_200=True, workers=workers,
    ) as server:  # fmt: skip
        yield server


@contextmanager
def worker(cluster: Cluster) -> Iterator[None]:
    """A worker beside the service: jobs, upkeep, and whatever keeps the log."""
    with (cluster.scratch / "worker.out").open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "casework.worker"], env=environment(cluster.environment), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
        )  # fmt: skip
    try:
        time.sleep(3)
        yield
    finally:
        end(process)


UVICORN = ["--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]


@contextmanager
def floor(cluster: Cluster) -> Iterator[Server]:
    """Starlette and asyncpg by hand, under the same uvicorn."""
    env = {"BENCH_URL": cluster.where.staff, "BENCH_PUBLIC_URL": cluster.where.public}
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.floor:app", *UVICORN]
    with serving(FLOOR, command, env, cluster.scratch / "floor.out") as server:
        yield server


@contextmanager
def drf(cluster: Cluster, python: Path) -> Iterator[Server]:
    """Django REST framework under gunicorn, one process of four threads."""
    command = [
        str(python), "-m", "gunicorn", "-b", "127.0.0.1:{port}", "-w", "1", "--threads", "4", "--log-level", "warning",
        "benchmarks.peers.drf_app.site:application",
    ]  # fmt: skip
    with serving(
        DRF, command, {"BENCH_URL": cluster.peer, "PYTHONPATH": str(ROOT)}, cluster.scratch / "drf.out"
    ) as server:
        yield server


@contextmanager
def template(cluster: Cluster) -> Iterator[Server]:
    """The full-stack template's way: synchronous SQLModel sessions in the thread pool, under uvicorn."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.template.main:app", *UVICORN]
    with serving(TEMPLATE, command, {"BENCH_URL": cluster.peer}, cluster.scratch / "template.out") as server:
        yield server
