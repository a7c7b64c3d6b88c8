"""What goes out: a view class declares the contract, and the JSON that PostgreSQL renders comes from the same class."""

from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, Text, cast, func, literal_column, select, type_coerce
from sqlalchemy.dialects.postgresql import JSON


class View(BaseModel):
    """A record as it goes out. Every field is required in the contract; an absent field means: withheld."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, json_schema_serialization_defaults_required=True)


class ForeignView(View):
    """An answer whose members another standard lays down; nothing of ours is added to it."""


class Page(View):
    """One page of a list; ``next_cursor`` fetches the next, and is null on the last."""


def _kinds(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    if not inner:
        return {annotation}
    return set().union(*(_kinds(part) for part in inner))


def moment(column: Any) -> ColumnElement[Any]:
    """A moment as it always leaves: ``2026-11-22T08:30:00.000Z``."""
    return func.to_char(
        func.timezone(literal_column("'UTC'"), column), literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'""")
    )


def render(view: type[BaseModel], source: Any, **given: Any) -> ColumnElement[Any]:
    """The JSON object of a view over a table, in the order of its fields.

    A field is the column of its name unless ``given`` says otherwise. Keys are literals, so that plans stay the same.
    """
    unknown = given.keys() - view.model_fields.keys()
    if unknown:
        raise ValueError(f"{view.__name__} has no {sorted(unknown)}")
    parts: list[Any] = []
    for name, field in view.model_fields.items():
        expression = given.get(name)
        if expression is None:
            expression = getattr(source, name)
            kinds = _kinds(field.annotation)
            if datetime in kinds:
                expression = moment(expression)
            elif Decimal in kinds:
                expression = cast(expression, Text)
        parts += [literal_column(f"'{name}'"), expression]
    return type_coerce(func.json_build_object(*parts), JSON)


def listed(rows: Select[Any]) -> ColumnElement[Any]:
    """The JSON array of a sub-select whose one column is a JSON object; empty, never null."""
    inner = rows.subquery()
    item = inner.c[0]
    return func.coalesce(select(func.json_agg(item)).select_from(inner).scalar_subquery(), literal_column("'[]'::json"))
