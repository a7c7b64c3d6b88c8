"""A lock that is asked for again for a moment: whoever held it may have been broken off, and their session is just ending."""

import asyncio
import time

from casework.kernel.statements import Connection

PATIENCE = 2.0
"""Seconds until a lock counts as held."""


async def had(connection: Connection, statement: str, *values: str) -> bool:
    """Whether the lock was had; ``statement`` tries for it (``pg_try_advisory_…``)."""
    until = time.monotonic() + PATIENCE
    while not await connection.fetchval(statement, *values):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True
