"""Merge patches: a guarded change for each set of fields in use, composed at its first use and kept."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import BigInteger, ColumnElement, Update, Uuid, cast, func, literal_column, null, select
from sqlalchemy.dialects.postgresql import ARRAY

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle
from casework.kernel.statements import Statement, given
from casework.work.composing import Reachable, guarded
from casework.work.unit import Answer, Guarded, Work


class Rule(NamedTuple):
    """The lifecycle and the action that a change is judged by."""

    lifecycle: Lifecycle
    action: Action


class Amending:
    """How one kind of record is amended. ``derived`` adds what follows from the fields that are stated."""

    def __init__(
        self,
        source: Reachable,
        shown: Statement,
        *,
        rule: Rule | None = None,
        where: ColumnElement[bool] | None = None,
        diagnosis: Statement | None = None,
        headline: Statement | None = None,
        derived: Callable[[frozenset[str]], Mapping[str, Any]] | None = None,
    ) -> None:
        self.source, self.shown = source, shown
        self._rule, self._where, self._diagnosis, self._derived = rule, where, diagnosis, derived
        self._headline = headline
        self._kept: dict[frozenset[str], Guarded] = {}

    def guarded(self, fields: frozenset[str]) -> Guarded:
        """The change of these fields; of none, a consultation under the same guards that alters nothing."""
        if fields not in self._kept:
            self._kept[fields] = self._compose(fields)
        return self._kept[fields]

    def _compose(self, fields: frozenset[str]) -> Guarded:
        stored = self.source.table.__table__.c
        changes: dict[str, Any] = {name: given(name, stored[name].type) for name in sorted(fields)}
        if self._derived is not None and fields:
            changes |= self._derived(fields)
        lifecycle, action = self._rule or (None, None)
        made = guarded(
            self.source,
            action=action,
            lifecycle=lifecycle,
            changes=changes,
            where=self._where,
            headline=self._headline,
        )
        if self._diagnosis is not None:
            made = replace(made, diagnosis=self._diagnosis)
        return made if fields else replace(made, change=self._consultation(made))

    def _consultation(self, made: Guarded) -> Statement:
        table, change = self.source.table, made.change.composed
        assert isinstance(change, Update)
        assert change.whereclause is not None
        logged = func.audit.consulted(
            cast(null(), BigInteger), self.source.kind, _array(table.id), _array(self.source.case_column)
        )
        return Statement(select(table.id, table.version, logged.label("logged")).where(change.whereclause))


def _array(element: Any) -> Any:
    return func.array_append(cast(literal_column("'{}'"), ARRAY(Uuid)), element)


async def amend(
    work: Work,
    amending: Amending,
    id_: UUID,
    facts: BaseModel,
    *,
    also: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
    **values: Any,
) -> Answer:
    """Carry out a merge patch and show the record. ``also``: further columns to set; ``without``: fields that are no columns;
    ``values``: what ``where`` needs.

    A patch that states nothing changes nothing, not even the version.
    """
    stated = {name: getattr(facts, name) for name in facts.model_fields_set if name not in without} | dict(also or {})
    await work.advance(amending.guarded(frozenset(stated)), **stated, **values, id=id_)
    return await work.show(amending.shown, id_)
