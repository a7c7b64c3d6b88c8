"""One embedded PostgreSQL for a test run, one database for each xdist worker, cloned from a migrated template."""

import asyncio
import fcntl
import functools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from casework import migrations
from casework.kernel import embedded
from casework.kernel.database import Addresses, embedded_addresses
from tests.support import levels

TEMPLATE = "casework_template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def var() -> Path:
    """The directory of this run; set by the controlling process, inherited by its workers."""
    return Path(os.environ["CASEWORK_TEST_VAR"])


@contextmanager
def locked() -> Iterator[None]:
    """One worker at a time."""
    var().mkdir(parents=True, exist_ok=True)
    with open(var() / "tests.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _passwords() -> dict[str, str]:
    return {role: embedded.secret(var(), role) for role in migrations.ROLES}


def template() -> None:
    """Start the cluster and make the migrated template, once a run."""
    with locked():
        cluster = embedded.start(var(), settings=FAST)
        if (var() / "template.done").exists():
            return
        asyncio.run(migrations.make_roles(cluster.superuser_dsn(), _passwords(), TEMPLATE))
        migrations.migrate(url("casework_migrate", TEMPLATE))
        asyncio.run(levels.record(url("casework_migrate", TEMPLATE)))
        (var() / "template.done").touch()


@functools.cache
def url(role: str, database: str) -> str:
    """The URL of a role into a database of this run."""
    return embedded.start(var(), settings=FAST).dsn(role, embedded.secret(var(), role), database)


@functools.cache
def superuser_url(database: str) -> str:
    """The superuser's URL: only to look at what is stored, and to break things on purpose."""
    return embedded.start(var(), settings=FAST).superuser_dsn(database)


def clone(database: str) -> Addresses:
    """A fresh database from the template."""

    async def make() -> None:
        admin = await asyncpg.connect(superuser_url("postgres"))
        try:
            await admin.execute(f'CREATE DATABASE "{database}" TEMPLATE {TEMPLATE} OWNER casework_owner')
            await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
            await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {", ".join(migrations.ROLES)}')
            await admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO casework_migrate')
        finally:
            await admin.close()

    with locked():
        asyncio.run(make())
    return embedded_addresses(var(), database)


def end() -> None:
    """Stop the cluster and remove its data: the run is over."""
    if not var().exists():
        return
    if embedded.status(var()) == "running":
        embedded.stop(var(), mode="immediate")
    home = var() / "postgres.home"
    if home.exists():
        shutil.rmtree(home.read_text().strip(), ignore_errors=True)
    shutil.rmtree(var(), ignore_errors=True)
