"""How alembic reaches the database: as casework_migrate, over asyncpg, waiting for no lock longer than two seconds."""

import asyncio
import re
from typing import Any

from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import casework.migrations  # noqa: F401 — loads every table
from alembic import context

OURS = {"casework", "access", "audit", "work"}
MONTH = re.compile(r"(event|event_object|seal)_\d{4}_\d{2}\Z")
"""Partitions of the processing log: made as time goes, not by a revision."""


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Leave out what is not ours: the queue's schema and PostgreSQL's own; and the log's months."""
    if kind == "table" and name is not None and MONTH.match(name):
        return False
    return name in OURS if kind == "schema" else True


def render_item(kind: str, item: Any, _: Any) -> Any:
    """SQLModel's string type is plain text to us."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.Text()"
    if kind == "type" and type(item).__name__ == "Moment3":
        return "postgresql.TIMESTAMP(timezone=True, precision=3)"
    if kind == "type" and type(item).__module__.startswith("sqlmodel"):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Run the revisions asked for, each in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_schemas=True,
        include_name=include_name,
        render_item=render_item,
        version_table_schema="work",
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    """Connect and run."""
    engine = create_async_engine(
        context.config.attributes["url"],
        poolclass=pool.NullPool,
        connect_args={"server_settings": {"lock_timeout": "2s"}},
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


def offline() -> None:
    """Print the SQL (for the linter)."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=SQLModel.metadata,
        literal_binds=True,
        version_table_schema="work",
        include_schemas=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    asyncio.run(online())
