"""A database of its own for every test of the revisions."""

import asyncio
import os
from collections.abc import Iterator

import asyncpg
import pytest

from casework import migrations
from casework.kernel import embedded
from tests.support import cluster

DATABASE = f"casework_revisions_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database, as casework_migrate reaches it."""
    cluster.template()
    passwords = {role: embedded.secret(cluster.var(), role) for role in migrations.ROLES}
    _drop()
    with cluster.locked():  # the roles are the cluster's: of two who set their passwords at once one is refused
        asyncio.run(migrations.make_roles(cluster.superuser_url("postgres"), passwords, DATABASE))
    yield cluster.url("casework_migrate", DATABASE)
    _drop()


@pytest.fixture
def migrated_url() -> Iterator[str]:
    """A database of the newest revision, as casework_migrate reaches it: to go back from."""
    cluster.template()
    _drop()
    cluster.clone(DATABASE)
    yield cluster.url("casework_migrate", DATABASE)
    _drop()


@pytest.fixture
def superuser_url() -> str:
    """The same database past every right and trigger: to put there what former releases left."""
    return cluster.superuser_url(DATABASE)


def _drop() -> None:
    async def drop() -> None:
        admin = await asyncpg.connect(cluster.superuser_url("postgres"))
        await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await admin.close()

    asyncio.run(drop())
