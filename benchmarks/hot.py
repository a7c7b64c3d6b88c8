"""The hot statements, with the values to run them with: for pgbench, for timing inside the database, and to be explained.

A later capability adds its own in ``hot_statements``: a line or two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from benchmarks.fill import Filled
from casework.access.actions import Action
from casework.access.tokens import hash_token
from casework.audit_log.queries import CASE_LOG
from casework.cases.queries import CASE_BY_ID, CASE_LIST, HEADLINE_LIST
from casework.kernel.statements import Statement
from casework.people.queries import ME
from casework.premises.queries import PREMISES_LIST
from casework.work.composing import BEGINNING

PAGE = 25
DEEP = 1000


@dataclass(frozen=True)
class Hot:
    """A statement as PostgreSQL gets it. ``varying`` is the number of the parameter that ``ids`` go into."""

    name: str
    text: str
    arguments: Sequence[Any]
    varying: int | None = None
    ids: Sequence[UUID] = ()


@dataclass(frozen=True)
class Place:
    """How deep a queue was gone into, and the row after which the page there begins."""

    page: int
    key: str
    id: UUID


async def deep(connection: asyncpg.Connection, filled: Filled) -> Place:
    """Page 1,000 of the largest team's queue, or its last where it has fewer."""
    of_team = "FROM casework.case_file WHERE team_id = $1 AND NOT restricted"
    rows = await connection.fetchval(f"SELECT count(*) {of_team}", filled.team)
    page = min(DEEP, rows // PAGE)
    row = await connection.fetchrow(
        f"SELECT opened_at::text AS key, id {of_team} ORDER BY opened_at DESC, id DESC OFFSET {(page - 1) * PAGE - 1} LIMIT 1",
        filled.team,
    )
    return Place(page, row["key"], row["id"])


def hot_statements(filled: Filled, place: Place) -> list[Hot]:
    """Every listed query of issue 4, as the person who asks it."""
    plain: frozenset[str] = frozenset()
    queue = CASE_LIST.statement(plain, "-opened_at", False)
    following = CASE_LIST.statement(plain, "-opened_at", True)
    mine = CASE_LIST.statement(frozenset({"mine", "open"}), "-opened_at", False)
    after = {"after_key": place.key, "after_id": place.id}

    def made(
        name: str,
        statement: Statement,
        part: str,
        action: Action,
        page: int | None = None,
        ids: Sequence[UUID] = (),
        **values: Any,
    ) -> Hot:
        return _hot(name, statement, filled.tokens[part], action, page, ids, values)

    return [
        made("session check", ME, "adviser", Action.SESSION_MANAGE_OWN),
        made("get case", CASE_BY_ID, "adviser", Action.CASE_READ, ids=filled.readable),
        made("team queue", queue, "adviser", Action.CASE_READ, PAGE + 1),
        made("my queue", mine, "adviser", Action.CASE_READ, PAGE + 1),
        made(f"team queue, page {place.page}", following, "adviser", Action.CASE_READ, PAGE + 1, **after),
        made("team queue of a supervisor", queue, "supervisor", Action.CASE_READ, PAGE + 1),
        made("cross-force queue", queue, "crossing", Action.CASE_READ, PAGE + 1),
        made(
            "national headlines",
            HEADLINE_LIST.statement(plain, "-opened_at", False),
            "lead",
            Action.CASE_READ_HEADLINE,
            PAGE + 1,
        ),
        made("premises list", PREMISES_LIST.statement(plain, "name", False), "adviser", Action.PREMISES_READ, PAGE + 1),
        made(
            "access log",
            CASE_LOG.statement(plain, "", False),
            "supervisor",
            Action.CASE_ACCESS_LOG,
            51,
            ids=filled.busy,
        ),
    ]


def _hot(
    name: str,
    statement: Statement,
    token: str,
    action: Action,
    page: int | None,
    ids: Sequence[UUID],
    values: Mapping[str, Any],
) -> Hot:
    compiled = statement.compiled(page)
    bound = {
        **dict.fromkeys(BEGINNING), "hash": hash_token(token), "action": action.value, "request": uuid4(),
        **({"id": ids[0]} if ids else {}), **values,
    }  # fmt: skip
    names = [bind[0] for bind in compiled._binds]
    return Hot(name, compiled.text, compiled.arguments(bound), names.index("id") + 1 if ids else None, ids)


def literal(value: Any) -> str | None:
    """A value as text that PostgreSQL reads; ``None`` is NULL."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, list | tuple):
        return "{" + ",".join(literal(each) or "NULL" for each in value) + "}"
    return str(value)
