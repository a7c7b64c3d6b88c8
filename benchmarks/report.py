"""The table of a run, and the same as JSON lines."""

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.servers import OURS, Round


def medians(rounds: Sequence[Round]) -> dict[str, float]:
    """The medians of the rounds, each figure for itself."""

    def of(figure: Callable[[Round], float], digits: int) -> float:
        return round(statistics.median(map(figure, rounds)), digits)

    return {
        "rps": of(lambda r: r.rps, 0), "p50_ms": of(lambda r: r.p50_ms, 2), "p95_ms": of(lambda r: r.p95_ms, 2), "p99_ms": of(lambda r: r.p99_ms, 2),
        "cpu_us": of(lambda r: r.cpu_us, 0), "database_us": of(lambda r: r.database_us, 0), "idle": of(lambda r: r.idle, 2),
    }  # fmt: skip


class Report:
    """What was measured, line by line."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.lines: list[dict[str, Any]] = []

    def add(self, part: str, name: str, **figures: Any) -> None:
        """One line of a part of the run."""
        self.lines.append({"part": part, "name": name, **figures, **self.facts})

    def path(self, name: str, by_server: dict[str, list[Round]], memory: dict[str, float]) -> None:
        """A path over HTTP: a line a server, with what ours is of it."""
        own = medians(by_server[OURS])["rps"]
        for server, rounds in by_server.items():
            figures = medians(rounds)
            self.add(
                "path",
                name,
                server=server,
                **figures,
                memory_mb=round(memory.get(server, 0)),
                ours_is=round(own / figures["rps"], 2),
            )

    def write(self, to: Path | None) -> None:
        """Print the table; write JSON lines where asked."""
        print("  ".join(f"{name}: {value}" for name, value in self.facts.items()))
        paths = [line for line in self.lines if line["part"] == "path"]
        if paths:
            print(
                f"\n{'path':26} {'server':26} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs':>8} {'PG CPU µs':>9}"
                f" {'MB':>6} {'ours is':>8}"
            )
        for line in paths:
            memory, cpu = (str(round(line[name])) if line[name] else "" for name in ("memory_mb", "cpu_us"))
            print(
                f"{line['name']:26} {line['server']:26} {line['rps']:>10,.0f} {line['p50_ms']:>8.2f} {line['p99_ms']:>8.2f} {cpu:>8}"
                f" {line['database_us']:>9.0f} {memory:>6} {line['ours_is']:>7.2f}×"
            )
        told = set(self.facts) | {"part", "name"}
        part = "path"
        order = list(dict.fromkeys(line["part"] for line in self.lines))
        for line in sorted(
            (line for line in self.lines if line["part"] != "path"), key=lambda each: order.index(each["part"])
        ):
            if line["part"] != part:
                part = line["part"]
                print(f"\n{part}")
            figures = "  ".join(f"{name} {value}" for name, value in line.items() if name not in told)
            print(f"  {line['name']:40} {figures}")
        if to is not None:
            to.write_text("".join(json.dumps(line) + "\n" for line in self.lines), encoding="utf-8")
