"""Bringing a database to the state this code expects: roles, tables (alembic), and everything defined in ``.sql`` files."""

import asyncio
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

import casework.access.models
import casework.advice.lifecycle
import casework.advice.models
import casework.cases.lifecycle
import casework.cases.models
import casework.circle.lifecycle
import casework.circle.models
import casework.enquiries.lifecycle
import casework.enquiries.models
import casework.notices.lifecycle
import casework.notices.models
import casework.organisations.lifecycle
import casework.organisations.models
import casework.people.models
import casework.premises.models
import casework.reference.lifecycle
import casework.reference.models
import casework.review_offers.models
import casework.visits.lifecycle
import casework.visits.models
import casework.work.models  # noqa: F401
from casework.access import catalogue, policy, rls
from casework.kernel import lifecycle
from casework.kernel.settings import settings
from casework.reference import loading

if TYPE_CHECKING:
    from alembic.config import Config  # the API compares revisions but never migrates: it need not load alembic

ROLES = ("casework_migrate", "casework_api", "casework_public", "casework_door", "casework_worker")
DEFINITIONS = (
    ("access", "folding.sql"),
    ("access", "context.sql"),
    ("access", "log.sql"),
    ("access", "keeping.sql"),
    ("access", "door.sql"),
    ("access", "second_step.sql"),
    ("access", "contacts.sql"),
    ("access", "suspending.sql"),
    ("access", "deciding.sql"),
    ("access", "removing.sql"),
    ("access", "deadlines.sql"),
    ("access", "passing.sql"),
    ("access", "sharing.sql"),
    ("access", "visiting.sql"),
    ("access", "moving.sql"),
    ("access", "explaining.sql"),
    ("access", "naming.sql"),
    ("reference", "levels.sql"),
    ("notices", "keeping.sql"),
    ("review_offers", "offering.sql"),
    ("work", "idempotency.sql"),
    ("work", "outbox.sql"),
    ("access", "speaking.sql"),
    ("advice", "content.sql"),
    ("advice", "contributors.sql"),
    ("advice", "delivery.sql"),
    ("access", "leaving.sql"),
    ("audit_log", "sealing.sql"),
    ("audit_log", "reading.sql"),
    ("work", "messages.sql"),
    ("access", "grants.sql"),
)
"""The definitions in the order they are loaded; the tables of the policies come before the grants."""
MONTHS_AHEAD = 12
"""For how many months the processing log has its partitions made."""


UNDEFINE = """
DO $$ DECLARE p record; BEGIN
    FOR p IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'casework' LOOP
        EXECUTE format('DROP POLICY %I ON casework.%I', p.policyname, p.tablename);
    END LOOP;
END $$;
DROP VIEW IF EXISTS casework.case_outline;
DROP VIEW IF EXISTS access.holding;
DROP VIEW IF EXISTS access.held;
DROP FUNCTION IF EXISTS audit.header_bytes(audit.event);
DROP FUNCTION IF EXISTS audit.object_bytes(audit.event_object);
DROP FUNCTION IF EXISTS audit.entry(audit.event, uuid[], boolean);
DROP FUNCTION IF EXISTS audit.told(audit.event_object);
DROP FUNCTION IF EXISTS audit.head_json(audit.head);
DROP FUNCTION IF EXISTS access.log_in_of(access.session);
"""
"""What a downgrade loosens first: policies, views and functions of a row hold on to tables and columns. ``define`` makes
them anew."""


def run_script(text: str) -> None:
    """Run many statements at once inside a revision (the driver's own simple protocol)."""
    from alembic import op

    bind = op.get_bind()
    if op.get_context().as_sql:
        op.execute(text)
        return
    dbapi: Any = bind.connection.dbapi_connection
    bind.exec_driver_sql("SELECT 1")  # the transaction begins before the driver is used beneath it
    dbapi.run_async(lambda driver: driver.execute(text))


def queue_schema() -> str:
    """The tables and functions of the job queue, as its library ships them."""
    return resources.files("procrastinate").joinpath("sql").joinpath("schema.sql").read_text(encoding="utf-8")


def sql(package: str, name: str) -> str:
    """The text of a packaged ``.sql`` file."""
    return resources.files(f"casework.{package}").joinpath("sql").joinpath(name).read_text(encoding="utf-8")


def scripts() -> Path:
    """Where the alembic scripts are: beside the code in a checkout, or packaged."""
    packaged = Path(__file__).parent / "_alembic"
    return packaged if packaged.exists() else Path(__file__).parents[2] / "alembic"


def config(url: str) -> "Config":
    """The alembic configuration for a database; ``url`` is casework_migrate's."""
    from alembic.config import Config

    made = Config(stdout=sys.stdout)  # what it defaults to is the stream of whenever it was first imported
    made.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    made.attributes["url"] = re.sub(r"^postgres(ql)?:", "postgresql+asyncpg:", url)
    return made


_REVISION = re.compile(
    r'^revision(?:: str)? = "([^"]+)"$.*?^down_revision(?:: [\w |]+)? = (?:None|"([^"]+)")$', re.M | re.S
)


@lru_cache
def head() -> str:
    """The newest revision this code knows. Read from the scripts' text: running them all takes alembic and half a second."""
    found = [_REVISION.search(file.read_text(encoding="utf-8")) for file in (scripts() / "versions").glob("*.py")]
    revisions = {match[1]: match[2] for match in found if match}
    heads = revisions.keys() - set(revisions.values())
    if len(heads) != 1 or len(revisions) != len(found):
        raise RuntimeError(f"the migrations do not end in one revision: {', '.join(sorted(heads)) or 'there is none'}")
    return heads.pop()


async def make_roles(admin_url: str, passwords: Mapping[str, str], database: str) -> None:
    """As a superuser: the roles with their passwords, and the database. Safe to repeat."""
    admin = await asyncpg.connect(admin_url)
    try:
        # Passwords reach the server as SCRAM verifiers' source in one statement that no log keeps (log_statement=none).
        await admin.execute("SET log_statement = 'none'")
        await admin.execute(sql("access", "roles.sql"))
        for role, password in passwords.items():
            quoted = await admin.fetchval("SELECT quote_literal($1)", password)
            await admin.execute(f"ALTER ROLE {role} PASSWORD {quoted}")
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await admin.execute(f'CREATE DATABASE "{database}" OWNER casework_owner')
        await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
        await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {", ".join(ROLES)}')
        await admin.execute(f'GRANT CREATE ON DATABASE "{database}" TO casework_migrate')
    finally:
        await admin.close()


async def prepare(url: str) -> None:
    """The schemas and the queue's tables, which alembic's own tables need before the first revision."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql("access", "schemas.sql"))
    finally:
        await connection.close()


async def define(url: str) -> None:
    """Load every definition: functions, triggers, policies, grants, and the matrix itself. Safe to repeat."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for package, name in DEFINITIONS:
                if name == "grants.sql":
                    for statement in rls.statements():
                        await connection.execute(statement)
                await connection.execute(sql(package, name))
            await connection.execute("DELETE FROM access.policy")
            await connection.executemany("INSERT INTO access.policy VALUES ($1, $2, $3, $4, $5)", policy.rows())
            await connection.execute("DELETE FROM access.offer")
            await connection.executemany("INSERT INTO access.offer VALUES ($1, $2, $3)", offers())
            await connection.execute(
                "INSERT INTO access.setting VALUES ('digest', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                catalogue.digest(offers()),
            )
            await connection.execute(
                "INSERT INTO access.setting VALUES ('force_mail_domains', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                catalogue.mail_domains(settings().force_mail_domains),
            )
            await connection.execute("GRANT ALL ON SCHEMA casework, access, audit, work, jobs TO casework_owner")
            await connection.execute("REASSIGN OWNED BY casework_migrate TO casework_owner")
            await connection.execute("SELECT audit.make_partitions($1)", MONTHS_AHEAD)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def offers() -> list[tuple[str, str, list[str] | None]]:
    """What records offer in which state, from every lifecycle."""
    return [row for each in lifecycle.registry.values() for row in each.rows()]


def migrate(url: str) -> None:
    """Upgrade to the newest revision, load the definitions and the packaged reference data. ``url`` is casework_migrate's."""
    from alembic import command

    asyncio.run(prepare(url))
    command.upgrade(config(url), "head")
    asyncio.run(define(url))
    asyncio.run(loading.load(url))
