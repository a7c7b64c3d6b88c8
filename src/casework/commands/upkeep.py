"""Commands for whoever keeps the service: is everything as it must be, new keys, the contract."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from casework.commands.telling import console, stop, working
from casework.kernel.keys import PURPOSES
from casework.kernel.settings import Settings, settings

keys_app = typer.Typer(no_args_is_help=True, help="Signing keys.")
"""The keys that the API makes at its first start."""
LEAST_FREE = 1 << 30
"""Bytes that must be free: below, PostgreSQL is soon unable to write."""
SILENCE, BACKLOG, UNSEALED = 60, 600, 60
MONTHS = 3
"""For how many months ahead the log must have its partitions; the worker keeps twelve."""

Check = Callable[[Settings], Coroutine[Any, Any, list[str]]]


def doctor() -> None:
    """Check what must hold before anybody relies on the service. The exit code is 1 when something is wrong."""
    given = settings()
    checks: dict[str, Check] = {
        "database": _database, "processing log": _log, "keys": _keys, "worker": _worker, "disk": _disk, "messages": _messages,
        "clock": _clock, "threat level": _levels, "suspensions": _suspensions,
    }  # fmt: skip
    wrong = 0
    for name, check in checks.items():
        try:
            with working(name):
                found = asyncio.run(check(given))
        except Exception as error:
            found = [f"could not be checked: {error or type(error).__name__}"]
        wrong += len(found)
        console.print(f"{name}: {'ok' if not found else 'WRONG'}", highlight=False)
        for each in found:
            console.print(f"  - {each}", highlight=False, markup=False)
    try:
        for each in asyncio.run(_leads(given)):
            console.print(f"warning: {each}", highlight=False, markup=False)
    except Exception as error:
        console.print(
            f"warning: the leads could not be counted: {error or type(error).__name__}", highlight=False, markup=False
        )
    raise typer.Exit(1 if wrong else 0)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=5, server_settings={"search_path": "pg_catalog"})
    try:
        yield connection
    finally:
        await connection.close()


async def _database(given: Settings) -> list[str]:
    """Revision, matrix, row security, log triggers, what roles may do, who owns the functions."""
    from casework import migrations
    from casework.access import catalogue
    from casework.kernel.database import addresses, refuse_old

    where = addresses(given)
    async with _connected(where.staff) as connection:
        refuse_old(int(await connection.fetchval("SELECT current_setting('server_version_num')")))
        found = await catalogue.faults(connection, migrations.offers(), migrations.head(), given.force_mail_domains)
    for role, url in {
        "casework_public": where.public,
        "casework_door": where.door,
        "casework_worker": where.worker,
    }.items():
        async with _connected(url) as connection:
            seen = await connection.fetchval("SELECT session_user")
            if seen != role:
                found.append(f"the URL for {role} logs in as {seen}")
    return found


async def _log(given: Settings) -> list[str]:
    """The processing log can be written, has months ahead, and is sealed; nothing is kept of the trial."""
    from casework.kernel.database import addresses

    async with _connected(addresses(given).staff) as connection:
        trial = connection.transaction()
        await trial.start()
        try:
            await connection.fetchrow(
                "SELECT * FROM access.begin(NULL, 'signpost.list', NULL, gen_random_uuid(), NULL)"
            )
        finally:
            await trial.rollback()
        ahead = await connection.fetchval("SELECT audit.months_ahead()")
        backlog = await connection.fetchrow("SELECT * FROM audit.backlog()")
    found = []
    if ahead < MONTHS:
        found.append(
            f"the log has room for {max(ahead, 0)} months ahead, not {MONTHS}: run `casework migrate`, start a worker"
        )
    if backlog["oldest"] is not None and backlog["oldest"] > UNSEALED:
        found.append(f"{backlog['waiting']} events wait for their seal, the oldest for {backlog['oldest']:.0f} s")
    return found


async def _keys(given: Settings) -> list[str]:
    """Each purpose has a key, and nobody but us reads it."""
    from casework.kernel.keys import SEAL, Keys

    found = []
    for purpose in (*PURPOSES, SEAL):
        files = sorted(given.keys.glob(f"{purpose}-*.key"))
        if not files:
            maker = "worker" if purpose == SEAL else "serve"
            found.append(
                f"no key for {purpose} in {given.keys}: `casework {maker}` makes the first, or restore a backup"
            )
            continue
        found += [
            f"{file} can be read by others (mode {stat.S_IMODE(file.stat().st_mode):04o}, must be 0600)"
            for file in files
            if stat.S_IMODE(file.stat().st_mode) & 0o077
        ]
        if not all(len(key) == 32 for _, key in Keys(given.keys, purpose).keys):
            found.append(f"a key for {purpose} has not 32 bytes")
    return found


async def _worker(given: Settings) -> list[str]:
    """A worker lives, and no job waits for long."""
    from casework.kernel.database import addresses

    async with _connected(addresses(given).staff) as connection:
        row = await connection.fetchrow("SELECT * FROM work.lag()")
    found = []
    if row["silent_for"] is None or row["silent_for"] > SILENCE:
        found.append("no worker lives: start `casework worker`")
    if row["oldest_job"] is not None and row["oldest_job"] > BACKLOG:
        found.append(f"the oldest job has waited for {row['oldest_job'] / 60:.0f} minutes")
    return found


async def _messages(given: Settings) -> list[str]:
    """Messages leave: without them no business gets its one-time code."""
    return [] if given.mail else ["no message is sent: set CASEWORK_MAIL_URL and CASEWORK_MAIL_FROM"]


async def _suspensions(given: Settings) -> list[str]:
    """Who was locked out is let in again, or made to leave, within a week."""
    from casework.kernel.database import addresses

    async with _connected(addresses(given).staff) as connection:
        overdue = int(await connection.fetchval("SELECT access.state('suspensions_overdue')"))
    return [f"{overdue} people are locked out for more than seven days: lift it, or make it final"] if overdue else []


async def _clock(given: Settings) -> list[str]:
    """The clock of the field's rules shows the real time."""
    from casework.commands import clock

    offset = await clock.moved_by(given)
    return [clock.told(offset, given)] if offset else []


async def _levels(given: Settings) -> list[str]:
    """The threat levels under which advice is issued are recorded: the service comes with none."""
    from casework.kernel.database import addresses

    async with _connected(addresses(given).staff) as connection:
        missing = await connection.fetchval("SELECT casework.levels_missing()")
    return [
        f"no {kind} threat level is recorded, so no advice is issued under one: a professional lead records it"
        " (POST /v1/threat-levels)"
        for kind in missing
    ]


async def _leads(given: Settings) -> list[str]:
    """Two active leads, so that one is there when a threat level changes."""
    from casework.kernel.database import addresses

    async with _connected(addresses(given).staff) as connection:
        leads = await connection.fetchval("SELECT casework.active_leads()")
    there = {0: "there is no active professional lead", 1: "there is one active professional lead"}.get(leads)
    return [f"{there}; two are needed to confirm threat levels and stand in for one another"] if there else []


async def _disk(given: Settings) -> list[str]:
    """There is room where we write."""
    place = given.var.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return [f"{free >> 20} MB are free at {place}; {LEAST_FREE >> 20} MB are needed"] if free < LEAST_FREE else []


@keys_app.command("rotate")
def rotate(purpose: Annotated[str, typer.Argument(help="cursor, secret, …")]) -> None:
    """Make a newer key. What earlier keys signed stays good; running processes take it up when they start anew."""
    from casework.kernel.keys import Keys

    keys = settings().keys
    if not list(keys.glob(f"{purpose}-*.key")):
        stop(f"There is no key for {purpose!r} in {keys}.")
    console.print(f"The newest key for {purpose} is {Keys(keys, purpose).rotate()}.", highlight=False)


def openapi(
    check: Annotated[
        bool, typer.Option("--check", help="Compare only; 1 when the committed contract differs.")
    ] = False,
    path: Annotated[Path | None, typer.Option(help="Where it is; openapi/openapi.json in a checkout.")] = None,
) -> None:
    """Write the contract of this code, or compare it with the committed one."""
    from casework import contract

    target = path or contract.committed()
    text = contract.text()
    if check:
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            stop(f"{target.name} is not this code's contract: run `casework openapi` and look at what changed.")
        console.print("The committed contract is this code's.")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    console.print(f"Wrote {target.name}.")
