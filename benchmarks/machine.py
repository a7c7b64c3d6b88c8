"""The machine beneath a run: processes and what they cost, free ports, and the scratch cluster, which is gone afterwards."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from casework import migrations
from casework.kernel import embedded
from casework.kernel.database import Addresses, embedded_addresses
from casework.kernel.embedded_home import home_of

DATABASE = "casework"
SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "16GB",
    "min_wal_size": "4GB",
    "checkpoint_timeout": "60min",
    "effective_cache_size": "8GB",
}
MANY = "1000000000"
LOG_FILES = 96
"""Of 16 MB each: more than any part of a run fills."""
PEER = "bench_peer"
"""The login role of the peers: no row security and no triggers, because they bring their own checks and their own log."""


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    with suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(deeper for child in children for deeper in tree(int(child)))]
    return []


def _times(pid: int) -> list[int]:
    """utime, stime, and those of the children it has seen the end of, in ticks."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return [int(field) for field in fields[11:15]]
    return [0, 0, 0, 0]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree so far, with what has ended in it."""
    return sum(sum(_times(each)) for each in tree(pid)) / os.sysconf("SC_CLK_TCK")


def idle_seconds() -> float:
    """What the processors of the machine have been idle so far, waiting for the disk included."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Cluster:
    """The scratch PostgreSQL, migrated and empty."""

    scratch: Path
    superuser: str
    peer: str
    where: Addresses
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the service on it."""
        return {
            "CASEWORK_DATABASE_URL": self.where.staff,
            "CASEWORK_PUBLIC_DATABASE_URL": self.where.public,
            "CASEWORK_DOOR_DATABASE_URL": self.where.door,
            "CASEWORK_WORKER_DATABASE_URL": self.where.worker,
            "CASEWORK_VAR": str(self.scratch),
            # The load comes from one person at one address: the limits are out of its way, and counted all the same.
            "CASEWORK_SUBMISSIONS_PER_HOUR": MANY,
            "CASEWORK_PERSON_PER_MINUTE": MANY,
            "CASEWORK_TOOL_PER_MINUTE": MANY,
            "CASEWORK_ADDRESS_PER_MINUTE": MANY,
            "CASEWORK_STRANGER_WRITES_PER_MINUTE": MANY,
        }


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory whose embedded PostgreSQL is stopped, and which is removed with it, however the run ends."""
    scratch = Path(tempfile.mkdtemp(prefix="casework-bench-"))
    try:
        yield scratch
    finally:
        if embedded.status(scratch) == "running":
            embedded.stop(scratch)
        home = home_of(scratch)
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)


def start_cluster(scratch: Path) -> Cluster:
    """Start PostgreSQL, make roles and tables, and the peers' own role."""
    cluster = embedded.start(scratch, settings=SETTINGS)
    passwords = {role: embedded.secret(scratch, role) for role in migrations.ROLES}
    asyncio.run(migrations.make_roles(cluster.superuser_dsn(), passwords, DATABASE))
    migrator = cluster.dsn("casework_migrate", passwords["casework_migrate"], DATABASE)
    migrations.migrate(migrator)
    asyncio.run(_record_level(migrator))
    superuser = cluster.superuser_dsn(DATABASE)
    asyncio.run(_make_peer(superuser, embedded.secret(scratch, PEER.replace("_", "-"))))
    pid = int((cluster.data / "postmaster.pid").read_text().split()[0])
    peer = cluster.dsn(PEER, embedded.secret(scratch, PEER.replace("_", "-")), DATABASE)
    return Cluster(scratch, superuser, peer, embedded_addresses(scratch, DATABASE), pid)


async def _record_level(url: str) -> None:
    """The service comes with no threat level, and without one no advice is issued."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute("SELECT access.begin_system('threat_level.set', 'benchmarks')")
        await connection.execute(
            "INSERT INTO casework.threat_level (kind, level, since) VALUES ('national', 'substantial', '2001-01-01')"
        )
    await connection.close()


async def _make_peer(url: str, password: str) -> None:
    connection = await asyncpg.connect(url)
    quoted = await connection.fetchval("SELECT quote_literal($1)", password)
    await connection.execute(
        f"""CREATE ROLE {PEER} LOGIN BYPASSRLS PASSWORD {quoted};
        GRANT CONNECT ON DATABASE {DATABASE} TO {PEER};
        GRANT pg_read_all_data, pg_write_all_data TO {PEER};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA casework, access, audit, work, jobs TO {PEER};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA audit TO {PEER};
        GRANT SET ON PARAMETER session_replication_role TO {PEER};
        ALTER ROLE {PEER} SET session_replication_role = replica;
        ALTER ROLE {PEER} SET search_path = jobs, pg_catalog"""
    )
    await connection.close()


def season(url: str) -> None:
    """Make the database as one is that has run for a day and keeps its promises to everybody.

    Its log files exist already: one that must be made anew stops every commit for 50 ms. And foreign keys are checked
    and the queue's own triggers run for the peers as well, whose triggers are off otherwise.
    """
    asyncio.run(_season(url))


async def _season(url: str) -> None:
    connection = await asyncpg.connect(url, command_timeout=600)
    keys = await connection.fetch(
        "SELECT tgrelid::regclass::text AS name, tgname FROM pg_trigger"
        " WHERE tgisinternal AND tgconstraint <> 0 OR tgrelid = 'jobs.procrastinate_jobs'::regclass"
    )
    for key in keys:
        await connection.execute(f'ALTER TABLE {key["name"]} ENABLE ALWAYS TRIGGER "{key["tgname"]}"')
    for _ in range(LOG_FILES):
        await connection.execute("SELECT pg_logical_emit_message(false, 'bench', repeat('x', 16 * 1024 * 1024))")
    await connection.execute("CHECKPOINT")
    await connection.close()
