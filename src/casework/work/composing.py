"""How statements are put together: the caller is resolved, the reach is applied and the log is told, all in one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Text,
    Uuid,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import TypeEngine

from casework.kernel.lifecycle import Lifecycle
from casework.kernel.problems import Problem
from casework.kernel.statements import Statement, given, one_of, page_size
from casework.work.unit import Creation, Guarded

UUIDS = ARRAY(Uuid)
BEGIN = (
    "access.begin(:hash, :action, :purpose, :request, :acting, :asked, :confirming) AS ctx"
    " CROSS JOIN set_config('synchronous_commit', 'off', true) AS unflushed"
)
BEGINNING = {
    "hash": LargeBinary(),
    "action": Text(),
    "purpose": Text(),
    "request": Uuid(),
    "acting": Uuid(),
    "asked": Uuid(),
    "confirming": LargeBinary(),
}
"""For a read that is written by hand: the row of the caller (and ``UNFLUSHED``), and the types of its parameters."""


_CALLER: dict[str, Any] = {
    "decision": Text(), "kind": Text(), "principal": Uuid(), "roles": ARRAY(Text), "teams": UUIDS, "cases": UUIDS,
    "enquiry": Uuid(), "event": BigInteger(), "answering": UUIDS,
}  # fmt: skip
CTX: Any = SimpleNamespace(**{name: literal_column(f"ctx.{name}", kind) for name, kind in _CALLER.items()})
"""The caller's row, named from any depth of a statement. Plain names, because SQLAlchemy would otherwise add a second
``access.begin`` to each inner select that mentions one: the caller would be resolved, and logged, twice."""
SETTLED = case(
    (
        and_(
            CTX.decision == literal_column("'allow'"),
            CTX.kind != literal_column("'public'"),
            func.access.current_principal().is_(None),
        ),
        literal_column("'unauthenticated'"),
    ),
    else_=CTX.decision,
).label("decision")
"""The decision, as far as the whole statement stands by it. A session that another request opened (the first sight of a
provider's token) while this statement began is seen by ``begin``, and not by what judges the rows: then it is asked again."""
UNFLUSHED = func.set_config("synchronous_commit", "off", True).label("unflushed")
"""A read does not wait by itself until its log is on disk: the doorway waits once for many (``kernel/database.Flush``)."""


def begin() -> Any:
    """``access.begin(…) AS ctx``, the row every read starts from; it stands in a statement once."""
    return (
        func.access.begin(*(given(name, kind) for name, kind in BEGINNING.items()))
        .table_valued(*(column(name, kind) for name, kind in _CALLER.items()))
        .render_derived(name="ctx")
    )


@dataclass(frozen=True)
class Reachable:
    """A table as the first lock sees it: the column that names its team, and the one that names its case."""

    table: Any
    kind: str
    case: str | None = None
    team: str = "team_id"
    open: bool = False
    """Whether every holder of the action reaches every row, so that row security alone decides."""
    about: str | None = None
    """The column that names the case for the log alone, where the reach does not go by it."""
    held: bool = False
    """Whether a child holds the row until its transaction ends, so that none slips in beside a closing or a moving. The policy
    that lets the row be changed must name every action that makes a child."""
    visit: str | None = None
    """The column that names the visit, where its own adviser reaches it by some actions (``access.goes``)."""
    place: str | None = None
    """The column that names the place, where a share of its case opens it to be read (``access.lent_places``)."""

    @property
    def case_column(self) -> Any:
        """The case of a row, for the log; NULL where rows belong to a team only."""
        named = self.case or self.about
        return getattr(self.table, named) if named else cast(null(), Uuid)

    def within(self, teams: Any, cases: Any, answering: Any) -> ColumnElement[bool]:
        """The reach of a read as a WHERE: the same shape as the policy of ``access/rls.py``."""
        within = self.shape(teams, answering, lambda of_case: of_case == any_(cases))
        return or_(within, self.lent()) if self.place else within

    def lent(self) -> ColumnElement[bool]:
        """The rows of places that a share opens to the caller."""
        places = cast(select(func.access.lent_places()).scalar_subquery(), UUIDS)
        return getattr(self.table, self.place or "") == any_(places)  # type: ignore[no-any-return]

    def reached(self) -> ColumnElement[bool]:
        """The reach of the running unit of work: its ``teams`` and ``answering`` are bound parameters, a case is asked about."""
        reached = self.shape(given("teams", UUIDS), given("answering", UUIDS), func.access.reaches)
        return or_(reached, func.access.goes(getattr(self.table, self.visit))) if self.visit else reached

    def shape(self, teams: Any, answering: Any, reaches: Callable[[Any], Any]) -> ColumnElement[bool]:
        """What both have in common; ``reaches`` judges by the column that names the case."""
        if self.open:
            return true()
        team = getattr(self.table, self.team)
        if self.case is None:
            return team == any_(teams)  # type: ignore[no-any-return]
        restricted = self.table.restricted
        return or_(
            and_(team == any_(teams), ~restricted),
            and_(restricted, team == any_(answering)),
            reaches(getattr(self.table, self.case)),
        )


def read_one(
    source: Reachable,
    body: Any,
    *,
    where: ColumnElement[bool] | None = None,
    reach: Callable[[Any], ColumnElement[bool]] | None = None,
    version: Any = None,
    joined: Callable[[Select[Any]], Select[Any]] | None = None,
) -> Statement:
    """One record by ``id``: caller, reach, row security, log entry and JSON in a single statement and round trip.

    Columns: decision, body, version. ``OFFSET 0`` keeps the planner from looking at a row before the caller is known.
    """
    table = source.table
    reached = reach(CTX) if reach else source.within(CTX.teams, CTX.cases, CTX.answering)
    inner = select(
        body.label("body"),
        (table.version if version is None else version).label("version"),
        table.id.label("id"),
        source.case_column.label("case_id"),
    ).where(where if where is not None else table.id == given("id", Uuid()), CTX.decision == "allow", reached)
    if joined:
        inner = joined(inner)
    row = inner.offset(literal_column("0")).lateral("r")
    return Statement(
        select(
            SETTLED,
            CTX.event.label("event"),
            row.c.body,
            row.c.version,
            func.audit.consulted(CTX.event, source.kind, _array(row.c.id), _array(row.c.case_id)).label("logged"),
            UNFLUSHED,
        ).select_from(begin().outerjoin(row, true()))
    )


def _array(element: Any) -> Any:
    return func.array_append(cast(literal_column("'{}'"), UUIDS), element)


@dataclass(frozen=True)
class Sort:
    """A way to order a list: a column that is never null, and its type for the cursor."""

    column: Any
    type: Any


@dataclass(frozen=True)
class Outline:
    """What is told of cases whose rows the caller does not see, from a view that has no more columns than that.

    They come after all others, in the order of their ids: neither a filter nor a sort nor a cursor reaches what the view lacks.
    """

    view: Any
    body: Any
    filters: Mapping[str, Callable[[], ColumnElement[bool]]]
    """By the view's own columns. Under any other filter nothing is told in outline."""
    full: Any
    """The teams whose rows the caller sees themselves."""

    def keys(self, filters: Sequence[str], last: str, type_: Any, *, after: bool) -> Select[Any] | None:
        """The ids of a page, with one key for all of them; none where a filter is not of the view."""
        if not self.filters.keys() >= set(filters):
            return None
        columns, descending = self.view.c, last.startswith("-")
        teams = func.unnest(CTX.teams).table_valued(column("team_id", Uuid)).render_derived(name="o")
        wanted = [columns.team_id == teams.c.team_id, *(self.filters[name]() for name in filters)]
        if after:
            # After a row that is seen itself, all of them are still to come.
            edge = literal_column(f"'{_HIGHEST if descending else _LOWEST}'::uuid", Uuid())
            begun = given("after_key", Text()) == literal_column(f"'{last}'")
            mark = case((begun, given("after_id", Uuid())), else_=edge)
            wanted.append(columns.id < mark if descending else columns.id > mark)
        of_team = (
            select(columns.id, cast(literal_column(f"'{last}'"), type_).label("key"))
            .where(CTX.decision == "allow", *wanted)
            .order_by(columns.id.desc() if descending else columns.id)
            .limit(page_size())
            .lateral("p")
        )
        full = cast(select(self.full).scalar_subquery(), UUIDS)
        return (
            select(of_team.c.id, of_team.c.key)
            .select_from(teams.join(of_team, true()))
            .where(teams.c.team_id != all_(full))
        )


@dataclass(frozen=True)
class Beyond:
    """A filter by what some callers do not see: an empty list would read as "none", so they are refused."""

    where: Callable[[], ColumnElement[bool]]
    """Whether it is beyond this caller, under the values given."""
    refusal: Callable[[], Problem]


_LOWEST, _HIGHEST = (digit * 8 + "-" + (digit * 4 + "-") * 3 + digit * 12 for digit in "0f")


class Listing:
    """A list: filtered, keyset-paged, merged from one branch a team, logged with the ids it hands out.

    A statement is composed for each set of filters in use, so that a filter that is not given costs no plan its index.
    """

    def __init__(
        self,
        source: Reachable,
        body: Any,
        *,
        filters: Mapping[str, Callable[[], ColumnElement[bool]]],
        sorts: Mapping[str, Sort],
        where: ColumnElement[bool] | None = None,
        outside: bool = False,
        outline: Outline | None = None,
        beyond: Mapping[str, Beyond] | None = None,
    ) -> None:
        self.source, self.body, self.filters, self.sorts = source, body, filters, sorts
        self.outline, self.beyond = outline, beyond or {}
        self.where = where if where is not None else true()
        self.outside = outside
        self._statements: dict[tuple[Any, ...], Statement] = {}

    def statement(self, filters: frozenset[str], sort: str, after: bool) -> Statement:
        """The statement for these filters. ``sort`` is a name of ``sorts``, with ``-`` before it for descending."""
        key = (filters, sort, after)
        if key not in self._statements:
            self._statements[key] = self._compose(sorted(filters), sort, after)
        return self._statements[key]

    def _compose(self, filters: Sequence[str], sort: str, after: bool) -> Statement:
        table = self.source.table
        descending = sort.startswith("-")
        by = self.sorts[sort.removeprefix("-")]

        def ordered(key: Any, id_: Any) -> list[Any]:
            return [key.desc(), id_.desc()] if descending else [key, id_]

        wanted = [CTX.decision == "allow", self.where, *(self.filters[name]() for name in filters)]
        if after:
            mark = tuple_(cast(given("after_key", Text()), by.type), given("after_id", Uuid()))
            here = tuple_(by.column, table.id)
            wanted.append(here < mark if descending else here > mark)

        def branch(*reach: Any) -> Select[Any]:
            return (
                select(table.id.label("id"), by.column.label("key"))
                .where(*wanted, *reach)
                .order_by(*ordered(by.column, table.id))
                .limit(page_size())
            )

        found = self._branches(branch)
        if self.outline is not None:
            more = self.outline.keys(filters, "-infinity" if descending else "infinity", by.type, after=after)
            if more is not None:
                found = union_all(select(found.c.id, found.c.key), more).lateral("f")
        keys = (
            select(found.c.id, found.c.key).order_by(*ordered(found.c.key, found.c.id)).limit(page_size()).subquery("k")
        )
        body, of_case, rows = self.body, self.source.case_column, keys.join(table, table.id == keys.c.id)
        if self.outline is not None:
            view = self.outline.view
            body = case((table.id.is_not(None), body), else_=self.outline.body)
            of_case = func.coalesce(of_case, view.c.id)
            rows = keys.outerjoin(table, table.id == keys.c.id).outerjoin(
                view, and_(view.c.id == keys.c.id, table.id.is_(None))
            )
        numbered = (
            select(
                body.label("body"),
                keys.c.id.label("id"),
                of_case.label("case_id"),
                cast(keys.c.key, Text).label("key"),
                func.row_number().over(order_by=ordered(keys.c.key, keys.c.id)).label("place"),
            )
            .select_from(rows)
            .subquery("n")
        )
        kept = numbered.c.place < page_size()
        gathered = select(
            func.json_agg(_by_place(numbered.c.body, numbered.c.place)).filter(kept).label("items"),
            func.array_agg(_by_place(numbered.c.id, numbered.c.place)).filter(kept).label("ids"),
            func.array_agg(_by_place(numbered.c.case_id, numbered.c.place)).filter(kept).label("cases"),
            func.array_agg(_by_place(numbered.c.key, numbered.c.place)).filter(kept).label("keys"),
            func.count().label("found"),
        ).lateral("r")
        return Statement(
            select(
                SETTLED,
                CTX.event.label("event"),
                cast(gathered.c["items"], Text).label("body"),
                func.array_length(gathered.c.ids, 1).label("length"),
                (gathered.c.found == page_size()).label("more"),
                self._refused(filters),
                gathered.c["keys"][func.array_length(gathered.c["keys"], 1)].label("last_key"),
                gathered.c.ids[func.array_length(gathered.c.ids, 1)].label("last_id"),
                func.audit.consulted(CTX.event, self.source.kind, gathered.c.ids, gathered.c.cases).label("logged"),
                UNFLUSHED,
            ).select_from(begin().outerjoin(gathered, true()))
        )

    def _refused(self, filters: Sequence[str]) -> Any:
        """The filter that is beyond the caller, if one is."""
        found: list[Any] = [
            (func.coalesce(self.beyond[name].where(), false()), literal_column(f"'{name}'"))
            for name in filters
            if name in self.beyond
        ]
        return (case(*found) if found else cast(null(), Text)).label("refused")

    def _branches(self, branch: Callable[..., Select[Any]]) -> Any:
        source = self.source
        if source.open or self.outside:
            reach = [] if source.open else [source.case_column == any_(CTX.cases)]
            return branch(*reach).lateral("found")
        teams = func.unnest(CTX.teams).table_valued(column("team_id", Uuid)).render_derived(name="t")
        of_team = getattr(source.table, source.team) == teams.c.team_id
        # In the order of its index, restricted ones skipped or not: they are few.
        mine = (
            branch(of_team)
            if source.case is None
            else branch(of_team, or_(~source.table.restricted, teams.c.team_id == any_(CTX.answering)))
        )
        per_team = mine.lateral("b")
        found = select(per_team.c.id, per_team.c.key).select_from(teams.join(per_team, true()))
        if source.place:
            lent = branch(source.lent()).subquery("l")
            return union(found, select(lent.c.id, lent.c.key)).lateral("found")
        if source.case is None:
            return found.lateral("found")
        by_case = branch(source.case_column == any_(CTX.cases)).subquery("c")
        return union(found, select(by_case.c.id, by_case.c.key)).lateral("found")


def _by_place(value: Any, place: Any) -> Any:
    return aggregate_order_by(value, place)


def guarded(
    source: Reachable,
    *,
    action: str | None = None,
    lifecycle: Lifecycle | None = None,
    changes: Mapping[str, Any],
    guards: Sequence[ColumnElement[bool]] = (),
    returning: Sequence[Any] = (),
    headline: Statement | None = None,
    matched: bool = True,
    where: ColumnElement[bool] | None = None,
    reach: ColumnElement[bool] | None = None,
) -> Guarded:
    """A change of one record by ``id`` with all its guards: reach, version (``versions``), and the states of its lifecycle.

    Returns ``id``, ``version`` and ``returning``. The target state of the lifecycle's move is set unless ``changes`` does.
    """
    table = source.table
    values = dict(changes)
    states: Sequence[str] | None = None
    by = where if where is not None else table.id == given("id", Uuid())
    reached = source.reached() if reach is None else reach
    conditions: list[Any] = [by, reached, *guards]
    if lifecycle is not None and action is not None:
        states = lifecycle.sources(action)
        conditions.append(one_of(table.state, states))
        target = lifecycle.target(action)
        if target is not None:
            values.setdefault("state", target)
    if matched:
        conditions.append(table.version == any_(given("versions", ARRAY(Integer))))
    values.setdefault("version", table.version + 1)
    change = update(table).where(*conditions).values(values).returning(table.id, table.version, *returning)
    state = table.state if hasattr(table, "state") else cast(null(), Text).label("state")
    diagnosis = select(table.version, state, func.coalesce(reached, false()).label("within")).where(by)
    return Guarded(Statement(change), Statement(diagnosis), states, headline)


def show_one(source: Reachable, body: Any) -> Statement:
    """A record as it stands within the transaction that has just changed it: body and version by ``id``."""
    table = source.table
    version = table.version if hasattr(table, "version") else cast(null(), Integer)
    return Statement(
        select(cast(body, Text).label("body"), version.label("version")).where(table.id == given("id", Uuid()))
    )


def create(source: Reachable, shown: Statement, columns: Mapping[str, Any]) -> Creation:
    """A new record of its own. ``columns`` are types of parameters, or expressions."""
    values = _parameters({"id": Uuid(), **columns})
    made = upsert(source.table).values(values).on_conflict_do_nothing().returning(source.table.id)
    return Creation(Statement(made), shown)


def create_under(
    parent: Reachable,
    parent_id: str,
    source: Reachable,
    shown: Statement,
    columns: Mapping[str, Any],
    *,
    carries: Mapping[str, Any] | None = None,
    states: Sequence[str] | None = None,
    headline: Statement | None = None,
    repeated: Sequence[str] | None = None,
) -> Creation:
    """A new child of a record that the caller must reach. What it carries (team, restriction) comes from the parent's row.

    ``parent_id`` is both the parameter and the child's column. ``states``: those in which the parent takes children.
    ``repeated``: the columns by which a repeat is told, where another conflict is a refusal of its own; else any conflict.
    """
    above = parent.table
    carried = dict(carries) if carries is not None else {"team_id": above.team_id, "restricted": above.restricted}
    values = {parent_id: above.id, **carried, **_parameters({"id": Uuid(), **columns})}
    conditions = [above.id == given(parent_id, Uuid()), parent.reached()]
    if states is not None:
        conditions.append(one_of(above.state, states))
    found = select(*(value.label(name) for name, value in values.items())).where(*conditions)
    if parent.held:
        found = found.with_for_update(key_share=True, of=above)
    made = (
        upsert(source.table)
        .from_select(list(values), found)
        .on_conflict_do_nothing(index_elements=repeated)
        .returning(source.table.id)
    )
    state = above.state if hasattr(above, "state") else cast(null(), Text).label("state")
    within = func.coalesce(parent.reached(), false()).label("within")
    diagnosis = select(above.version, state, within).where(above.id == given("id", Uuid()))
    why = Guarded(Statement(made), Statement(diagnosis), states, headline)
    return Creation(Statement(made), shown, why, parent_id)


def _parameters(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given(name, kind) if isinstance(kind, TypeEngine) else kind for name, kind in columns.items()}


def parameter(name: str, type_: Any) -> Any:
    """A parameter that may be left out, and is NULL then."""
    return bindparam(name, None, type_=type_)
