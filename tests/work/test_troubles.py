"""What each SQLSTATE becomes."""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import SQLModel

from casework import migrations  # noqa: F401 — every table
from casework.work.troubles import constrained, translate

STATES = {
    "23505": (409, "already-exists"), "23P01": (409, "already-exists"),
    "23503": (422, "validation-failed"), "23514": (422, "validation-failed"), "23502": (422, "validation-failed"),
    "22021": (422, "validation-failed"), "22P05": (422, "validation-failed"), "22001": (422, "validation-failed"),
    "42501": (404, "not-found"),
    "40001": (409, "try-again"), "40P01": (409, "try-again"), "55P03": (409, "try-again"),
    "57014": (503, "unavailable"), "53300": (503, "unavailable"), "08006": (503, "unavailable"),
    "08001": (503, "unavailable"), "57P01": (503, "unavailable"), "57P02": (503, "unavailable"),
    "57P03": (503, "unavailable"), "25006": (503, "unavailable"), "53100": (507, "storage-full"),
    "53200": (503, "unavailable"), "CW001": (503, "unavailable"), "CW002": (409, "conflict"),
    "XX000": (500, "internal-error"), "42P01": (500, "internal-error"),
}  # fmt: skip


def error(state: str, **fields: Any) -> asyncpg.PostgresError:
    made = asyncpg.PostgresError("key (email)=(jo@example.org) already exists")
    made.sqlstate = state
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_problem(state: str) -> None:
    problem = translate(error(state))
    assert (problem.status, problem.slug) == STATES[state]
    if problem.status == 503 or problem.slug == "try-again":
        assert int(problem.headers["Retry-After"]) >= 1
    if state != "CW002":  # the database's own words for people, by design
        assert "jo@example.org" not in str(problem.document())


def test_a_log_that_cannot_be_written_is_no_fault_of_the_callers() -> None:
    for state in ("23505", "23514", "42501", "22001"):
        assert translate(error(state, schema_name="audit")).status == 503


def test_every_constraint_has_a_field_to_point_to() -> None:
    for table in SQLModel.metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint | CheckConstraint):
                name = str(constraint.name)
                assert constrained()[name] in table.columns, name
                told = translate(error("23503", constraint_name=name)).extensions.get("errors", [{"pointer": "/"}])
                assert told, name
                assert all(each["pointer"].startswith("/") for each in told), name
