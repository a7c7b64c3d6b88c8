"""Fixtures of the whole suite."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.kernel.settings import Settings
from tests.support import cluster
from tests.support.server import serving
from tests.support.world import Team, World


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process names the run's directory before its workers start."""
    if not hasattr(config, "workerinput"):
        os.environ["CASEWORK_TEST_VAR"] = str(Path(tempfile.gettempdir()) / f"casework-tests-{secrets.token_hex(4)}")


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


@pytest.fixture
def team(world: World) -> Team:
    """A team of its own force: whatever a test does there, no other test sees."""
    return world.team()


@pytest.fixture
def other_team(world: World) -> Team:
    """A team of another force."""
    return world.team()
