"""The command ``casework``. Each command imports what it needs when it runs, so that none waits for the others' libraries."""

import typer

from casework.commands import audit, clock, database, importing, people, running, upkeep

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="CTSA Casework. Settings come from CASEWORK_* variables.",
)
app.command()(running.run)
app.command()(running.serve)
app.command()(running.worker)
app.command()(database.migrate)
app.command()(database.demo)
app.command()(upkeep.doctor)
app.command()(upkeep.openapi)
app.add_typer(importing.app, name="import")
app.add_typer(people.app, name="people")
app.add_typer(audit.app, name="audit")
app.add_typer(clock.app, name="clock")
app.add_typer(database.embedded_app, name="embedded")
app.add_typer(upkeep.keys_app, name="keys")


def main() -> None:
    """The entry point of the installed command."""
    app(prog_name="casework")


if __name__ == "__main__":
    main()
