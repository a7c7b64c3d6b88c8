"""Premises in bulk from a source's own file: validated, staged and merged, one transaction a batch. Safe to repeat.

Every place keeps what its source last told (``source_facts``). An import changes a fact only when the source tells
something new *and* the place still has what the source told before: what staff have changed since stands, and the
result names it. A place stays with its team, whatever the file says; merged ones are left alone.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from casework.access.actions import Action
from casework.kernel.columns import line, read_postcode
from casework.kernel.statements import Connection
from casework.premises.models import read_year_or_day
from casework.reference.localities import Localities
from casework.work.unit import uuid7

Row = Mapping[str, Any]


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


@dataclass
class Report:
    """What became of every row, in the order of the file. Of a dry run: what would have."""

    dry_run: bool
    results: list[Result] = field(default_factory=list)

    @property
    def counts(self) -> Counter[Outcome]:
        """How many rows had which outcome."""
        return Counter(result.outcome for result in self.results)

    def write(self, path: Path) -> None:
        """The report as CSV. Ids are those of places that are really there."""
        with path.open("w", encoding="utf-8", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(Result._fields)
            sheet.writerows(self.results)


class Arrived(NamedTuple):
    """One valid row, as the staging table takes it."""

    line: int
    id: UUID
    """Made here, should the place be new: a tenth of what it costs in the database."""
    source_ref: str
    name: str
    address: str | None
    town: str | None
    postcode: str | None
    local_authority_code: str | None
    latitude: Decimal | None
    longitude: Decimal | None
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


def _degrees(most: int) -> Callable[[str], Decimal]:
    def read(text: str) -> Decimal:
        try:
            degrees = Decimal(text)
        except InvalidOperation:
            degrees = Decimal("NaN")
        if not -most <= degrees <= most if degrees.is_finite() else True:
            raise ValueError(f"Give degrees from -{most} to {most}")
        return degrees.quantize(_POINT)

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

    def __init__(self) -> None:
        self.authority = lru_cache(maxsize=4096)(Localities().authority_for)

    def read(self, number: int, row: Row) -> Arrived:
        """The facts of a museum; raises ``_Refused``."""
        reference = _field(row, "museum_id", _reference)
        name = _field(row, "museum_name", _NAME)
        if reference is None or name is None:
            raise _Refused("museum_id and museum_name: both are needed")
        street = [_field(row, part, _ADDRESS) for part in ("address_line_1", "address_line_2")]
        # A year of closing that is not `na` (not applicable) means closed: advice was given there, so it is kept.
        closed = None if row["year_closed_low"] == "na" else _field(row, "year_closed_low", read_year_or_day)
        return Arrived(
            number,
            uuid7(),
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

_FOUND_FORCE = "coalesce(pc.force_code, pl.force_code, la.force_code)"
_LOCATED = f"""
pg_temp.arrived a
LEFT JOIN casework.postcode pc ON pc.postcode = a.postcode
LEFT JOIN casework.local_authority pl ON pl.code = pc.local_authority_code
LEFT JOIN casework.local_authority la ON la.code = a.local_authority_code
LEFT JOIN casework.police_force f ON f.code = {_FOUND_FORCE}"""

_TEAMS = f"""
INSERT INTO casework.team (name, force_code, intake)
SELECT DISTINCT 'CTSA team, ' || f.name, f.code, true FROM {_LOCATED}
WHERE f.code IS NOT NULL AND NOT EXISTS (SELECT FROM casework.team t WHERE t.force_code = f.code AND t.intake)
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
    SELECT n.*, jsonb_build_object({told}) AS facts, t.id AS team_id, p.id AS known_id, p.state = 'merged' AS merged,
           array_remove(ARRAY[{", ".join(kept)}], NULL) AS kept
    FROM (SELECT a.*, f.code AS force_code FROM {_LOCATED}) n
    LEFT JOIN casework.team t ON t.force_code = n.force_code AND t.intake
    LEFT JOIN casework.premises p ON p.source = $1 AND p.source_ref = n.source_ref
), made AS (
    INSERT INTO casework.premises (id, team_id, source, source_ref, source_facts, {", ".join(_FACTS)})
    SELECT s.id, s.team_id, $1, s.source_ref, s.facts, {", ".join(f"s.{name}" for name in _FACTS)}
    FROM settled s WHERE s.known_id IS NULL AND s.team_id IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING id, source_ref
), changed AS (
    UPDATE casework.premises p SET {", ".join(sets)}, source_facts = s.facts, version = p.version + 1
    FROM settled s WHERE p.id = s.known_id AND NOT s.merged AND p.source_facts IS DISTINCT FROM s.facts
    RETURNING p.id
)
SELECT s.line, s.source_ref, coalesce(m.id, s.known_id) AS premises_id, s.force_code, s.team_id, s.kept,
       m.id IS NOT NULL AS created, c.id IS NOT NULL AS updated
FROM settled s LEFT JOIN made m ON m.source_ref = s.source_ref LEFT JOIN changed c ON c.id = s.known_id
ORDER BY s.line"""  # noqa: S608 — constants of this file


_MERGE = _merge()


class _Undone(Exception):
    """Ends the transaction of a dry run."""


async def import_premises(
    url: str,
    rows: Path | Iterable[Row],
    *,
    source: str = "mapping-museums",
    dry_run: bool = False,
    make_teams: bool = False,
    operator: str = "command line",
    progress: Callable[[int], None] | None = None,
    batch: int = 1000,
) -> Report:
    """Import a file, or rows with its columns (counted from 1), as casework_migrate; ``operator`` goes into the log.

    A row that is not right is refused with its line and reason, and the rest goes in. A dry run tells the same and
    stores nothing. ``make_teams`` gives each force without an intake team one of its own. ``progress`` is told how many
    rows each batch had. Raises ValueError when the file lacks a column, or no such source is known.
    """
    if source not in SOURCES:
        raise ValueError(f"there is no source {source}; there are: {', '.join(SOURCES)}")
    profile = SOURCES[source]()
    numbered = _file(rows, profile.columns) if isinstance(rows, Path) else enumerate(rows, start=1)
    report = Report(dry_run)
    seen: set[str] = set()
    connection = await asyncpg.connect(url, server_settings={"search_path": "pg_catalog", "jit": "off"})
    try:
        await connection.execute(_STAGING)
        while chunk := [pair for _, pair in zip(range(batch), numbered, strict=False)]:
            valid: list[Arrived] = []
            results = [each for pair in chunk if (each := _validated(profile, pair, seen, valid)) is not None]
            results += await _store(connection, source, valid, operator, make_teams=make_teams, dry_run=dry_run)
            report.results += sorted(results, key=lambda each: each.line)
            if progress is not None:
                progress(len(chunk))
    finally:
        await connection.close()
    return report


def _validated(profile: MappingMuseums, pair: tuple[int, Row], seen: set[str], valid: list[Arrived]) -> Result | None:
    """Put a valid row among ``valid``; return why it is refused otherwise."""
    number, row = pair
    try:
        if None in row or any(column not in row for column in profile.columns):
            raise _Refused("The row has not as many cells as the heading")
        arrived = profile.read(number, row)
        if arrived.source_ref in seen:
            raise _Refused("The reference stands in the file before")
    except _Refused as refusal:
        return Result(number, None, Outcome.REFUSED, str(refusal), None)
    seen.add(arrived.source_ref)
    valid.append(arrived)
    return None


async def _store(
    connection: Connection, source: str, valid: Sequence[Arrived], operator: str, *, make_teams: bool, dry_run: bool
) -> list[Result]:
    """One batch in one transaction, which a dry run takes back."""
    results: list[Result] = []
    try:
        async with connection.transaction():
            await connection.execute("SELECT access.begin_system($1, $2)", Action.PREMISES_IMPORT.value, operator)
            await connection.copy_records_to_table(
                "arrived", records=valid, columns=Arrived._fields, schema_name="pg_temp"
            )
            if make_teams:
                await connection.execute(_TEAMS)
            results = [_result(row, dry_run) for row in await connection.fetch(_MERGE, source)]
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    return results


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
