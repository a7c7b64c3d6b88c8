"""One round of load: wrk on loopback against one path of one server, with the CPU of both sides beside it."""

import os
import secrets
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Cluster, cpu_seconds, idle_seconds
from benchmarks.servers import Round, Server, tail

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Requests:
    """What a round sends: lines of ``path`` or ``path<TAB>body``, drawn at random or each once."""

    lines: Sequence[str]
    token: str | None = None
    method: str = "GET"
    once: bool = False
    version: int | None = None
    """What If-Match says."""


class Refused(RuntimeError):
    """Requests of a round were answered with an error; what was measured means nothing."""


def load(
    cluster: Cluster, server: Server, requests: Requests, *, seconds: float, connections: int, tell: bool = False
) -> Round:
    """Drive a server for so many seconds; raises ``Refused`` when any request failed."""
    lines = cluster.scratch / "lines.txt"
    lines.write_text("\n".join(requests.lines) + "\n", encoding="utf-8")
    env = {
        **os.environ, "BENCH_LINES": str(lines), "BENCH_TOKEN": requests.token or "", "BENCH_METHOD": requests.method,
        "BENCH_ONCE": str(int(requests.once)), "BENCH_ROUND": secrets.token_hex(8), "BENCH_TELL": str(int(tell)),
        "BENCH_VERSION": "" if requests.version is None else str(requests.version),
    }  # fmt: skip
    address = f"http://127.0.0.1:{server.port}"
    duration = f"{max(1, round(seconds))}s"
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{duration}",
        "--timeout",
        "10s",
        "-s",
        str(HERE / "load.lua"),
        address,
    ]
    before = server.cpu_seconds(), cpu_seconds(cluster.pid), idle_seconds(), time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    after = server.cpu_seconds(), cpu_seconds(cluster.pid), idle_seconds(), time.monotonic()
    count, microseconds, p50, p95, p99, errors = map(int, done.stdout.rpartition("RESULT ")[2].split())
    if not count:
        raise Refused(f"{server.name} answered nothing within {duration}.\n{tail(server.log)}")
    if errors:
        raise Refused(f"{server.name}: {errors} errors of {count}. {done.stderr[:700]}\n{tail(server.log)}")
    return Round(
        count, count / microseconds * 1e6, p50 / 1000, p95 / 1000, p99 / 1000,
        (after[0] - before[0]) / count * 1e6, (after[1] - before[1]) / count * 1e6,
        (after[2] - before[2]) / (after[3] - before[3]) / (os.cpu_count() or 1),
    )  # fmt: skip
