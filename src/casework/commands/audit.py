"""Commands about the processing log: verify it, take a checkpoint, compare it with the service's own lines, explain a restore."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casework.commands.database import migrate_url
from casework.commands.telling import console, errors, stop
from casework.kernel.settings import Settings, settings

if TYPE_CHECKING:
    from casework.audit_log.notes import Note
    from casework.audit_log.verifying import Report
    from casework.kernel.keys import Signer

app = typer.Typer(no_args_is_help=True, help="The processing log: verify, checkpoint, reconcile, recover.")
KeysFile = Annotated[
    Path | None, typer.Option("--keys", help="Public keys from `casework audit key`; ours on this host unless given.")
]


@asynccontextmanager
async def _reading(url: str, *, write: bool = False) -> AsyncIterator[Any]:
    """A connection that sees one moment of the log, and cannot change it."""
    import asyncpg

    connection = await asyncpg.connect(
        url, server_settings={"search_path": "pg_catalog", "TimeZone": "UTC", "DateStyle": "ISO", "work_mem": "64MB"}
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=not write):
            yield connection
    finally:
        await connection.close()


def _signer(given: Settings) -> "Signer":
    from casework.kernel.keys import SEAL, Keys, Signer

    if not list(given.keys.glob(f"{SEAL}-*.key")):
        stop(f"There is no key for {SEAL!r} in {given.keys}: the worker makes the first.", code=2)
    return Signer(Keys(given.keys, SEAL))


def _public(given: Settings, file: Path | None) -> dict[str, bytes]:
    from casework.audit_log import notes

    if file is not None:
        found = notes.public_keys(file.read_text(encoding="utf-8"))
        return found or stop(f"{file} holds no public key of the log.", code=2)
    return {notes.key_id(public): public for public in _signer(given).public}


def _anchors(file: Path | None) -> "list[Note]":
    """Checkpoints from a file of notes, or of the worker's log lines."""
    from casework.audit_log import notes

    if file is None:
        return []
    parts = []
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            entry = json.loads(line)
            parts.append(entry["checkpoint"] if isinstance(entry, dict) else line)
        except (ValueError, KeyError):
            parts.append(line)
    return notes.kept("".join(parts)) or stop(f"{file} holds no checkpoint.", code=2)


def _tell(report: "Report", of: str) -> None:
    for kind, found in (("TAMPERED", report.breaks), ("cannot tell", report.doubts)):
        for each in found:
            console.print(f"{kind}: {each}", highlight=False, markup=False)
    word = {0: "clean", 1: "TAMPERED", 2: "cannot tell"}[report.code]
    console.print(f"{word}: {of}", highlight=False, markup=False)
    raise typer.Exit(report.code)


@app.command()
def verify(
    start: Annotated[int, typer.Option("--from", min=1, help="The first batch to look at.")] = 1,
    anchors: Annotated[Path | None, typer.Option(help="Checkpoints that were kept outside.")] = None,
    event: Annotated[int | None, typer.Option(help="Print the proof that this event was sealed, as JSON.")] = None,
    keys: KeysFile = None,
) -> None:
    """Compute everything anew from the rows. 0: clean. 1: tampered. 2: cannot tell, or a restore that was explained."""
    given = settings()
    if event is not None:
        return _prove(given, event)
    report = asyncio.run(_verify(migrate_url(given), _public(given, keys), _anchors(anchors), start))
    if anchors is None:
        errors.print(
            "Without --anchors nobody can tell whether the end was cut, or all was written anew.", highlight=False
        )
    _tell(report, f"{report.events} events in {report.heads} batches; {report.waiting} wait for their seal.")
    return None


async def _verify(url: str, public: dict[str, bytes], anchors: "list[Note]", start: int) -> "Report":
    from casework.audit_log.verifying import Verifier

    async with _reading(url) as connection:
        return await Verifier(connection, public, anchors=anchors, start=start).run()


def _prove(given: Settings, event: int) -> None:
    async def go() -> dict[str, Any] | None:
        from casework.audit_log.proofs import proof

        async with _reading(migrate_url_) as connection:
            return await proof(connection, event)

    migrate_url_ = migrate_url(given)
    found = asyncio.run(go())
    if found is None:
        stop(f"Event {event} is not sealed.", code=2)
    typer.echo(json.dumps(found, indent=1, ensure_ascii=False))


@app.command()
def checkpoint() -> None:
    """Print the newest checkpoint: a signed note, to be kept where no administrator of the database reaches it."""

    async def newest(url: str) -> str | None:
        async with _reading(url) as connection:
            row = await connection.fetchrow(
                "SELECT audit.head_json(h) ->> 'checkpoint' AS note FROM audit.head h ORDER BY h.batch DESC LIMIT 1"
            )
            return row["note"] if row else None

    note = asyncio.run(newest(migrate_url(settings())))
    typer.echo(note if note is not None else stop("Nothing is sealed yet.", code=2), nl=False)


@app.command()
def reconcile(
    logfile: Annotated[Path, typer.Argument(help="The service's log lines (with the request log on).")],
) -> None:
    """Compare the service's own lines with the log: finds what was removed before it was sealed. 0, 1 or 2 as `verify`."""

    async def go(url: str) -> "Report":
        from casework.audit_log.reconciling import reconcile as compare

        async with _reading(url) as connection:
            with logfile.open(encoding="utf-8", errors="replace") as lines:
                return await compare(connection, lines)

    report = asyncio.run(go(migrate_url(settings())))
    _tell(report, f"{report.events} lines name their event.")


@app.command()
def key() -> None:
    """Print the public keys of the seals, a line each, newest first: what a verifier elsewhere needs."""
    from casework.audit_log import notes

    for public in _signer(settings()).public:
        typer.echo(notes.verifier_key(public))


@app.command()
def recover(
    reason: Annotated[str, typer.Option(help="Why the log's end is gone, such as the backup that was restored.")],
    anchors: Annotated[Path, typer.Option(help="Checkpoints that were kept outside: they say how far it had come.")],
    operator: Annotated[str | None, typer.Option(help="Who says so; the login on this host unless given.")] = None,
) -> None:
    """After a restore: sign for the batches that are lost. They are told as explained from then on, never as clean."""
    from casework.audit_log.recovering import recover as sign

    given = settings()
    kept = _anchors(anchors)
    signer = _signer(given)

    async def go(url: str) -> tuple[int, int] | None:
        async with _reading(url, write=True) as connection:
            return await sign(connection, signer, kept, operator or getpass.getuser(), reason, datetime.now(UTC))

    lost = asyncio.run(go(migrate_url(given)))
    if lost is None:
        stop("Every batch of which a checkpoint was kept is there: nothing was lost.")
    console.print(
        f"Signed: batches {lost[0]} to {lost[1]} are lost. Sealing goes on with {lost[1] + 1}.", highlight=False
    )
