"""The hand that reaches past the service: SQL by kept connections, for those who build a test's world and look at it afterwards."""

import asyncio
import functools
import threading
from typing import Any

import asyncpg


class Hand:
    """Connections kept open on a loop of their own: to log in anew costs more than what is asked. One for each process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hand", daemon=True)
        self._thread.start()
        self._idle: dict[str, list[asyncpg.Connection]] = {}

    def fetch(self, url: str, statement: str, *values: Any, before: str | None = None) -> list[asyncpg.Record]:
        """One statement in a transaction of its own, after ``before``; from any thread."""
        return asyncio.run_coroutine_threadsafe(self._fetch(url, statement, values, before), self._loop).result()

    async def _fetch(
        self, url: str, statement: str, values: tuple[Any, ...], before: str | None
    ) -> list[asyncpg.Record]:
        idle = self._idle.setdefault(url, [])
        # Tests change tables and functions: nothing of them is remembered.
        while idle and idle[-1].is_closed():
            idle.pop()
        connection = idle.pop() if idle else await asyncpg.connect(url, statement_cache_size=0)
        try:
            async with connection.transaction():
                if before is not None:
                    await connection.execute(before)
                found = list(await connection.fetch(statement, *values))
        except BaseException:
            await connection.close()
            raise
        idle.append(connection)
        return found

    def close(self) -> None:
        """End every connection, and the loop."""

        async def end() -> None:
            for connection in [each for idle in self._idle.values() for each in idle]:
                await connection.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@functools.cache
def hand() -> Hand:
    """This process's own."""
    return Hand()


def let_go() -> None:
    """The run is over."""
    if hand.cache_info().currsize:
        hand().close()
        hand.cache_clear()
