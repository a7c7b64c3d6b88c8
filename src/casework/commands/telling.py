"""How commands speak: results on standard output, progress and refusals on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something is being done, and for how long: where there is a terminal to show it on."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        progress.add_task(what, total=None)
        yield


def stop(why: str, code: int = 1) -> NoReturn:
    """End the command, saying why."""
    errors.print(why, style="red", highlight=False, markup=False)
    raise typer.Exit(code)
