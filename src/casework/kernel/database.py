"""The pools: one for staff and tools, one for the public, one for the door that opens sessions, each with its own login role."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from casework.kernel.clock import ENVIRONMENT
from casework.kernel.lending import Lender
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


async def open_pool(url: str, size: int, name: str, environment: str) -> asyncpg.Pool:
    """A pool of ``size`` connections at most, speaking UTC, with every statement kept prepared.

    ``environment``: a trial's honours the offset of the clock of the field's rules.
    """
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
        server_settings={
            "application_name": f"casework-{name}",
            "TimeZone": "UTC",
            "search_path": "pg_catalog",
            # Told always: what a server or a role may have been set to beforehand counts for nothing.
            ENVIRONMENT: environment,
        },
    )


FLUSH = "SELECT pg_logical_emit_message(true, 'casework', '')"
"""A transaction that writes something and nothing that stays. Once it is committed as the server is set to, so is all before it."""


class Flush:
    """Waits until what was committed is safe, once for all who wait.

    Every request writes at least its line of the log, so each would wait for the disk alone: that is half of what a read
    costs PostgreSQL. Instead it is committed asynchronously, gives its connection back, and is answered when one small
    commit that began later has become durable (and has been confirmed by the standby, where the server is set to that).
    No answer leaves earlier; nor does a message, for the worker's own commit comes later still.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._lender = Lender(pool, wait=1)
        self._waiting: list[asyncio.Future[None]] = []
        self._running: asyncio.Task[None] | None = None

    async def passed(self) -> None:
        """Return when all that this process has committed so far is safe; raise ``Unavailable`` when that cannot be known."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await waiter

    async def close(self) -> None:
        """Close its connection."""
        await self._lender.close()

    async def _run(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    async with self._lender.lend() as connection:
                        await connection.execute(FLUSH)
                    failed = False
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, Unavailable):
                    failed = True
                for waiter in waiting:
                    if waiter.done():  # its request was given up
                        continue
                    if failed:
                        waiter.set_exception(
                            Unavailable("The processing log cannot be written, so nothing is handed out.")
                        )
                    else:
                        waiter.set_result(None)
        finally:
            self._running = None


class Database:
    """The open pools of one process."""

    def __init__(
        self, staff: asyncpg.Pool, public: asyncpg.Pool, door: asyncpg.Pool, flushing: asyncpg.Pool, wait: float
    ) -> None:
        self.staff, self.public, self.door = Lender(staff, wait), Lender(public, wait), Lender(door, wait)
        self.flush = Flush(flushing)

    @classmethod
    async def open(cls, addresses: Addresses, settings: Settings) -> "Database":
        """Open the pools and refuse a server that is too old."""
        environment = settings.environment
        staff = await open_pool(addresses.staff, settings.staff_pool, "api", environment)
        public = await open_pool(addresses.public, settings.public_pool, "public", environment)
        door = await open_pool(addresses.door, 2, "door", environment)
        flushing = await open_pool(addresses.staff, 1, "flush", environment)
        async with staff.acquire() as connection:
            version = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
        refuse_old(version)
        return cls(staff, public, door, flushing, settings.pool_wait_seconds)

    async def close(self) -> None:
        """Close every connection."""
        for lender in (self.staff, self.public, self.door):
            await lender.close()
        await self.flush.close()


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
