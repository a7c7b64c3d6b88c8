"""Commands that bring files in. Progress is shown while they run, and a report when they are done."""

import asyncio
import getpass
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from casework.commands.database import acting_url
from casework.commands.telling import console, errors, stop, working
from casework.kernel.settings import settings

app = typer.Typer(no_args_is_help=True, help="Bring files in.")
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")]


@app.command()
def premises(
    file: File,
    source: Annotated[str, typer.Option(help="Whose layout the file has.")] = "mapping-museums",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would become of each row; store nothing.")
    ] = False,
    make_teams: Annotated[
        bool, typer.Option("--make-teams", help="Give each force without an intake team one of its own.")
    ] = False,
    report_to: Annotated[Path | None, typer.Option("--report", help="Write what became of each row, as CSV.")] = None,
) -> None:
    """Import premises. Those that are known already are recognised, not doubled; exit code 2 when rows were refused."""
    from casework.premises.importing import Outcome, import_premises, written

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    url = acting_url(settings())
    with file.open("rb") as lines:
        about = max(sum(1 for _ in lines) - 1, 0)  # a cell may hold a line break, so this is no more than a guess
    with (
        Progress(*columns, console=errors, transient=True) as shown,
        nullcontext(_forget) if report_to is None else written(report_to) as tell,
    ):
        task = shown.add_task(file.name, total=about)
        importing = import_premises(
            url, file, source=source, dry_run=dry_run, make_teams=make_teams, operator=getpass.getuser(),
            progress=lambda rows: shown.advance(task, rows), tell=tell,
        )  # fmt: skip
        try:
            report = asyncio.run(importing)
        except ValueError as error:
            stop(str(error))
    counts = report.counts
    told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome)
    console.print(f"{told}{' (nothing was stored)' if dry_run else ''}", highlight=False)
    raise typer.Exit(2 if counts[Outcome.REFUSED] else 0)


def _forget(_: object) -> None:
    """Only the counts are wanted."""


@app.command()
def postcodes(file: File) -> None:
    """Import a postcode directory in the layout of the ONS's NSPL: all of it, or nothing."""
    with working(f"Loading {file.name}"):
        changed = asyncio.run(_postcodes(acting_url(settings()), file))
    console.print(f"{changed} postcodes are new or changed.", highlight=False)


async def _postcodes(url: str, file: Path) -> int:
    import asyncpg

    from casework.reference.loading import load_postcodes

    connection = await asyncpg.connect(url)
    try:
        return await load_postcodes(connection, file)
    finally:
        await connection.close()
