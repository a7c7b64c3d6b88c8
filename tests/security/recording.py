"""Every statement that the service sends, heard at the driver, with the caller on whose behalf it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg


@dataclass
class Heard:
    """A statement with the values it was sent with, and the beginning of the transaction it was sent in."""

    text: str
    values: tuple[Any, ...]
    begun: tuple[Any, ...] | None
    """hash, action, purpose, request, acting; ``None`` where the statement itself begins."""
    caller: dict[str, Any]
    """What the beginning answered of the reach: teams and answering."""
    rows: int


@contextmanager
def recording() -> Iterator[dict[str, Heard]]:
    """Until the block ends, the distinct statements of every connection of this process: the fullest sample of each."""
    heard: dict[str, Heard] = {}
    beginnings: WeakKeyDictionary[Any, tuple[tuple[Any, ...], dict[str, Any]]] = WeakKeyDictionary()
    true = asyncpg.connection.Connection._execute

    async def listening(self: Any, query: str, args: Any, *rest: Any, **more: Any) -> Any:
        answer = await true(self, query, args, *rest, **more)
        rows = answer if isinstance(answer, list) else (answer[0] if isinstance(answer, tuple) else [])
        begins = "access.begin(" in query
        if begins and "work.claim" in query:
            # asyncpg answers with records; those of a write's beginning carry what its statements are bound with.
            record = rows[0] if rows else None
            arrays = {name: record[name] for name in ("teams", "answering")} if record is not None else {}
            beginnings[self] = (tuple(args[:5]), arrays)
            return answer
        begun, arrays = (None, {}) if begins else beginnings.get(self, (None, {}))
        if begins or begun is not None:
            kept = heard.get(query)
            if kept is None or kept.rows < len(rows):
                heard[query] = Heard(query, tuple(args), begun, arrays, len(rows))
        return answer

    asyncpg.connection.Connection._execute = listening
    try:
        yield heard
    finally:
        asyncpg.connection.Connection._execute = true
