"""What the database says, as the problem it means."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import asyncpg
from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import SQLModel

from casework.kernel import problems as p
from casework.kernel.problems import Problem

by_constraint: dict[str, Callable[[], Problem]] = {}
"""Constraints whose violation has a problem of its own; each slice adds its own in ``problems.py``."""


def numberless() -> Problem:
    """An extension without a telephone number, where only what is stored could tell."""
    told = {"pointer": "/phone", "code": "phone-missing", "message": "Give the telephone number as well."}
    return p.ValidationFailed("An extension, or a relay, belongs to a telephone number.", errors=[told])


class trouble:
    """Turns what the database says into the problem it means; a key's values never leave."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, asyncpg.PostgresError):
            raise translate(error) from error
        if isinstance(error, asyncpg.InterfaceError | ConnectionError | TimeoutError):
            raise p.Unavailable("The database cannot be reached.") from error


def translate(error: asyncpg.PostgresError) -> Problem:
    """The problem that an SQLSTATE means; constraint names are ours, so they may choose the words."""
    state = error.sqlstate or ""
    named = by_constraint.get(getattr(error, "constraint_name", None) or "")
    if named is not None:
        return named()
    if getattr(error, "schema_name", None) == "audit":
        return p.Unavailable("The processing log cannot be written, so nothing is handed out.")
    if state in ("23505", "23P01"):
        return p.AlreadyExists()
    if state in ("23503", "23514", "23502", "22P02", "22001", "22003", "22021", "22P05"):
        return _does_not_fit(error)
    if state == "42501":
        if any(
            each in (getattr(error, "context", None) or "") for each in ("function audit.", "function access.begin(")
        ):
            return p.Unavailable("The processing log cannot be written, so nothing is handed out.")
        return p.NotFound()
    if state in ("40001", "40P01", "55P03"):
        return p.TryAgain(headers={"Retry-After": "1"})
    if state == "CW001":
        return p.Unavailable("The processing log cannot be written, so nothing is handed out.")
    if state == "CW002":
        return p.Conflict(error.args[0] if error.args else "")
    if state == "53100":
        return p.StorageFull()
    if state == "57014" or state[:2] in ("08", "53", "57") or state == "25006":
        return p.Unavailable()
    return p.InternalError()


_CARRIED = frozenset({"team_id", "restricted", "case_id"})
"""Columns that a record takes from the one above it: no caller states them."""


def _does_not_fit(error: asyncpg.PostgresError) -> Problem:
    column = getattr(error, "column_name", None) or constrained().get(getattr(error, "constraint_name", None) or "")
    if error.sqlstate == "23503":
        code, message = "unknown", "There is no such record that can be named here."
    else:
        code, message = "does-not-fit", "This does not fit what is stored, or what was stated beside it."
    return p.ValidationFailed(
        "What was sent does not fit what is stored, or refers to something that is not there.",
        errors=[{"pointer": f"/{column}" if column else "", "code": code, "message": message}],
    )


@cache
def constrained() -> dict[str, str]:
    """The column that each constraint of the tables is about, by the constraint's name."""
    found: dict[str, str] = {}
    for table in SQLModel.metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                columns = list(constraint.columns.keys())
            elif isinstance(constraint, CheckConstraint):
                about = str(constraint.name).removeprefix(f"{table.name}_").removesuffix("_check")
                columns = [about, *re.findall(r"[a-z_]+", str(constraint.sqltext))]
            else:
                continue
            known = [name for name in columns if name in table.columns and name not in _CARRIED]
            found[str(constraint.name)] = (known or columns)[0]
    return found
