"""Start-up, and the import of premises."""

import csv
import random
import re
import statistics
import string
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

from benchmarks import servers
from benchmarks.machine import Cluster, free_port, memory, scratch_directory, tree
from benchmarks.report import Report

WAIT_SECONDS = 120


def starts(report: Report, cluster: Cluster, times: int) -> None:
    """From the start of the process to its first 200, on a database that is there."""
    taken = []
    for _ in range(times):
        with servers.casework(cluster) as server:
            taken.append(server.started_in)
    report.add("start", "start to first 200", taken_s=round(statistics.median(taken), 2), goal="≤ 2.0")


def empty_directory(report: Report, times: int) -> None:
    """``casework run`` in an empty directory: embedded PostgreSQL, migrations, the demonstration, and the first 200."""
    taken = []
    for _ in range(times):
        with scratch_directory() as scratch, (scratch / "run.out").open("wb") as sink:
            port, begun = free_port(), time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "casework", "run"],
                env=servers.environment({"CASEWORK_VAR": str(scratch / "var"), "CASEWORK_PORT": str(port)}),
                cwd=servers.ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            )  # fmt: skip
            try:
                while not servers.answers(port, "/health/ready", only_200=True):
                    if process.poll() is not None or time.monotonic() - begun > WAIT_SECONDS:
                        raise RuntimeError(
                            f"casework run did not come up:\n{(scratch / 'run.out').read_text()[-1500:]}"
                        )
                    time.sleep(0.01)
                taken.append(time.monotonic() - begun)
            finally:
                servers.end(process)
    report.add("start", "empty directory to first 200", taken_s=round(statistics.median(taken), 2), goal="≤ 5")


def made_up_museums(to: Path, rows: int) -> None:
    """So many places in the museums' own layout: real ones under other names, in other postcodes of the same sector."""
    chance = random.Random(7)  # the same file each time
    text = resources.files("casework.data").joinpath("museums_uk.csv").read_text(encoding="utf-8")
    museums = list(csv.DictReader(text.splitlines()))
    letters = [letter for letter in string.ascii_uppercase if letter not in "CIKMOV"]
    with to.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, museums[0].keys())
        sheet.writeheader()
        for number in range(rows):
            museum = dict(museums[number % len(museums)])
            museum["museum_id"] = f"bench.{number}"
            museum["museum_name"] = f"{museum['museum_name'][:150]} {number}"
            # The last two letters of a full postcode are the street's.
            if re.search(r"\d[A-Z]{2}$", museum["postcode"]):
                museum["postcode"] = museum["postcode"][:-2] + "".join(chance.choices(letters, k=2))
            sheet.writerow(museum)


def premises_import(report: Report, cluster: Cluster, rows: int) -> None:
    """``casework import premises`` of so many rows that are new, beside all premises that are there; then again, unchanged."""
    file = cluster.scratch / "premises.csv"
    made_up_museums(file, rows)
    for name in ("new", "unchanged"):
        log = cluster.scratch / f"import-{name}.out"
        with log.open("wb") as sink:
            begun = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "casework", "import", "premises", str(file)],
                env=servers.environment({"CASEWORK_VAR": str(cluster.scratch)}),
                cwd=servers.ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            )  # fmt: skip
            sizes = []
            while process.poll() is None:
                sizes.append(max(map(memory, tree(process.pid)), default=0.0))
                time.sleep(0.05)
            taken = time.monotonic() - begun
        if process.returncode not in (0, 2):
            raise RuntimeError(f"the import failed:\n{log.read_text()[-1500:]}")
        told = " ".join(log.read_text().split("\n")[-2:]).strip()
        report.add(
            "import", f"{rows:,} premises, {name}", rows_a_second=round(rows / taken), goal="≥ 20000", told=told,
            mb_at_a_third=round(sizes[len(sizes) // 3]), mb_at_most=round(max(sizes)),
        )  # fmt: skip
