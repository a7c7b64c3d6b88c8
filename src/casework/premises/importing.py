"""Premises in bulk from a source's own file: validated, staged and merged, one transaction a batch. Safe to repeat.

Every place keeps what its source last told (``source_facts``): what staff have changed since stands, and the result
names it. A place stays with its team, whatever the file says; merged ones are left alone. A run that broke off goes on
where it was: each batch writes down, in its own transaction, that it is stored (``work.import_batch``).
"""

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from io import BytesIO
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from casework.access.actions import Action
from casework.kernel.patience import had
from casework.kernel.sheets import Sheet, Uneven
from casework.kernel.statements import Connection
from casework.premises import merging
from casework.premises.layouts import SOURCES, Arrived, MappingMuseums, Refused, Row, place_warning
from casework.premises.report import Outcome, Report, Result, Tell

AT_ONCE = 3
"""How many batches are under way, each on a connection of its own: PostgreSQL works while the next rows are read and checked."""


_Ends = frozenset[tuple[int, int]]
"""First and last lines of batches."""
_LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""After these a connection cannot say what became of its transaction."""


class UnderWay(ValueError):
    """Somebody else is importing the same source."""


async def import_premises(
    url: str,
    rows: Path | Sheet | Iterable[Row],
    *,
    source: str = "mapping-museums",
    dry_run: bool = False,
    make_teams: bool = False,
    restart: bool = False,
    operator: str = "command line",
    progress: Callable[[int], None] | None = None,
    tell: Tell | None = None,
    batch: int = 1000,
) -> Report:
    """Import a file, or rows with its columns (counted from 1), as casework_migrate; ``operator`` goes into the log.

    A row that is not right is refused with its line and reason, and the rest goes in. A dry run tells the same and
    stores nothing. ``make_teams`` gives each force without an intake team one of its own. ``progress`` is told how many
    rows each batch had, and ``tell`` what became of them: then the report counts them only, and does not grow with the
    file. When the run breaks off, ``tell`` has been told of all that is stored; the next run of the same file goes on
    there, unless it is to ``restart``. Raises ValueError when the file cannot be taken or no such source is known.
    """
    if source not in SOURCES:
        raise ValueError(f"there is no source {source}; there are: {', '.join(SOURCES)}")
    profile = SOURCES[source]()
    with ExitStack() as kept:
        sheet = kept.enter_context(Sheet(rows, profile.columns)) if isinstance(rows, Path) else rows
        numbered = sheet.rows() if isinstance(sheet, Sheet) else enumerate(sheet, start=1)
        digest = sheet.digest if isinstance(sheet, Sheet) and not dry_run else None
        report = Report(dry_run)
        store = _Store(source, digest, operator, make_teams, dry_run)
        async with _under_way(url, store, restart) as (done, authorities):
            profile.learn(authorities)
            run = _Run(report, tell, progress)
            await run.through(url, store, _batches(profile, numbered, batch, done))
    return report


@asynccontextmanager
async def _under_way(url: str, store: "_Store", restart: bool) -> AsyncIterator[tuple[_Ends, list[tuple[str, str]]]]:
    """Keep others from importing the same source; tells which batches are stored already, and which authorities there are."""
    connection = await asyncpg.connect(url)
    try:
        authorities = [(row["code"], row["name"]) for row in await connection.fetch(merging.AUTHORITIES)]
        done: _Ends = frozenset()
        if not store.dry_run and not await had(connection, merging.UNDER_WAY, store.source):
            raise UnderWay(f"Somebody else is importing {store.source}. Wait until that has ended.")
        if store.digest is not None:
            await connection.execute(merging.FORGET_OLD)
            if not store.dry_run:
                await connection.execute(merging.FORGET_OTHERS, store.source, store.digest)
            if restart:
                await connection.execute(merging.FORGET, store.source, store.digest)
            stored = await connection.fetch(merging.STORED, store.source, store.digest)
            done = frozenset((row["first_line"], row["last_line"]) for row in stored)
        yield done, authorities
        if store.digest is not None:
            await connection.execute(merging.FORGET, store.source, store.digest)
    finally:
        with suppress(*_LOST):  # it may have gone already, and that has been told
            await connection.close(timeout=5)


# --- reading ---


class _Batch(NamedTuple):
    """Some rows of the file: the valid ones as COPY wants them, and the others."""

    first: int
    last: int
    valid: bytes
    refs: dict[str, int]
    """The references of the valid ones, and their lines."""
    refused: list[Result]
    warnings: dict[int, str]
    stored: bool
    """Whether an earlier run has stored it."""


def _batches(
    profile: MappingMuseums,
    numbered: Iterable[tuple[int, Row | Uneven]],
    size: int,
    done: _Ends,
) -> Iterator[_Batch]:
    seen: set[str] = set()
    rows = iter(numbered)
    while chunk := list(islice(rows, size)):
        valid: list[str] = []
        refs: dict[str, int] = {}
        refused: list[Result] = []
        warnings: dict[int, str] = {}
        for (number, row), id_ in zip(chunk, _ids(len(chunk)), strict=True):
            try:
                arrived = _validated(profile, row, seen)
            except Refused as refusal:
                refused.append(Result(number, None, Outcome.REFUSED, str(refusal), None))
            else:
                valid.append("\t".join([str(number), id_, *[cell or "" for cell in arrived]]))
                refs[arrived.source_ref] = number
                if warning := place_warning(arrived.latitude, arrived.longitude):
                    warnings[number] = warning
        ends = chunk[0][0], chunk[-1][0]
        copied = "".join([f"{line}\n" for line in valid]).replace("\\", "\\\\").encode()
        yield _Batch(*ends, copied, refs, refused, warnings, ends in done)


def _ids(count: int) -> list[str]:
    """UUIDv7s, for places that turn out to be new. They ascend (RFC 9562, 6.2: a counter), so that the indexes grow at their end."""
    now, noise = time.time_ns() // 1_000_000, secrets.token_hex(8 * count)
    return [f"{now:012x}7{n & 0xFFF:03x}8{noise[16 * n + 1 : 16 * n + 16]}" for n in range(count)]


def _validated(profile: MappingMuseums, row: Row | Uneven, seen: set[str]) -> Arrived:
    if isinstance(row, Uneven):
        raise Refused(str(row))
    if None in row or not row.keys() >= profile.needed:
        raise Refused("The row has not as many cells as the heading")
    arrived = profile.read(row)
    if arrived.source_ref in seen:
        raise Refused(f"{profile.reference}: The reference stands in the file before")
    seen.add(arrived.source_ref)
    return arrived


# --- storing ---


class _InDoubt(Exception):
    """The connection broke while a batch was committed. What would be its results, if it was."""

    def __init__(self, results: list[Result]) -> None:
        super().__init__("the connection broke while rows were committed")
        self.results = [
            each if each.outcome is Outcome.REFUSED else each._replace(outcome=Outcome.IN_DOUBT, premises_id=None)
            for each in results
        ]


class _Store(NamedTuple):
    """Takes batches, one transaction each, which a dry run takes back."""

    source: str
    digest: bytes | None
    """Of the file, where it is worth remembering how far it has come."""
    operator: str
    make_teams: bool
    dry_run: bool

    async def take(self, pool: asyncpg.Pool, batch: _Batch) -> list[Result]:
        """What became of the rows of a batch, in the order of the file."""
        async with pool.acquire() as connection:
            results = await self._stored_before(connection, batch) if batch.stored else None
            if results is None:
                results = await self._merged(connection, batch)
        return results

    async def _stored_before(self, connection: Any, batch: _Batch) -> list[Result] | None:
        """The same, of a batch that an earlier run has stored; None if places are missing, whatever was written down."""
        rows = await connection.fetch(merging.KNOWN, self.source, list(batch.refs))
        found = {row["source_ref"]: row["id"] for row in rows}
        if found.keys() != batch.refs.keys():
            return None
        return _in_order(
            batch, [Result(line, ref, Outcome.STORED_BEFORE, None, found[ref]) for ref, line in batch.refs.items()]
        )

    async def _merged(self, connection: Any, batch: _Batch) -> list[Result]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SELECT access.begin_system($1, $2)", Action.PREMISES_IMPORT.value, self.operator)
            await connection.copy_to_table(
                "arrived", source=BytesIO(batch.valid), columns=merging.STAGED, schema_name="pg_temp", null=""
            )
            if self.make_teams:
                await connection.execute(merging.TEAMS)
            rows = await connection.fetch(merging.MERGE, self.source)
            results = _in_order(batch, [_result(row, self.dry_run) for row in rows])
            # A row that lacked its team may have one the next time: such a batch is done again, which changes nothing else.
            if self.digest is not None and all(row["premises_id"] is not None for row in rows):
                await connection.execute(merging.REMEMBER, self.source, self.digest, batch.first, batch.last)
        except BaseException:
            with suppress(*_LOST):
                await transaction.rollback()
            raise
        if self.dry_run:
            await transaction.rollback()
            return results
        try:
            await transaction.commit()
        except _LOST as fault:
            raise _InDoubt(results) from fault
        return results


def _in_order(batch: _Batch, results: list[Result]) -> list[Result]:
    if batch.warnings:
        results = [each._replace(warning=batch.warnings.get(each.line)) for each in results]
    return sorted([*batch.refused, *results], key=attrgetter("line")) if batch.refused else results


def _result(row: Mapping[str, Any], dry_run: bool) -> Result:
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


# --- the run ---


class _Run(NamedTuple):
    """One way through the file, and who is told of it."""

    report: Report
    tell: Tell | None
    progress: Callable[[int], None] | None

    async def through(self, url: str, store: _Store, batches: Iterable[_Batch]) -> None:
        """Take every batch. Whatever ends it: what is stored by then has been told."""
        settings = {"search_path": "pg_catalog", "jit": "off", "enable_seqscan": "off"}
        under_way: deque[asyncio.Task[list[Result]]] = deque()
        async with asyncpg.create_pool(
            url, min_size=1, max_size=AT_ONCE, init=_prepare, reset=_keep, server_settings=settings
        ) as pool:
            try:
                for each in batches:  # read and checked while PostgreSQL works on those before
                    under_way.append(asyncio.create_task(store.take(pool, each)))
                    if len(under_way) == AT_ONCE:
                        await self._settle_next(under_way)
                while under_way:
                    await self._settle_next(under_way)
            except BaseException:
                await self._broken_off(under_way)
                raise

    async def _settle_next(self, under_way: deque[asyncio.Task[list[Result]]]) -> None:
        results = await asyncio.shield(under_way[0])  # if this breaks off, it is still among those under way
        under_way.popleft()
        self._settle(results)

    def _settle(self, results: list[Result]) -> None:
        self.report.counts.update(Counter([each.outcome for each in results]))
        self.report.warned += sum(each.warning is not None for each in results)
        self._note_where_it_went_on(results)
        (self.report.results.extend if self.tell is None else self.tell)(results)
        if self.progress is not None:
            self.progress(len(results))

    def _note_where_it_went_on(self, results: list[Result]) -> None:
        counts = self.report.counts
        again = any(each.outcome is Outcome.STORED_BEFORE for each in results)
        if again and not (counts[Outcome.CREATED] or counts[Outcome.UPDATED] or counts[Outcome.UNCHANGED]):
            self.report.went_on_after = results[-1].line

    async def _broken_off(self, under_way: Iterable[asyncio.Task[list[Result]]]) -> None:
        """Wait for the batches that are under way, for each may be stored yet, and tell of those that are, or may be."""
        for ended in await asyncio.gather(*under_way, return_exceptions=True):
            if isinstance(ended, _InDoubt):
                ended = ended.results
            if isinstance(ended, list):
                with suppress(OSError):  # it may be the telling that broke it off
                    self._settle(ended)


async def _prepare(connection: Connection) -> None:
    await connection.execute(merging.STAGING)


async def _keep(_: Connection) -> None:
    """Between batches nothing is reset: a connection keeps its staging table."""
