"""Premises in bulk from a source's own file: validated, staged and merged, one transaction a batch. Safe to repeat.

Every place keeps what its source last told (``source_facts``). An import changes a fact only when the source tells
something new *and* the place still has what the source told before: what staff have changed since stands, and the
result names it. A place stays with its team, whatever the file says; merged ones are left alone.
"""

import asyncio
import csv
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from casework.access.actions import Action
from casework.kernel.columns import line, read_postcode, read_year_or_day
from casework.kernel.statements import Connection
from casework.reference.localities import Localities

Row = Mapping[str, Any]


AT_ONCE = 3
"""How many batches are under way, each on a connection of its own: PostgreSQL works while the next rows are read and checked."""


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Result(NamedTuple):
    """One row of the file: its line, its reference, what became of it, and why."""

    line: int
    source_ref: str | None
    outcome: Outcome
    reason: str | None
    premises_id: UUID | None


Tell = Callable[[Sequence[Result]], object]
"""Is told what became of the rows of each batch, in the order of the file."""


@dataclass
class Report:
    """What became of every row, in the order of the file. Of a dry run: what would have."""

    dry_run: bool
    results: list[Result] = field(default_factory=list)
    """Empty when somebody else is told of them."""
    counts: Counter[Outcome] = field(default_factory=Counter)
    """How many rows had which outcome."""


@contextmanager
def written(path: Path) -> Iterator[Tell]:
    """Writes what it is told as CSV, batch by batch. Ids are those of places that are really there."""
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(Result._fields)
        yield sheet.writerows


class Arrived(NamedTuple):
    """One valid row, as the staging table takes it: text without control characters, and never empty."""

    source_ref: str
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    local_authority_code: str | None
    latitude: str | None
    longitude: str | None
    state: str
    closed_on: str | None
    sector: str | None
    schedule_1_use: str | None


class _Refused(Exception):
    """Why a row cannot be taken: the column and the rule, never the value."""


# --- reading a source ---

_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/-]{0,99}\Z")


def _line(most: int) -> Callable[[str], str]:
    """``line(most)``, with a short way for the plain ASCII that nearly every cell is: half of the time went there."""
    read = line(most).read

    def quickly(text: str) -> str:
        plain = text.strip(" ")
        if plain and len(plain) <= most and plain.isascii() and plain.isprintable():
            return plain
        exact: str = read(text)
        return exact

    return quickly


_NAME, _ADDRESS, _TOWN = _line(200), _line(300), _line(100)
_POINT = Decimal("0.000001")


def _field(row: Row, column: str, read: Callable[[str], Any]) -> Any:
    """The value of a cell, or None when it is empty."""
    cell = row[column]
    if not isinstance(cell, str):
        raise _Refused(f"{column}: the cell is missing")
    if not cell.strip():
        return None
    try:
        return read(cell)
    except ValueError as fault:
        raise _Refused(f"{column}: {fault}") from None


def _reference(text: str) -> str:
    if not _REFERENCE.match(text):
        raise ValueError("Use letters, digits and . _ : / - only, at most 100")
    return text


def _degrees(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            degrees = Decimal(text)
        except InvalidOperation:
            degrees = Decimal("NaN")
        if not -most <= degrees <= most if degrees.is_finite() else True:
            raise ValueError(f"Give degrees from -{most} to {most}")
        return str(degrees.quantize(_POINT) + 0)  # no negative zero

    return read


_LATITUDE, _LONGITUDE = _degrees(90), _degrees(180)


class MappingMuseums:
    """The museums of the Mapping Museums project (Birkbeck): ``src/casework/data/README.md``."""

    columns = (
        "museum_id",
        "museum_name",
        "address_line_1",
        "address_line_2",
        "city",
        "postcode",
        "latitude",
        "longitude",
        "admin_area_full",
        "year_closed_low",
    )

    needed = frozenset(columns)

    def __init__(self) -> None:
        self.authority = lru_cache(maxsize=4096)(Localities().authority_for)

    def read(self, row: Row) -> Arrived:
        """The facts of a museum; raises ``_Refused``."""
        reference = _field(row, "museum_id", _reference)
        name = _field(row, "museum_name", _NAME)
        if reference is None or name is None:
            raise _Refused("museum_id and museum_name: both are needed")
        street = [_field(row, part, _ADDRESS) for part in ("address_line_1", "address_line_2")]
        # A year of closing that is not `na` (not applicable) means closed: advice was given there, so it is kept.
        closed = None if row["year_closed_low"] == "na" else _field(row, "year_closed_low", read_year_or_day)
        return Arrived(
            reference,
            name,
            ", ".join(filter(None, street))[:300] or None,
            _field(row, "city", _TOWN),
            _field(row, "postcode", read_postcode),
            _field(row, "admin_area_full", self.authority),
            _field(row, "latitude", _LATITUDE),
            _field(row, "longitude", _LONGITUDE),
            "open" if closed is None else "closed",
            closed,
            "visitor_attractions",
            "libraries_museums_and_galleries",
        )


SOURCES: Mapping[str, Callable[[], MappingMuseums]] = {"mapping-museums": MappingMuseums}
"""The sources that can be imported, each with the reader of its rows."""


def _file(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
            raise ValueError(f"{path.name} lacks the column {', '.join(missing)}")
        for row in reader:
            yield reader.line_num, row


# --- storing ---

_STAGING = """
CREATE TEMPORARY TABLE arrived (
    line integer, id uuid, source_ref text, name text, address text, town text, postcode text, local_authority_code text,
    latitude numeric(9, 6), longitude numeric(9, 6), state text, closed_on text, sector text, schedule_1_use text)
ON COMMIT DELETE ROWS"""

_STAGED = ("line", "id", *Arrived._fields)

_FOUND_FORCE = "coalesce(pc.force_code, pl.force_code, la.force_code)"
# OFFSET 0: looked up for each row by index, however small the planner believes the table to be. A plan that read all of it
# for every batch was made when the table was empty, and took half of an import's time.
_LOCATED = f"""
pg_temp.arrived a
LEFT JOIN LATERAL (SELECT * FROM casework.postcode c WHERE c.postcode = a.postcode OFFSET 0) pc ON true
LEFT JOIN casework.local_authority pl ON pl.code = pc.local_authority_code
LEFT JOIN casework.local_authority la ON la.code = a.local_authority_code
LEFT JOIN casework.police_force f ON f.code = {_FOUND_FORCE}"""  # noqa: S608 — constants of this file

_TEAMS = f"""
INSERT INTO casework.team (name, force_code, intake)
SELECT DISTINCT 'CTSA team, ' || f.name, f.code, true FROM {_LOCATED}
WHERE f.code IS NOT NULL AND NOT EXISTS (SELECT FROM casework.team t WHERE t.force_code = f.code AND t.intake)
ORDER BY f.code  -- two batches at once that make the same teams wait for each other in one order
ON CONFLICT DO NOTHING"""  # noqa: S608 — constants of this file

# Facts that are one statement together are kept or taken together.
_GROUPS = (
    ("name",),
    ("address", "town", "postcode"),
    ("local_authority_code",),
    ("force_code",),
    ("latitude", "longitude"),
    ("state", "closed_on"),
    ("sector",),
    ("schedule_1_use",),
)
_FACTS = tuple(name for group in _GROUPS for name in group)


def _untouched(group: Sequence[str]) -> str:
    """Whether a place still has what its source told last."""
    return " AND ".join(f"p.{name}::text IS NOT DISTINCT FROM p.source_facts ->> '{name}'" for name in group)


def _merge() -> str:
    """One statement that inserts what is new, updates what its source tells anew, and says what became of each row."""
    sets, kept = [], []
    for group in _GROUPS:
        sets += [f"{name} = CASE WHEN {_untouched(group)} THEN s.{name} ELSE p.{name} END" for name in group]
        news = " OR ".join(f"p.source_facts ->> '{name}' IS DISTINCT FROM n.{name}::text" for name in group)
        kept.append(f"CASE WHEN NOT ({_untouched(group)}) AND ({news}) THEN '{group[0]}' END")
    told = ", ".join(f"'{name}', n.{name}::text" for name in _FACTS)
    return f"""
WITH settled AS MATERIALIZED (
    SELECT n.*, t.id AS team_id, p.id AS known_id, p.news AND p.state <> 'merged' AS news,
           CASE WHEN p.news THEN array_remove(ARRAY[{", ".join(kept)}], NULL) END AS kept
    FROM (SELECT n.*, jsonb_build_object({told}) AS facts
          FROM (SELECT a.*, f.code AS force_code FROM {_LOCATED}) n OFFSET 0) n
    LEFT JOIN casework.team t ON t.force_code = n.force_code AND t.intake
    LEFT JOIN LATERAL (SELECT k.*, k.source_facts IS DISTINCT FROM n.facts AS news FROM casework.premises k
                       WHERE k.source = $1 AND k.source_ref = n.source_ref OFFSET 0) p ON true
), made AS (
    INSERT INTO casework.premises (id, team_id, source, source_ref, source_facts, {", ".join(_FACTS)})
    SELECT s.id, s.team_id, $1, s.source_ref, s.facts, {", ".join(f"s.{name}" for name in _FACTS)}
    FROM settled s WHERE s.known_id IS NULL AND s.team_id IS NOT NULL
    ON CONFLICT (source, source_ref) WHERE source IS NOT NULL DO NOTHING
    RETURNING id
), changed AS (
    UPDATE casework.premises p SET {", ".join(sets)}, source_facts = s.facts, version = p.version + 1
    FROM settled s WHERE p.id = s.known_id AND s.news AND p.source_facts IS DISTINCT FROM s.facts
    RETURNING p.id
)
SELECT s.line, s.source_ref, coalesce(m.id, s.known_id) AS premises_id, s.force_code, s.team_id, s.kept,
       m.id IS NOT NULL AS created, c.id IS NOT NULL AS updated
FROM settled s LEFT JOIN made m ON m.id = s.id LEFT JOIN changed c ON c.id = s.known_id
ORDER BY s.line"""  # noqa: S608 — constants of this file


_MERGE = _merge()


async def import_premises(
    url: str,
    rows: Path | Iterable[Row],
    *,
    source: str = "mapping-museums",
    dry_run: bool = False,
    make_teams: bool = False,
    operator: str = "command line",
    progress: Callable[[int], None] | None = None,
    tell: Tell | None = None,
    batch: int = 1000,
) -> Report:
    """Import a file, or rows with its columns (counted from 1), as casework_migrate; ``operator`` goes into the log.

    A row that is not right is refused with its line and reason, and the rest goes in. A dry run tells the same and
    stores nothing. ``make_teams`` gives each force without an intake team one of its own. ``progress`` is told how many
    rows each batch had, and ``tell`` what became of them: then the report counts them only, and does not grow with the
    file. Raises ValueError when the file lacks a column, or no such source is known.
    """
    if source not in SOURCES:
        raise ValueError(f"there is no source {source}; there are: {', '.join(SOURCES)}")
    profile = SOURCES[source]()
    numbered = _file(rows, profile.columns) if isinstance(rows, Path) else enumerate(rows, start=1)
    report = Report(dry_run)
    store = _Store(source, operator, make_teams, dry_run)
    settings = {"search_path": "pg_catalog", "jit": "off", "enable_seqscan": "off"}
    under_way: deque[asyncio.Task[list[Result]]] = deque()
    async with asyncpg.create_pool(
        url, min_size=1, max_size=AT_ONCE, init=_prepare, reset=_keep, server_settings=settings
    ) as pool:

        async def settle() -> None:
            results = await under_way.popleft()
            report.counts.update(Counter([each.outcome for each in results]))
            (report.results.extend if tell is None else tell)(results)
            if progress is not None:
                progress(len(results))

        try:
            for each in _batches(profile, numbered, batch):  # read and checked while PostgreSQL works on those before
                under_way.append(asyncio.create_task(store.take(pool, each)))
                if len(under_way) == AT_ONCE:
                    await settle()
            while under_way:
                await settle()
        finally:
            await asyncio.gather(*under_way, return_exceptions=True)
    return report


class _Batch(NamedTuple):
    """Some rows of the file: the valid ones as COPY wants them, and the others."""

    valid: bytes
    refused: list[Result]


def _batches(profile: MappingMuseums, numbered: Iterable[tuple[int, Row]], size: int) -> Iterator[_Batch]:
    seen: set[str] = set()
    rows = iter(numbered)
    while chunk := list(islice(rows, size)):
        valid: list[str] = []
        refused: list[Result] = []
        for (number, row), id_ in zip(chunk, _ids(len(chunk)), strict=True):
            try:
                arrived = _validated(profile, row, seen)
            except _Refused as refusal:
                refused.append(Result(number, None, Outcome.REFUSED, str(refusal), None))
            else:
                valid.append("\t".join([str(number), id_, *[cell or "" for cell in arrived]]))
        yield _Batch("".join([f"{line}\n" for line in valid]).replace("\\", "\\\\").encode(), refused)


def _ids(count: int) -> list[str]:
    """UUIDv7s, for places that turn out to be new. They ascend (RFC 9562, 6.2: a counter), so that the indexes grow at their end."""
    now, noise = time.time_ns() // 1_000_000, secrets.token_hex(8 * count)
    return [f"{now:012x}7{n & 0xFFF:03x}8{noise[16 * n + 1 : 16 * n + 16]}" for n in range(count)]


def _validated(profile: MappingMuseums, row: Row, seen: set[str]) -> Arrived:
    if None in row or not row.keys() >= profile.needed:
        raise _Refused("The row has not as many cells as the heading")
    arrived = profile.read(row)
    if arrived.source_ref in seen:
        raise _Refused("The reference stands in the file before")
    seen.add(arrived.source_ref)
    return arrived


async def _prepare(connection: Connection) -> None:
    await connection.execute(_STAGING)


async def _keep(_: Connection) -> None:
    """Between batches nothing is reset: a connection keeps its staging table."""


class _Store(NamedTuple):
    """Takes batches, one transaction each, which a dry run takes back."""

    source: str
    operator: str
    make_teams: bool
    dry_run: bool

    async def take(self, pool: asyncpg.Pool, batch: _Batch) -> list[Result]:
        """What became of the rows of a batch, in the order of the file."""
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(
                    "SELECT access.begin_system($1, $2)", Action.PREMISES_IMPORT.value, self.operator
                )
                await connection.copy_to_table(
                    "arrived", source=BytesIO(batch.valid), columns=_STAGED, schema_name="pg_temp", null=""
                )
                if self.make_teams:
                    await connection.execute(_TEAMS)
                rows = await connection.fetch(_MERGE, self.source)
            except BaseException:
                await transaction.rollback()
                raise
            await (transaction.rollback() if self.dry_run else transaction.commit())
        results = [_result(row, self.dry_run) for row in rows]
        return sorted([*batch.refused, *results], key=attrgetter("line")) if batch.refused else results


def _result(row: asyncpg.Record, dry_run: bool) -> Result:
    known = row["premises_id"] is not None
    id_ = None if row["created"] and dry_run else row["premises_id"]
    reason = None
    if row["created"]:
        outcome = Outcome.CREATED
    elif row["updated"]:
        outcome = Outcome.UPDATED
        if row["kept"]:
            reason = f"Kept, because staff have changed it: {', '.join(row['kept'])}"
    elif known:
        outcome = Outcome.UNCHANGED
    elif row["force_code"] is None:
        outcome, reason = Outcome.REFUSED, "Neither its postcode nor its local authority tells its police force"
    else:
        outcome, reason = Outcome.REFUSED, f"The police force {row['force_code']} has no intake team"
    return Result(row["line"], row["source_ref"], outcome, reason, id_)
