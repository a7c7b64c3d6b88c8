"""The contract under generated requests has a target of its own (`make test-api`): `make test` leaves this directory alone.

Here: how long a run may take, how many cases it must reach, and what it prints at its end.
"""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

STARTED = "CASEWORK_API_STARTED"
STOP_AFTER = 200.0
"""Seconds from the start of the run after which no further round begins; `timeout 240` of the Makefile never has to act."""
WANTED = 5_000
tally: Counter[tuple[str, str, int]] = Counter()
"""Cases of this process, by operation, role and status."""
total: Counter[tuple[str, str, int]] = Counter()
"""Cases of the whole run, in the controlling process."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collected in the whole form only."""
    return None if config.getoption("full") else True


def pytest_configure(config: pytest.Config) -> None:
    """The clock of all workers starts where the run does."""
    if not hasattr(config, "workerinput"):
        os.environ[STARTED] = str(time.time())


def out_of_time() -> bool:
    """Whether a further round is more than the budget holds."""
    return time.time() - float(os.environ[STARTED]) > STOP_AFTER


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over its cases; too few of them fail a whole run, not one that was narrowed by name."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["generated"] = [[*of, count] for of, count in tally.items()]
        return
    total.update(tally)
    narrowed = session.config.getoption("keyword") or any("::" in str(arg) for arg in session.config.args)
    if total and not narrowed and total.total() < WANTED and session.exitstatus == 0:
        session.exitstatus = 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A worker is done."""
    for name, role, status, count in getattr(node, "workeroutput", {}).get("generated", ()):
        total[name, role, status] += count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Cases, roles, operations and answers, at the end of the run."""
    if not total:
        return
    statuses, roles, reached = Counter[int](), Counter[str](), set()
    for (name, role, status), count in total.items():
        statuses[status] += count
        roles[role] += count
        if 200 <= status < 300:
            reached.add(name)
    faults = sum(count for status, count in statuses.items() if status >= 500 or status == 0)
    write = terminalreporter.write_line
    write(
        f"generated requests: {total.total():,} cases ({WANTED:,} wanted) of {len({of[0] for of in total})} operations"
        f" as {len(roles)} roles; {faults} times 5xx or no answer; {len(reached)} operations were answered with 2xx"
    )
    write("  by status: " + ", ".join(f"{status} × {count}" for status, count in sorted(statuses.items())))
    write("  by role: " + ", ".join(f"{role} {count}" for role, count in sorted(roles.items())))
