"""Commands about the clock of the field's rules, which a trial may move (``docs/decisions/0018-one-clock.md``)."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from casework.commands.database import migrate_url
from casework.commands.telling import console, stop
from casework.kernel.settings import Settings, settings

app = typer.Typer(no_args_is_help=True, help="The clock of the field's rules. A trial may move it; production never.")
_DURATION = TypeAdapter(timedelta)
FARTHEST = timedelta(days=3653)
"""Ten years: what is due lies within them, and so does the calendar of working days."""


@app.command()
def show() -> None:
    """Say how far the clock is moved."""
    console.print(told(asyncio.run(moved_by(settings())), settings()), highlight=False)


@app.command("set", context_settings={"ignore_unknown_options": True})
def set_(
    offset: Annotated[
        str, typer.Argument(help="How far ahead, as an ISO 8601 duration: P90D, PT12H; behind with a minus: -P40D.")
    ],
) -> None:
    """Move the clock, for every process of the service at once. Refused in production."""
    given = settings()
    if refusal := refused(given):
        stop(refusal)
    try:
        wanted = _DURATION.validate_python(offset)
    except ValidationError:
        stop("Write how far as an ISO 8601 duration, such as P90D, PT12H or -P40D.")
    if abs(wanted) > FARTHEST:
        stop("The clock is moved by ten years at most.")
    asyncio.run(turn(migrate_url(given), wanted))
    console.print(told(asyncio.run(moved_by(given)), given), highlight=False)


@app.command()
def reset() -> None:
    """Let the clock show the real time again."""
    given = settings()
    asyncio.run(turn(migrate_url(given), timedelta()))
    console.print(told(asyncio.run(moved_by(given)), given), highlight=False)


def refused(given: Settings) -> str | None:
    """Why the clock may not be moved here, if so."""
    if given.environment == "development":
        return None
    return (
        "The clock is moved in a trial only: set CASEWORK_ENVIRONMENT=development, which is never right for real cases."
    )


async def turn(url: str, offset: timedelta) -> None:
    """Move the clock. ``url`` is casework_migrate's: no login role of the service may write the offset."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        if offset:
            # In seconds: a month, or a day where clocks change, is not always as long as another.
            await connection.execute(
                "INSERT INTO access.setting VALUES ('clock_offset', $1)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                f"{offset.total_seconds():.6f} seconds",
            )
        else:
            await connection.execute("DELETE FROM access.setting WHERE name = 'clock_offset'")
    finally:
        await connection.close()


async def moved_by(given: Settings) -> timedelta:
    """The offset that is set, whether it is honoured here or not."""
    import asyncpg

    from casework.kernel.database import addresses

    connection = await asyncpg.connect(addresses(given).staff, timeout=5)
    try:
        offset: timedelta | None = await connection.fetchval("SELECT access.state('clock_offset')::interval")
    finally:
        await connection.close()
    return offset or timedelta()


def told(offset: timedelta, given: Settings) -> str:
    """How far the clock is moved, in words."""
    if not offset:
        return "The clock of the field's rules shows the real time."
    way = f"{abs(offset)} {'ahead' if offset > timedelta() else 'behind'}"
    if refused(given):
        return f"The clock of the field's rules was moved {way}; that is ignored here. Undo it: casework clock reset"
    return f"The clock of the field's rules is moved {way}. Undo it: casework clock reset"
