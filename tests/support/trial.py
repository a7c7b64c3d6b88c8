"""The service as a trial runs it, on a database of its own: its clock can be moved."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from casework.commands.clock import turn
from casework.kernel.settings import Settings
from tests.support import cluster
from tests.support.server import serving
from tests.support.world import World


class Trial(World):
    """A world whose clock the tests move, as ``casework clock`` does."""

    offset = timedelta()

    def turn(self, offset: timedelta) -> None:
        """Let the clock differ from the real time by so much."""
        asyncio.run(turn(cluster.url("casework_migrate", self.database), offset))
        self.offset = offset

    def forward(self, **how_far: float) -> None:
        """Let so much time pass."""
        self.turn(self.offset + timedelta(**how_far))

    def at(self, moment: datetime) -> None:
        """Let it be this moment."""
        self.turn(moment - datetime.now(UTC))

    def moment(self, **from_now: float) -> str:
        """A moment from what the clock shows, as the API takes it."""
        return (datetime.now(UTC) + self.offset + timedelta(**from_now)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@contextmanager
def trial_of(settings: Settings) -> Iterator[Trial]:
    """A trial's server on a fresh database."""
    cluster.template()
    database = f"casework_trial_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    addresses = cluster.clone(database)
    with serving(settings.model_copy(update={"environment": "development"}), addresses) as base_url:
        trial = Trial(base_url, addresses, database)
        yield trial
        trial.close()
