"""What every table shares: identifiers, moments and closed vocabularies as the database wants them."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Date,
    Text,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import AutoString

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


@event.listens_for(Column, "after_parent_attach")
def _text(column: Column[Any], _: object) -> None:
    """Strings are ``text``: their length is a rule of the field, told by its own problem, not of the column."""
    if isinstance(column.type, AutoString):
        column.type = Text()


NEW_ID = text("casework.new_id()")
NOW = text("date_trunc('milliseconds', casework.now())")
"""The clock of the field's rules (``docs/decisions/0018``), as columns keep it."""
REAL_NOW = text("date_trunc('milliseconds', now())")
"""The real time: of sessions, tokens, the log and jobs."""


class Moment3(TIMESTAMP):
    """``timestamptz(3)``: every moment has milliseconds, so that what leaves equals what is stored."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True, precision=3)


MOMENT = select(func.casework.now(type_=Moment3())).scalar_subquery()
"""What time it is by the clock of the field's rules. A query of its own, so that it is asked once a statement, not once a row."""
TODAY = select(func.casework.today(type_=Date())).scalar_subquery()
"""The day on the calendar at the site, in the same way."""


def identity() -> Any:
    """The primary key: a UUIDv7 made by the database unless the client chose one."""
    return Field(default=None, primary_key=True, sa_column_kwargs={"server_default": NEW_ID})


def moment(*, nullable: bool = True, now: bool = False, real_now: bool = False) -> Any:
    """A moment column; the database fills it, with ``now`` by the clock of the field's rules, with ``real_now`` by the real one."""
    kwargs: dict[str, Any] = {"server_default": NOW if now else REAL_NOW} if now or real_now else {}
    return Field(default=None, sa_type=Moment3, nullable=nullable and not kwargs, sa_column_kwargs=kwargs)


def version() -> Any:
    """The number that the ETag carries; each change adds one."""
    return Field(default=None, nullable=False, sa_column_kwargs={"server_default": text("1")})


def flag(default: bool = False) -> Any:
    """A boolean column filled by the database unless stated."""
    return Field(default=None, nullable=False, sa_column_kwargs={"server_default": text(str(default).lower())})


def computed(function: str, *, collation: str | None = None) -> Any:
    """A text column that the database computes from the name, by a function of ``access/sql/folding.sql``."""
    by = Computed(f"casework.{function}(name)", persisted=True)
    return Field(default=None, nullable=False, sa_column_args=(by,), sa_type=Text(collation=collation))


def name_key() -> Any:
    """What two spellings of one name have in common."""
    return computed("name_key")


def sort_key() -> Any:
    """Where a name stands in a list, and what a search looks into; by code point, as the function made it to be."""
    return computed("sort_key", collation="C")


def columns(table: Any) -> Any:
    """A table as Core sees it: its attributes are columns, whatever the types of its fields say."""
    return table


def vocabulary(column: str, words: type[StrEnum]) -> CheckConstraint:
    """The named CHECK which holds a text column to its enum."""
    allowed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


def numbered() -> CheckConstraint:
    """The named CHECK by which an extension, or a relay, has the telephone number it belongs to."""
    return CheckConstraint("phone IS NOT NULL OR phone_extension IS NULL AND NOT relay", name="phone")


def plain(default: str | None = None, *, nullable: bool = False) -> Any:
    """A text column for a closed vocabulary (SQLModel would store the enum's *name*)."""
    kwargs: dict[str, Any] = {"server_default": default} if default is not None else {}
    return Field(default=None, sa_type=Text, nullable=nullable, sa_column_kwargs=kwargs)
