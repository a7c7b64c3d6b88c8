"""Commands about people: the first administrators, and who they are at the identity provider. All else goes through the API."""

import asyncio
import secrets
from typing import Annotated
from uuid import UUID

import typer

from casework.commands.database import acting_url
from casework.commands.telling import console, stop
from casework.kernel.problems import Problem
from casework.kernel.settings import settings

app = typer.Typer(no_args_is_help=True, help="The people of the service.")


@app.callback()
def group() -> None:
    """The people of the service."""


@app.command()
def bootstrap(
    email: Annotated[str, typer.Option(help="The person's e-mail address, which is the login.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    force: Annotated[str, typer.Option(help="The code of the police force whose intake team they join.")],
    team: Annotated[str, typer.Option(help="What that team is called, if it is yet to be made.")] = "CTSA team",
    role: Annotated[
        str, typer.Option(help="administrator (two of them), or for a trial auditor (one).")
    ] = "administrator",
) -> None:
    """Make the first administrator, and then the second who approves roles; on trial, an auditor. The password is shown once."""
    from casework.people import bootstrap as people

    given = settings()
    if role not in set(people.First):
        stop(f"The first people are of these roles: {', '.join(people.First)}. All others are given through the API.")
    if role == people.First.AUDITOR and given.environment == "production" and given.database_url is not None:
        stop(
            "An auditor is made on the host for a trial only (CASEWORK_ENVIRONMENT=development, or the embedded database)."
            " Here one administrator gives the role, another approves it, and `casework people link` says who they are."
        )
    password = secrets.token_urlsafe(18)
    url = acting_url(given)
    facts = {"name": name, "email": email, "password": password, "force_code": force, "team_name": team}
    try:
        asyncio.run(people.bootstrap(url, **facts, role=people.First(role)))
    except Problem as problem:
        stop(str(problem.document().get("detail") or problem.title))
    except ValueError as error:
        stop(str(error))
    console.print(f"Log in as {email} with the password {password}", highlight=False, markup=False)
    console.print("It is shown this once.")
    if role == people.First.ADMINISTRATOR:
        console.print("Make a second administrator in the same way: some roles are approved by another.")


@app.command()
def approve(
    change: Annotated[
        str | None, typer.Argument(help="The id of the change; without it, what waits is listed.")
    ] = None,
) -> None:
    """Approve what one administrator asked of another administrator or an auditor, where there is no third who could."""
    from casework.people import bootstrap as people

    url = acting_url(settings())
    if change is None:
        for line in asyncio.run(people.waiting(url)) or ["Nothing waits."]:
            console.print(line, highlight=False, markup=False)
        return
    try:
        asyncio.run(people.approve(url, UUID(change)))
    except Problem as problem:
        stop(str(problem.document().get("detail") or problem.title))
    except ValueError:
        stop("Give the id of a change, as the list has it.")
    console.print("Approved.")


@app.command()
def link(
    email: Annotated[str, typer.Option(help="The e-mail address by which the person is known here.")],
    subject: Annotated[str, typer.Option(help="The identity provider's lasting name for the person: `sub`.")],
) -> None:
    """Link a person to the identity provider. Administrators and auditors can be linked in no other way."""
    from casework.people import bootstrap as people

    given = settings()
    if given.oidc_issuer is None:
        stop("No identity provider is configured: set CASEWORK_OIDC_ISSUER and CASEWORK_OIDC_AUDIENCE.")
    url = acting_url(given)
    try:
        asyncio.run(people.link(url, email=email, issuer=given.oidc_issuer, subject=subject))
    except Problem as problem:
        stop(str(problem.document().get("detail") or problem.title))
    except ValueError as error:
        stop(str(error))
    console.print(f"{email} may come in by the identity provider now.", highlight=False, markup=False)
