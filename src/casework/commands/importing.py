"""Commands that bring files in. Progress is shown while they run, and a report when they are done."""

import asyncio
import getpass
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from casework.commands.database import acting_url
from casework.commands.telling import console, errors, stop, working
from casework.kernel.settings import settings

if TYPE_CHECKING:
    from casework.kernel.sheets import Sheet
    from casework.kernel.statements import Connection
    from casework.premises.report import Report, ReportFile

app = typer.Typer(no_args_is_help=True, help="Bring files in.")
# Whether it is there is told like every other fault of a file: in one line, with exit code 1.
File = Annotated[Path, typer.Argument(help="The file.")]
Files = Annotated[list[Path], typer.Argument(help="The file, or all parts of it.")]
Rehearsal = Annotated[bool, typer.Option("--dry-run", help="Tell what would become of it; store nothing.")]
Done = TypeVar("Done")


@app.command()
def premises(
    file: File,
    source: Annotated[str, typer.Option(help="Whose layout the file has.")] = "mapping-museums",
    dry_run: Rehearsal = False,
    make_teams: Annotated[
        bool, typer.Option("--make-teams", help="Give each force without an intake team one of its own.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin at the first row, though a run of this file broke off later on.")
    ] = False,
    report_to: Annotated[Path | None, typer.Option("--report", help="Write what became of each row, as CSV.")] = None,
) -> None:
    """Import premises. Those that are known already are recognised, not doubled; exit code 2 when rows were refused."""
    from casework.kernel.sheets import Sheet
    from casework.premises.importing import import_premises
    from casework.premises.layouts import SOURCES
    from casework.premises.report import Outcome, ReportFile, noted

    if source not in SOURCES:
        stop(f"There is no source {source}; there are: {', '.join(SOURCES)}.")
    report_file: ReportFile | None = None
    with _told(lambda: _left_behind(report_file)):
        report_file = None if report_to is None else ReportFile(report_to, file)  # before anything is read
        with Sheet(file, SOURCES[source].columns) as sheet, report_file or nullcontext(_forget) as tell:
            _warn(sheet.warnings)
            tell(noted(sheet.warnings))
            with _counting(sheet) as progress:
                report = _run(
                    import_premises(
                        acting_url(settings()), sheet, source=source, dry_run=dry_run, make_teams=make_teams,
                        restart=restart, operator=getpass.getuser(), progress=progress, tell=tell,
                    )
                )  # fmt: skip
    _sum_up(report)
    raise typer.Exit(2 if report.counts[Outcome.REFUSED] else 0)


@app.command()
def postcodes(files: Files, dry_run: Rehearsal = False) -> None:
    """Import a postcode directory in the layout of the ONS's NSPL: all of it, or nothing."""
    from casework.reference.importing import load_postcodes

    with _told(), working(f"Loading {files[0].name}{' and others' if len(files) > 1 else ''}"):
        loaded = _run(
            _connected(acting_url(settings()), lambda connection: load_postcodes(connection, *files, dry_run=dry_run))
        )
    _warn(loaded.warnings)
    if loaded.left_out:
        console.print(f"{loaded.left_out} were left out: no police force here serves where they are.", highlight=False)
    console.print(f"{loaded.changed} postcodes are new or changed.{_stored(dry_run)}", highlight=False)


@app.command("local-authorities")
def local_authorities(file: File, dry_run: Rehearsal = False) -> None:
    """Import a newer list of local authorities, their police forces, and the codes that they replace: all of it, or nothing."""
    from casework.reference.importing import load_authorities

    with _told(), working(f"Loading {file.name}"):
        renewed = _run(
            _connected(acting_url(settings()), lambda connection: load_authorities(connection, file, dry_run=dry_run))
        )
    _warn(renewed.warnings)
    told = f"{renewed.new} local authorities are new, {renewed.changed} changed; {len(renewed.former)} codes are former ones now."
    console.print(f"{told}{_stored(dry_run)}", highlight=False)
    for each in renewed.former:
        console.print(f"No authority of today any more: {each}", highlight=False, markup=False)


# --- running ---


async def _connected(url: str, work: Callable[["Connection"], Awaitable[Done]]) -> Done:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return await work(connection)
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, Done]) -> Done:
    """Run it; SIGTERM ends it as Ctrl-C does: what is under way is waited for."""

    async def until_told() -> Done:
        task = asyncio.current_task()
        assert task is not None
        with suppress(NotImplementedError):  # there are no such signals on Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return asyncio.run(until_told())


@contextmanager
def _told(left_behind: Callable[[], str] = str) -> Iterator[None]:
    """Tell in one line what ended it, and what it has left behind."""
    import asyncpg

    try:
        yield
    except ValueError as fault:  # of a file, or of what is to be written
        stop(f"{fault}{left_behind()}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        stop(f"Interrupted.{left_behind()}")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        stop(f"It broke off: {_cause(fault)}.{left_behind()}")


def _cause(fault: Exception) -> str:
    if isinstance(fault, OSError) and fault.errno:
        return os.strerror(fault.errno)
    state = getattr(fault, "sqlstate", None)  # never its words, which may hold what is stored
    return f"{type(fault).__name__}{f' ({state})' if state else ''}"


def _left_behind(file: "ReportFile | None") -> str:
    if file is None or file.kept is None:
        return ""
    if not file.told:
        file.discard()
        return ""
    return f" What was stored until then is told in {file.kept.name}. Run the same command again to go on."


# --- telling ---


@contextmanager
def _counting(sheet: "Sheet") -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as shown:
        task = shown.add_task(sheet.name, total=sheet.count)
        yield lambda rows: shown.advance(task, rows)


def _warn(warnings: Sequence[str]) -> None:
    for each in warnings:
        errors.print(each, style="yellow", highlight=False, markup=False)


def _sum_up(report: "Report") -> None:
    from casework.premises.report import Outcome

    counts = report.counts
    always = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.REFUSED)
    told = [f"{counts[each]} {each.value}" for each in always]
    if counts[Outcome.STORED_BEFORE]:
        told.append(f"{counts[Outcome.STORED_BEFORE]} stored before")
    console.print(f"{', '.join(told)}{' (nothing was stored)' if report.dry_run else ''}", highlight=False)
    if report.went_on_after is not None:
        console.print(
            f"It went on after line {report.went_on_after}, where an earlier run broke off (--restart begins anew).",
            highlight=False,
        )
    if report.warned:
        console.print(f"{report.warned} rows are in but odd: see the column `warning` of the report.", highlight=False)


def _stored(dry_run: bool) -> str:
    return " (nothing was stored)" if dry_run else ""


def _forget(_: object) -> None:
    """Only the counts are wanted."""
