"""Fixtures of the whole suite."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from casework.kernel.settings import Settings
from tests.support import canaries, cluster, hand
from tests.support.server import serving
from tests.support.trial import Trial, trial_of
from tests.support.world import Team, World


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`: the proofs of `tests/security` in their whole form, as `make test-security` runs them."""
    parser.addoption(
        "--full", action="store_true", default=False, help="the proofs of tests/security in their whole form"
    )


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process names the run's directory before its workers start."""
    if not hasattr(config, "workerinput"):
        os.environ["CASEWORK_TEST_VAR"] = str(Path(tempfile.gettempdir()) / f"casework-tests-{secrets.token_hex(4)}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Every log line of the run is looked through."""
    canaries.listen()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what its canaries found to the controlling process; a leak that no test reported fails the run."""
    hand.let_go()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["canaries"] = canaries.figures()
    else:
        canaries.add(canaries.figures())
        if canaries.total["leaks"] and session.exitstatus == 0:
            session.exitstatus = 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """A worker is done."""
    canaries.add(getattr(node, "workeroutput", {}).get("canaries", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the canaries found, at the end of every run."""
    terminalreporter.write_line(canaries.sentence())
    for leak in canaries.total["leaks"]:
        terminalreporter.write_line(f"  {leak}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controlling process ends the cluster when all workers are done."""
    if not hasattr(config, "workerinput"):
        cluster.end()


@pytest.fixture(scope="session")
def test_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings under test: production, with the local log-in on."""
    return Settings(
        environment="production",
        local_login=True,
        docs=True,
        keys_dir=tmp_path_factory.mktemp("keys"),
        staff_pool=6,
        public_pool=3,
        login_tries_per_minute=10_000,
        submissions_per_hour=10_000,
        wrong_tokens_per_minute=10_000,
        person_per_minute=0,
        tool_per_minute=0,
        address_per_minute=0,
        stranger_writes_per_minute=0,
    )


@pytest.fixture(scope="session")
def world(test_settings: Settings) -> Iterator[World]:
    """The running service on this worker's own database."""
    cluster.template()
    database = f"casework_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    addresses = cluster.clone(database)
    with serving(test_settings, addresses) as base_url:
        world = World(base_url, addresses, database)
        yield world
        world.close()


@pytest.fixture(scope="session")
def _trial(test_settings: Settings) -> Iterator[Trial]:
    """The trial of this worker, started where a test wants one."""
    with trial_of(test_settings) as trial:
        yield trial


@pytest.fixture
def trial(_trial: Trial) -> Iterator[Trial]:
    """The service with a clock that can be moved; it shows the real time before and after each test."""
    yield _trial
    _trial.turn(timedelta())


@pytest.fixture
def team(world: World) -> Team:
    """A team of its own force: whatever a test does there, no other test sees."""
    return world.team()


@pytest.fixture
def other_team(world: World) -> Team:
    """A team of another force."""
    return world.team()
