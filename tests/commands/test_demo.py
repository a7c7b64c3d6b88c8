"""The demonstration: told through the service, each thing when it was due, and the clock put right at the end."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from casework import demo
from casework.kernel.settings import Settings
from casework.people.problems import AdministratorExists
from tests.support import cluster
from tests.support.world import World


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, Settings]]:
    """An empty database of a trial, and its settings."""
    cluster.template()
    name = f"casework_demo_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(3).hex()}"
    world = World("http://nowhere.invalid", cluster.clone(name), name)
    where = world.addresses
    settings = Settings(
        environment="development",
        var=tmp_path,
        database_url=SecretStr(where.staff),
        public_database_url=SecretStr(where.public),
        door_database_url=SecretStr(where.door),
        worker_database_url=SecretStr(where.worker),
    )
    url = cluster.url("casework_migrate", name)
    # Not by a superuser's URL: that would give the run's own roles new passwords.
    monkeypatch.setattr(demo, "migrate_url", lambda _: url)
    monkeypatch.setattr(demo, "acting_url", lambda _: f"{url}&casework.environment=development")
    yield world, settings
    world.close()


def test_it_is_told_in_its_own_time_and_ends_at_the_real_one(empty: tuple[World, Settings]) -> None:
    world, settings = empty
    (before,) = world.sql("SELECT max(id) AS id FROM audit.event")
    began = datetime.now(UTC)
    assert "tracks its enquiry with the token trk_" in demo.tell(settings)[-1]
    assert world.sql("SELECT FROM access.setting WHERE name = 'clock_offset'") == []

    def one(statement: str) -> Any:
        (row,) = world.sql(statement)
        return row

    # Everything in the order in which it must have come about, and nothing later than now.
    visit = one("SELECT created_at, confirmed_at, starts_at, ends_at, left_at FROM casework.site_visit")
    advice = one("SELECT created_at, issued_at, follow_up_on FROM casework.advice")
    case = one("SELECT opened_at FROM casework.case_file")
    made, received = (
        one(f"SELECT min({column}) AS at FROM casework.{table}")["at"]
        for column, table in (("created_at", "premises"), ("received_at", "enquiry"))
    )
    told = [made, received, case["opened_at"], *visit.values(), advice["created_at"], advice["issued_at"]]
    told += [row["responded_at"] for row in world.sql("SELECT responded_at FROM casework.business_response ORDER BY 1")]
    told += [row["verified_at"] for row in world.sql("SELECT verified_at FROM casework.verification")]
    assert told == sorted(told)
    assert told[-1] < began
    assert began - told[0] > timedelta(days=39)
    timeline = [row["at"] for row in world.sql("SELECT at FROM casework.case_event ORDER BY id")]
    assert timeline == sorted(timeline)
    assert advice["follow_up_on"] > began.date()
    # The log tells when it was really told.
    assert world.sql("SELECT min(at) AS at FROM audit.event WHERE id > $1", before["id"])[0]["at"] >= began


def test_one_that_fails_half_way_leaves_the_clock_right(
    empty: tuple[World, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, settings = empty
    moved: list[Any] = []

    async def fails(*_: Any) -> str:
        moved.extend(world.sql("SELECT value FROM access.setting WHERE name = 'clock_offset'"))
        raise AdministratorExists

    monkeypatch.setattr(demo, "_served", fails)
    with pytest.raises(AdministratorExists):
        demo.tell(settings)
    assert len(moved) == 1
    assert world.sql("SELECT FROM access.setting WHERE name = 'clock_offset'") == []
