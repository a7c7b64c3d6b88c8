"""Statements composed once with SQLAlchemy Core, compiled once for asyncpg, and run on the driver's connection."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement, ColumnElement, Text, any_, bindparam, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import asyncpg as dialect_module
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = dialect_module.dialect()  # type: ignore[no-untyped-call]
_PAGE = "9223372036854775801"

Connection = Any
"""An asyncpg connection, or the proxy that its pool hands out."""

Call = tuple[str, Sequence[Any]]
"""A call of a function in SQL, with ``{}`` for each of its parameters, and their values."""


def called(calls: Iterable[Call], after: int = 0) -> tuple[list[str], list[Any]]:
    """The calls with their parameters numbered from ``after``, and all their values in that order."""
    texts: list[str] = []
    values: list[Any] = []
    for text_, given_ in calls:
        texts.append(text_.format(*(f"${after + len(values) + place}" for place in range(1, len(given_) + 1))))
        values.extend(given_)
    return texts, values


class Statement:
    """One SQL statement with typed, named parameters, compiled at its first use and kept.

    A ``LIMIT`` written with ``page_size()`` becomes a literal, one text for each size: a LIMIT as a parameter would be
    planned for an unknown number of rows (``docs/performance.md``).
    """

    def __init__(self, composed: ClauseElement) -> None:
        self.composed = composed
        self._texts: dict[int | None, _Compiled] = {}

    def compiled(self, page: int | None = None) -> "_Compiled":
        """The text and its binds, for a literal page size where the statement has one."""
        found = self._texts.get(page)
        if found is None:
            found = self._texts[page] = _Compiled(self.composed, page)
        return found

    async def row(
        self, connection: Connection, values: Mapping[str, Any], page: int | None = None
    ) -> asyncpg.Record | None:
        """The first row, or ``None``."""
        compiled = self.compiled(page)
        row: asyncpg.Record | None = await connection.fetchrow(compiled.text, *compiled.arguments(values))
        return row

    async def row_with(
        self, connection: Connection, values: Mapping[str, Any], calls: Sequence[Call]
    ) -> asyncpg.Record | None:
        """The first row, and these calls in the same round trip, none if there is no row. A call may name it as ``s``."""
        compiled = self.compiled()
        bound = compiled.arguments(values)
        texts, more = called(calls, len(bound))
        # OFFSET 0: what a call names is not worked out once more for it.
        together = f"SELECT s.*, {', '.join(texts)} FROM ({compiled.text} OFFSET 0) s"  # noqa: S608 — our own texts
        row: asyncpg.Record | None = await connection.fetchrow(together, *bound, *more)
        return row

    async def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[asyncpg.Record]:
        """All rows."""
        compiled = self.compiled()
        rows: Sequence[asyncpg.Record] = await connection.fetch(compiled.text, *compiled.arguments(values))
        return rows

    async def changes(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run an insert or update that returns nothing; how many rows it made or changed."""
        compiled = self.compiled()
        done: str = await connection.execute(compiled.text, *compiled.arguments(values))
        return int(done.rpartition(" ")[2])


class _Compiled:
    def __init__(self, composed: ClauseElement, page: int | None) -> None:
        compiled = composed.compile(dialect=_DIALECT)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"not a statement: {composed}")
        self.text = str(compiled)
        if page is not None:
            self.text = self.text.replace(_PAGE, str(page))
        processors = compiled._bind_processors
        self._binds: list[tuple[str, Any, bool, Any]] = []
        for name in compiled.positiontup or ():
            bind = compiled.binds[name]
            self._binds.append((name, bind.value, bind.required, processors.get(name)))

    @property
    def names(self) -> set[str]:
        """The parameters that a caller must supply."""
        return {name for name, _, required, _ in self._binds if required}

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        arguments = []
        for name, fixed, required, process in self._binds:
            value = values[name] if required else values.get(name, fixed)
            arguments.append(process(value) if process is not None and value is not None else value)
        return arguments


def given(name: str, type_: Any) -> Any:
    """A typed parameter that the caller must supply."""
    return bindparam(name, type_=type_, required=True)


def page_size() -> Any:
    """The place of the literal LIMIT; the page size is told when the statement is run."""
    return literal_column(_PAGE)


def one_of(column: Any, words: Iterable[str]) -> ColumnElement[bool]:
    """``column = ANY (words)`` over constants; SQLAlchemy's ``IN`` would compile anew for each length."""
    return column == any_(bindparam(None, list(words), type_=ARRAY(Text), unique=True))  # type: ignore[no-any-return]


def written(sql: str, **types: Any) -> Statement:
    """A statement written by hand, where Core would only spell the same words; ``types`` are those of its ``:parameters``."""
    return Statement(
        text(sql).bindparams(*(bindparam(name, type_=kind, required=True) for name, kind in types.items()))
    )
