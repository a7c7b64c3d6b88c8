"""The service says whether it is up, to everybody, and nothing else."""

import os
from collections.abc import Iterator

import pytest

from casework.kernel.settings import Settings
from tests.support import cluster
from tests.support.callers import ok
from tests.support.server import serving
from tests.support.world import World


@pytest.fixture
def ailing(test_settings: Settings) -> Iterator[World]:
    """A service of its own, to be hurt."""
    cluster.template()
    name = f"casework_health_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.urandom(3).hex()}"
    addresses = cluster.clone(name)
    with serving(test_settings, addresses) as base_url:
        world = World(base_url, addresses, name)
        yield world
        world.close()


def test_a_living_process_says_so(world: World) -> None:
    assert ok(world.anybody().get("/health/live")) == {"status": "live"}


def test_a_service_with_a_worker_is_ready(ailing: World) -> None:
    ailing.sql("SELECT work.beat('worker')")
    ailing.sql("DELETE FROM audit.queue")  # as a sealer leaves it
    assert ok(ailing.anybody().get("/health/ready")) == {
        "status": "ready", "database": "answering", "migrations": "current", "worker": "working",
    }  # fmt: skip


def test_without_a_worker_the_service_is_degraded_and_serves(ailing: World) -> None:
    found = ok(ailing.anybody().get("/health/ready"))
    assert (found["status"], found["worker"]) == ("degraded", "silent")


def test_work_that_waits_for_long_is_told(ailing: World) -> None:
    ailing.sql("SELECT work.beat('worker')")
    ailing.sql(
        "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, scheduled_at)"
        " SELECT 'casework', 'test.late', now() - interval '1 hour' FROM set_config('search_path', 'jobs, pg_catalog', true)"
    )
    found = ok(ailing.anybody().get("/health/ready"))
    assert (found["status"], found["worker"]) == ("degraded", "late")


def test_requests_are_sent_elsewhere_while_migrations_are_pending(ailing: World) -> None:
    ailing.sql("UPDATE work.alembic_version SET version_num = '0000'")
    answer = ailing.anybody().get("/health/ready")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "pending")


def test_requests_are_sent_elsewhere_while_the_database_is_away(ailing: World) -> None:
    admin = World(ailing.base_url, ailing.addresses, "postgres")
    admin.sql(f'REVOKE CONNECT ON DATABASE "{ailing.database}" FROM casework_api')
    admin.close()
    ailing.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity, set_config('application_name', 'test', true)"
        " WHERE datname = $1 AND pid <> pg_backend_pid()",
        ailing.database,
    )
    answer = ailing.anybody().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "database": "silent",
        "migrations": "unknown",
        "worker": "unknown",
    }
    assert ok(ailing.anybody().get("/health/live")) == {"status": "live"}
