"""Commands about the database: migrate, the demonstration, the embedded PostgreSQL."""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import typer

from casework.commands.telling import console, stop, working
from casework.kernel.clock import ENVIRONMENT
from casework.kernel.settings import Settings, settings

embedded_app = typer.Typer(no_args_is_help=True, help="The embedded PostgreSQL under CASEWORK_VAR.")
NAME = "casework"
"""What the embedded database is called."""


def migrate_url(given: Settings) -> str:
    """The URL of casework_migrate. For a server, its role gets a fresh password each time, known to this process only."""
    from casework.kernel import embedded

    if given.database_url is None:
        cluster = embedded.start(given.var)
        return cluster.dsn("casework_migrate", embedded.secret(given.var, "casework_migrate"), NAME)
    staff = urlsplit(given.database_url.get_secret_value())
    password = secrets.token_urlsafe(32)
    asyncio.run(_make_roles(_admin(given), {"casework_migrate": password}, _database(staff.path)))
    return with_role(given.database_url.get_secret_value(), "casework_migrate", password)


def with_role(url: str, role: str, password: str) -> str:
    """The same place for another role."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{hosts}"))


def acting_url(given: Settings) -> str:
    """The same for a command that acts as the service does: its connections honour the clock as the service's do."""
    url = migrate_url(given)
    return f"{url}{'&' if urlsplit(url).query else '?'}{ENVIRONMENT}={given.environment}"


def prepare(given: Settings) -> str:
    """Make the roles and the database where they are missing; returns casework_migrate's URL."""
    from casework import migrations
    from casework.kernel import embedded

    if given.database_url is None:
        cluster = embedded.start(given.var)
        passwords = {role: embedded.secret(given.var, role) for role in migrations.ROLES}
        asyncio.run(_make_roles(cluster.superuser_dsn(), passwords, NAME))
        return migrate_url(given)
    asyncio.run(
        _make_roles(_admin(given), _stated(given), _database(urlsplit(given.database_url.get_secret_value()).path))
    )
    return migrate_url(given)


async def _make_roles(admin: str, passwords: dict[str, str], database: str) -> None:
    from casework import migrations

    await migrations.make_roles(admin, passwords, database)


def _admin(given: Settings) -> str:
    if given.admin_database_url is None:
        stop("Set CASEWORK_ADMIN_DATABASE_URL to a superuser's URL: roles are made and tables changed with it.")
    return given.admin_database_url.get_secret_value()


def _database(path: str) -> str:
    name = unquote(path.lstrip("/"))
    return name or stop("CASEWORK_DATABASE_URL names no database.")


def _stated(given: Settings) -> dict[str, str]:
    """The passwords of the login roles, from their URLs."""
    from casework.kernel.database import addresses

    where = addresses(given)
    found: dict[str, str] = {}
    for role, url in zip(
        ("casework_api", "casework_public", "casework_door", "casework_worker"),
        (where.staff, where.public, where.door, where.worker),
        strict=True,
    ):
        parts = urlsplit(url)
        if parts.username != role:
            stop(f"The URL for {role} is for the role {parts.username or '(none)'}.")
        if parts.password:  # without one the server knows the role otherwise (a certificate, peer)
            found[role] = unquote(parts.password)
    return found


def _fingerprint() -> str:
    """What the code amounts to, told by the look of its files: enough to know that nothing has changed."""
    import hashlib

    here = Path(__file__).parents[1]
    roots = [here, here / "_alembic" if (here / "_alembic").exists() else here.parents[1] / "alembic"]
    files = sorted(
        file for root in roots for file in root.rglob("*") if file.suffix in (".py", ".sql", ".json", ".csv")
    )
    looks = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    return hashlib.sha256(repr(looks).encode()).hexdigest()


def up_to_date(var: Path) -> bool:
    """Whether this very code has migrated the embedded database of ``var`` already."""
    stamp = var / "migrated"
    return stamp.exists() and stamp.read_text() == _fingerprint()


def migrate() -> None:
    """Bring the database to the state this code needs: roles, tables, definitions. Safe to repeat."""
    from casework import migrations

    given = settings()
    look = _fingerprint()
    with working("Making roles"):
        url = prepare(given)
    with working("Migrating"):
        migrations.migrate(url)
    if given.database_url is None:
        (given.var / "migrated").write_text(look)
    console.print(f"The database is at revision {migrations.head()}.")


def demo() -> None:
    """Load a small demonstration into the database, once. It moves the clock, so it is refused in production."""
    from casework.commands.clock import refused

    given = settings()
    told = given.var / "demonstration.txt"
    if told.exists():
        console.print(told.read_text(), end="", highlight=False)
        return
    if refused(given):
        stop("The demonstration is for a trial, and cannot be taken out again: set CASEWORK_ENVIRONMENT=development.")
    import importlib

    tell = importlib.import_module("casework.demo").tell
    with working("Telling the demonstration"):
        lines: list[str] = tell(given)
    aside = told.with_name("demonstration.new")
    with suppress(FileNotFoundError):
        aside.unlink()
    told.parent.mkdir(parents=True, exist_ok=True)
    with open(aside, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write("".join(f"{line}\n" for line in lines))
    aside.replace(told)
    console.print(told.read_text(), end="", highlight=False)


@embedded_app.command("start")
def start() -> None:
    """Start it; it runs until it is stopped."""
    from casework.kernel import embedded

    with working("Starting PostgreSQL"):
        cluster = embedded.start(settings().var)
    console.print(f"PostgreSQL runs on {cluster.data}.")


@embedded_app.command("stop")
def stop_embedded() -> None:
    """Stop it, and wait until it is gone."""
    from casework.kernel import embedded

    with working("Stopping PostgreSQL"):
        embedded.stop(settings().var)
    console.print("PostgreSQL is stopped.")


@embedded_app.command("status")
def status() -> None:
    """Say whether it runs: running, stopped or absent. The exit code is 0 only when it runs."""
    from casework.kernel import embedded

    found = embedded.status(settings().var)
    console.print(found)
    raise typer.Exit(0 if found == "running" else 3)
