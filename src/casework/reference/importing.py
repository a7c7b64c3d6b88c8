"""The ONS's own lists brought into the tables: postcodes, and local authorities. All of a list, or nothing of it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from casework.kernel.columns import line
from casework.kernel.decoding import FileFault
from casework.kernel.patience import had
from casework.kernel.sheets import Column, Sheet, Uneven
from casework.kernel.statements import Connection
from casework.reference.localities import DATA, POSTCODES, Areas, read_postcodes
from casework.reference.models import Nation

SAMPLE = DATA / "nspl_nov2021_sample.csv"

_UNDER_WAY = "SELECT pg_try_advisory_xact_lock(hashtextextended('casework import reference', 0))"
_KNOWN = "SELECT code, force_code, replaced_by FROM casework.local_authority"
_FORCES = "SELECT code FROM casework.police_force WHERE has_area"


async def _begin(connection: Connection, operator: str) -> Areas:
    """Begin an event of the system, alone; tells which areas there are, for the tables rule and not what is packaged."""
    if not await had(connection, _UNDER_WAY):
        raise FileFault("Somebody else is importing a list. Wait until that has ended.")
    await connection.execute("SELECT access.begin_system('reference.manage', $1)", operator)
    authorities = await connection.fetch(_KNOWN)
    return Areas(
        {row["code"]: row["force_code"] for row in authorities if row["replaced_by"] is None},
        {row["code"]: row["replaced_by"] for row in authorities if row["replaced_by"] is not None},
        [row["code"] for row in await connection.fetch(_FORCES)],
    )


# --- postcodes ---

_STAGING = """
CREATE TEMPORARY TABLE arrived
    (file int, line int, postcode text NOT NULL, local_authority_code text, force_code text, terminated boolean NOT NULL) ON COMMIT DROP"""
_TWICE = """
SELECT a.file, a.line FROM pg_temp.arrived a JOIN (
    SELECT b.postcode, b.terminated FROM pg_temp.arrived b GROUP BY b.postcode, b.terminated
    HAVING count(DISTINCT (b.local_authority_code, b.force_code)) > 1) twice USING (postcode, terminated)
ORDER BY a.postcode, a.file DESC, a.line DESC LIMIT 1"""
_POSTCODES = """
INSERT INTO casework.postcode AS p (postcode, local_authority_code, force_code, terminated)
SELECT DISTINCT ON (a.postcode) a.postcode, a.local_authority_code, a.force_code, a.terminated
FROM pg_temp.arrived a ORDER BY a.postcode, a.terminated
ON CONFLICT (postcode) DO UPDATE SET local_authority_code = excluded.local_authority_code,
    force_code = excluded.force_code, terminated = excluded.terminated
WHERE (p.local_authority_code, p.force_code, p.terminated)
    IS DISTINCT FROM (excluded.local_authority_code, excluded.force_code, excluded.terminated)"""
_PSEUDO = re.compile(r"[A-Z]99999999")
"""What the ONS writes where there is no such area: Guernsey, Jersey, the Isle of Man."""


@dataclass
class Loaded:
    """What became of a postcode directory."""

    changed: int = 0
    """New, or other than they were."""
    left_out: int = 0
    """In the area of no force of ours, or of none that the file tells."""
    warnings: list[str] = field(default_factory=list)


class _Rehearsed(Exception):
    """Ends the transaction of a rehearsal."""


@contextmanager
def _rehearsing() -> Iterator[None]:
    with suppress(_Rehearsed):
        yield


async def load_postcodes(connection: Connection, *paths: Path, dry_run: bool = False) -> Loaded:
    """Load files in the layout of the ONS's NSPL (the packaged sample, if none): all of them or nothing.

    ``connection`` is casework_migrate's; with ``dry_run`` nothing is stored. A force is that of the postcode's own police
    force area, else of its authority;
    the authority is kept by its code of today. Raises ``FileFault``; a postcode of an authority that nobody knows is one.
    """
    with ExitStack() as kept:
        sheets = [kept.enter_context(Sheet(path, POSTCODES)) for path in paths or (SAMPLE,)]
        loaded = Loaded(warnings=[f"{sheet.name}: {each}" for sheet in sheets for each in sheet.warnings])
        with _rehearsing():
            async with connection.transaction():
                areas = await _begin(connection, "casework import postcodes")
                await connection.execute(_STAGING)
                for file, sheet in enumerate(sheets):
                    records = _located(file, sheet, areas, loaded)
                    await connection.copy_records_to_table("arrived", records=records, schema_name="pg_temp")
                if twice := await connection.fetchrow(_TWICE):
                    why = "pcds: The postcode stands before, with another authority or police force area"
                    raise sheets[twice["file"]].fault(twice["line"], why)
                done: str = await connection.execute(_POSTCODES)
                loaded.changed = int(done.rsplit(" ", 1)[-1])
                if dry_run:
                    raise _Rehearsed
    return loaded


def _located(file: int, sheet: Sheet, areas: Areas, loaded: Loaded) -> Iterator[tuple[Any, ...]]:
    for number, place in read_postcodes(sheet):
        authority = place.authority_code
        if authority is not None and not _PSEUDO.fullmatch(authority):
            authority = areas.today(authority)
            if authority is None:
                raise sheet.fault(
                    number,
                    "laua: There is no such local authority here. Bring in a list that has it first:"
                    " casework import local-authorities",
                )
        force = _force(sheet, number, areas, place.police_force_area_code, authority)
        if force is None:
            loaded.left_out += 1
        else:
            yield file, number, place.postcode, authority, force, place.terminated is not None


def _force(sheet: Sheet, number: int, areas: Areas, area: str | None, authority: str | None) -> str | None:
    """Whose area it is; raises ``FileFault`` where the row contradicts itself, or names an area that is none."""
    told = areas.force_for_police_force_area(area)
    if area is not None and told is None and not _PSEUDO.fullmatch(area):
        raise sheet.fault(number, "pfa: None of the police forces here has this area; see /v1/reference/forces")
    known = areas.force_for_authority(authority or "")
    if told is not None and known is not None and told != known:
        raise sheet.fault(number, "pfa: This is the area of another police force than that of the local authority")
    return told or known


# --- local authorities ---

AUTHORITIES = (
    Column("lad25cd", "(?:lad|ltla)(?P<year>[0-9]{2})cd"),
    Column("lad25nm", "(?:lad|ltla)(?P<year>[0-9]{2})nm"),
    Column("pfa25cd", "pfa(?P<year>[0-9]{2})cd"),
    Column("replaces", needed=False),
)
"""The ONS's look-up of districts to police force areas, of any year; ``replaces`` is ours."""
_NATIONS = {"E": Nation.ENGLAND, "W": Nation.WALES, "S": Nation.SCOTLAND, "N": Nation.NORTHERN_IRELAND}
_CODE = re.compile(r"[EWSN][0-9]{8}")
_NAME = line(200)

_MERGE = """
INSERT INTO casework.local_authority AS l (code, name, nation, force_code)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (code) DO UPDATE SET name = excluded.name, force_code = excluded.force_code
WHERE (l.name, l.force_code) IS DISTINCT FROM (excluded.name, excluded.force_code)
RETURNING l.xmax = 0 AS new"""
_REPLACE = """
INSERT INTO casework.local_authority AS l (code, name, nation, force_code, replaced_by)
SELECT f.code, t.name, t.nation, t.force_code, t.code
FROM unnest($1::text[], $2::text[]) AS f (code, today) JOIN casework.local_authority t ON t.code = f.today
ON CONFLICT (code) DO UPDATE SET replaced_by = excluded.replaced_by
WHERE l.replaced_by IS DISTINCT FROM excluded.replaced_by
RETURNING l.code, l.name"""
# Whatever was replaced by what is replaced now goes along, and a former authority has the force of the one of today.
_FOLLOW = """
UPDATE casework.local_authority f SET replaced_by = coalesce(t.replaced_by, t.code), force_code = n.force_code
FROM casework.local_authority t JOIN casework.local_authority n ON n.code = coalesce(t.replaced_by, t.code)
WHERE f.replaced_by = t.code AND (f.replaced_by, f.force_code) IS DISTINCT FROM (n.code, n.force_code)"""


class Renewed(NamedTuple):
    """What a list of local authorities changed."""

    new: int
    changed: int
    former: Sequence[str]
    """Codes that are former ones from now on, or of another authority than before, each with its name."""
    warnings: Sequence[str]


class _Authority(NamedTuple):
    code: str
    name: str
    force: str
    replaces: tuple[str, ...]


async def load_authorities(connection: Connection, path: Path, *, dry_run: bool = False) -> Renewed:
    """Load a list of local authorities: what it names is new or as it says, the rest stays. All of it or nothing.

    ``connection`` is casework_migrate's; with ``dry_run`` nothing is stored. Codes under ``replaces`` are former ones from now on: whatever states them is
    understood as the authority that replaces them. Raises ``FileFault``; a list that is older than what is known is one.
    """
    with Sheet(path, AUTHORITIES) as sheet:
        renewed = Renewed(0, 0, (), sheet.warnings)
        with _rehearsing():
            async with connection.transaction():
                areas = await _begin(connection, "casework import local-authorities")
                found = _read(sheet, areas)
                named = [(each.code, each.name, _NATIONS[each.code[0]], each.force) for each in found]
                merged = await connection.fetch(_MERGE, *_columns(named, 4))
                replaced = [(code, each.code) for each in found for code in each.replaces]
                former = await connection.fetch(_REPLACE, *_columns(replaced, 2))
                await connection.execute(_FOLLOW)
                new = sum(row["new"] for row in merged)
                ended = [f"{row['code']} ({row['name']})" for row in former]
                renewed = Renewed(new, len(merged) - new, ended, sheet.warnings)
                if dry_run:
                    raise _Rehearsed
        return renewed


def _columns(rows: Sequence[tuple[str, ...]], count: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(count)]


def _read(sheet: Sheet, areas: Areas) -> list[_Authority]:
    """The rows of the list, each once; raises ``FileFault`` for what contradicts itself or what is known."""
    found: dict[str, tuple[int, _Authority]] = {}
    owner: dict[str, str] = {}
    for number, row in sheet.rows():
        if isinstance(row, Uneven):
            raise sheet.fault(number, str(row))
        each = _authority(sheet, number, row, areas)
        if found.setdefault(each.code, (number, each))[1] != each:
            raise sheet.fault(number, f"lad25cd: {each.code} stands before, with other facts")
        for code in each.replaces:
            if owner.setdefault(code, each.code) != each.code:
                raise sheet.fault(
                    number, f"replaces: {code} is replaced by {owner[code]} already. Name one that goes on."
                )
    for number, each in found.values():
        if each.code in owner:
            raise sheet.fault(number, f"lad25cd: {each.code} stands for itself and under `replaces` as well")
        today = areas.today(each.code)
        if today not in (None, each.code):
            raise sheet.fault(
                number, f"lad25cd: {each.code} was replaced by {today}: this list is older than what is known"
            )
    return [each for _, each in found.values()]


def _authority(sheet: Sheet, number: int, row: dict[str, str], areas: Areas) -> _Authority:
    code = _code(sheet, number, "lad25cd", row["lad25cd"])
    try:
        name: str = _NAME.read(row["lad25nm"])
    except ValueError as fault:
        raise sheet.fault(number, f"lad25nm: {fault}") from None
    force = areas.force_for_police_force_area(row["pfa25cd"].strip().upper())
    if force is None:
        raise sheet.fault(number, "pfa25cd: None of the police forces here has this area; see /v1/reference/forces")
    replaces = re.split(r"[\s;]+", row.get("replaces", "").strip())
    codes = dict.fromkeys(_code(sheet, number, "replaces", each) for each in replaces if each)
    return _Authority(code, name, force, tuple(codes))


def _code(sheet: Sheet, number: int, column: str, text: str) -> str:
    code = text.strip().upper()
    if not _CODE.fullmatch(code) or _PSEUDO.fullmatch(code):
        raise sheet.fault(number, f"{column}: Give a code of the Office for National Statistics, such as E07000035")
    return code
