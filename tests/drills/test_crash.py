"""PostgreSQL ends without a word in the middle of reading: whatever was answered is in the log afterwards (decision 0014)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from casework.kernel import embedded
from casework.kernel.database import Flush
from casework.kernel.settings import Settings
from tests.support import cluster, hand
from tests.support.callers import Caller
from tests.support.server import serving
from tests.support.story import open_case
from tests.support.world import World

pytestmark = pytest.mark.drill

READERS, KILLS, SECONDS = 8, 5, 1.0


@pytest.fixture
def durable(test_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A service on a PostgreSQL of its own that waits for the disk, as the suite's does not."""

    def forget() -> None:
        hand.let_go()
        cluster.url.cache_clear()
        cluster.superuser_url.cache_clear()

    monkeypatch.setenv("CASEWORK_TEST_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(cluster, "FAST", {})
    forget()
    try:
        cluster.template()
        where = cluster.clone("casework_crash")
        with serving(test_settings, where) as base_url:
            world = World(base_url, where, "casework_crash")
            yield world
            world.close()
    finally:
        forget()
        cluster.end()


def read(caller: Caller, path: str, until: threading.Event, answered: set[str]) -> None:
    """Read until told to stop; remember the requests that were answered with the record."""
    while not until.is_set():
        try:
            response = caller._client.get(path)
        except httpx.HTTPError:
            continue
        if response.status_code == 200:
            answered.add(response.headers["X-Request-ID"])


def lost_by_kills(world: World) -> tuple[int, int]:
    """How many reads were answered while PostgreSQL was ended so often, and how many of them the log does not know."""
    team = world.team()
    path = f"/v1/cases/{open_case(team.person('adviser'), team)['id']}"
    answered: set[str] = set()
    callers = [team.person("adviser") for _ in range(READERS)]
    for _ in range(KILLS):
        until = threading.Event()
        readers = [threading.Thread(target=read, args=(each, path, until, answered)) for each in callers]
        for reader in readers:
            reader.start()
        time.sleep(SECONDS)
        embedded.stop(cluster.var(), mode="immediate")
        embedded.start(cluster.var(), settings=cluster.FAST)
        until.set()
        for reader in readers:
            reader.join()
    known = world.sql("SELECT request_id::text FROM audit.event WHERE request_id = ANY ($1::uuid[])", list(answered))
    return len(answered), len(answered - {row["request_id"] for row in known})


def test_what_was_answered_is_in_the_log_whatever_happens_to_postgresql(durable: World) -> None:
    answered, lost = lost_by_kills(durable)
    print(f"\n{KILLS} kills, {answered} reads answered, {lost} lost")
    assert answered > 100
    assert lost == 0


def test_without_waiting_for_the_disk_answers_would_be_lost(durable: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: Flush) -> None:
        return None

    monkeypatch.setattr(Flush, "passed", at_once)
    answered, lost = lost_by_kills(durable)
    print(f"\nwithout waiting: {KILLS} kills, {answered} reads answered, {lost} lost")
    assert lost > 0
