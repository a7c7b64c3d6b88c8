"""The pools: one for staff and tools, one for the public, one for the door that opens sessions. Each has its own login role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from casework.kernel.problems import Unavailable
from casework.kernel.settings import Settings
from casework.kernel.statements import Connection

MINIMUM_VERSIONS = {17: 170006, 18: 180000}
"""The first releases without CVE-2025-8713, by major version."""


@dataclass(frozen=True, repr=False)
class Addresses:
    """Where the database is, one URL per login role."""

    staff: str
    public: str
    door: str
    worker: str


async def _keep(_: Connection) -> None:
    """Nothing to reset: all context is set for one transaction only (a test looks for what stays behind)."""


async def open_pool(url: str, size: int, name: str) -> asyncpg.Pool:
    """A pool of ``size`` connections at most, speaking UTC, with every statement kept prepared."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        reset=_keep,
        max_inactive_connection_lifetime=0,
        statement_cache_size=1024,
        max_cached_statement_lifetime=0,
        timeout=5,
        command_timeout=6,
        server_settings={"application_name": f"casework-{name}", "TimeZone": "UTC", "search_path": "pg_catalog"},
    )


class Database:
    """The open pools of one process."""

    def __init__(self, staff: asyncpg.Pool, public: asyncpg.Pool, door: asyncpg.Pool, wait: float) -> None:
        self.staff = staff
        self.public = public
        self.door = door
        self._wait = wait

    @classmethod
    async def open(cls, addresses: Addresses, settings: Settings) -> "Database":
        """Open the pools and refuse a server that is too old."""
        staff = await open_pool(addresses.staff, settings.staff_pool, "api")
        public = await open_pool(addresses.public, settings.public_pool, "public")
        door = await open_pool(addresses.door, 2, "door")
        async with staff.acquire() as connection:
            version = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
        refuse_old(version)
        return cls(staff, public, door, settings.pool_wait_seconds)

    async def close(self) -> None:
        """Close every connection."""
        for pool in (self.staff, self.public, self.door):
            await pool.close()

    @asynccontextmanager
    async def lend(self, pool: asyncpg.Pool) -> AsyncIterator[Connection]:
        """A connection, or 503 when none comes free in time: queueing is cut early."""
        try:
            connection = await pool.acquire(timeout=self._wait)
        except TimeoutError:
            raise Unavailable("All database connections are busy.") from None
        try:
            yield connection
        finally:
            await pool.release(connection)


def refuse_old(version: int) -> None:
    """Raise RuntimeError below the supported minor release of a supported major."""
    major = version // 10_000
    least = MINIMUM_VERSIONS.get(major, 0 if major > max(MINIMUM_VERSIONS) else None)
    if least is None or version < least:
        raise RuntimeError(f"PostgreSQL {version} is too old: 17.6 or later, or 18, is needed")


def addresses(settings: Settings) -> Addresses:
    """The URLs of the login roles: from settings, or of the embedded PostgreSQL, which is started if it is not running."""
    if settings.database_url is not None:
        staff = settings.database_url.get_secret_value()
        missing = [
            name
            for name in ("public_database_url", "door_database_url", "worker_database_url")
            if getattr(settings, name) is None
        ]
        if missing:
            raise RuntimeError(
                "CASEWORK_DATABASE_URL is set, so these must be too: "
                + ", ".join(f"CASEWORK_{name.upper()}" for name in missing)
            )
        return Addresses(
            staff,
            *(
                getattr(settings, name).get_secret_value()
                for name in ("public_database_url", "door_database_url", "worker_database_url")
            ),
        )
    return embedded_addresses(settings.var)


def embedded_addresses(var: Path, database: str = "casework") -> Addresses:
    """The URLs into the embedded PostgreSQL under ``var``."""
    from casework.kernel import embedded  # a server needs none of it

    cluster = embedded.start(var)

    def url(role: str) -> str:
        return cluster.dsn(role, embedded.secret(var, role), database)

    return Addresses(url("casework_api"), url("casework_public"), url("casework_door"), url("casework_worker"))
