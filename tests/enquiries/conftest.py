"""Fixtures of the enquiries' tests."""

from pathlib import Path

import pytest

from casework.kernel.settings import Settings
from tests.enquiries.post import PostRoom
from tests.support.world import World


@pytest.fixture
def post(world: World, test_settings: Settings, tmp_path: Path) -> PostRoom:
    """Where the worker's letters go. What other tests left to be sent is of no interest here."""
    world.sql("TRUNCATE jobs.procrastinate_jobs CASCADE")
    return PostRoom(world, test_settings, tmp_path / "mail")
