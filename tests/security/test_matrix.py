"""Every operation of the contract, asked for by everybody there is, held against the domain owner's table and nothing else.

Where the table gives a principal no reach it is refused before anything is looked up, whatever ids and bodies it sends; where it
gives any, the refusal is never for want of a role.
"""

import re
import secrets
import uuid
from functools import cache
from typing import Any, NamedTuple

import httpx
import pytest

from tests.support import contract
from tests.support.authority import ACTING_SCOPES, table
from tests.support.callers import Caller
from tests.support.story import enquirer_of, open_case
from tests.support.world import Team, World

STAFF = (
    "adviser",
    "reviewer",
    "coordinator",
    "supervisor",
    "information_manager",
    "auditor",
    "national_reader",
    "professional_lead",
    "administrator",
)
PRINCIPALS = ("public", "enquirer", "verified_enquirer", *STAFF, "service", "service without scopes", "nobody")
"""``nobody`` is staff without any role; a role nobody plays has no column."""

NO_ROLE = "None of your roles has this action."
LAST = "session.manage_own-close"
"""Logs out: asked last, and its caller logs in for nothing else."""

# Operations that answer 401 for another reason than the caller's role, and to whom (``None``: to everybody).
EXCEPTIONS: dict[str, tuple[str | None, str]] = {
    "session.manage_own-open": (None, "the password is wrong, and 401 says so to whoever asks"),
    "session.manage_own-token": (None, "the client's secret is wrong, and 401 is what RFC 6749 wants"),
    "session.manage_own-list": ("public", "who is nobody has no session to list"),
    "session.manage_own-me": ("public", "who is nobody cannot be told who they are"),
    "session.manage_own-code": ("public", "who is nobody has no enquiry, and nowhere to send a code to"),
    "session.manage_own-end": ("public", "who is nobody has no session to end"),
    "session.manage_own-close": ("public", "who is nobody has no session to end"),
}


class Operation(NamedTuple):
    """One operation of the contract."""

    name: str
    action: str
    method: str
    path: str
    example: Any
    media: str | None


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation that has an action; health has none."""
    found = []
    for path, item in contract.document()["paths"].items():
        for method, stated in item.items():
            if "x-action" in stated:
                content = stated.get("requestBody", {}).get("content", {})
                media: str | None = next(iter(content), None)
                body = content[media] if media else {}
                found.append(
                    Operation(
                        stated["operationId"], stated["x-action"], method.upper(), path, body.get("example"), media
                    )
                )
    return tuple(sorted(found, key=lambda each: (each.name == LAST, each.path, each.method)))


def scope_of(action: str) -> str | None:
    """The scope without which a tool has no reach."""
    found = re.search(r"service needs scope ([a-z.]+[a-z])", table()[action]["rule"])
    return found[1] if found else None


def reaches(principal: str, action: str) -> bool | None:
    """Whether the table gives this principal any reach with this action; ``None`` where it does not say."""
    row = table()[action]
    if principal == "nobody":
        return None if row["public"] != "none" else False
    if principal == "service without scopes":
        # The table names the scope of some actions; the service asks for one with more of them, which narrows.
        return False if scope_of(action) and row["public"] == "none" else (None if row["service"] != "none" else False)
    return row[principal] != "none"


def scopes() -> list[str]:
    """Every scope that a tool can have, as the contract lists them."""
    creation = contract.document()["components"]["schemas"]["ApiClientCreation"]
    listed: list[str] = creation["properties"]["scopes"]["items"]["enum"]
    assert {scope for action in table() if (scope := scope_of(action))} <= set(listed)
    return listed


@pytest.fixture(scope="module")
def home(world: World) -> Team:
    """One team, in which every principal stands."""
    return world.team()


@pytest.fixture(scope="module")
def cast(world: World, home: Team) -> dict[str, Caller]:
    """Everybody, by the name of their column."""
    case = open_case(home.person("adviser"), home)
    return {
        "public": world.anybody(),
        "enquirer": enquirer_of(world, home, case, verified=False),
        "verified_enquirer": enquirer_of(world, home, case),
        **{role: home.person(role) for role in STAFF},
        "service": home.tool(*scopes(), *ACTING_SCOPES),  # which nobody can be given, and which open nothing
        "service without scopes": home.tool(),
        "nobody": home.person(),
    }


def ask(caller: Caller, operation: Operation, body: Any) -> httpx.Response:
    """A well-formed request about records that nobody has."""
    path = re.sub(r"\{[^}]+\}", lambda _: str(uuid.uuid4()), operation.path)
    # One connection each: on a kept one of this suite's server an answer waits 40 ms for an acknowledgement.
    headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"', "Connection": "close"}
    if operation.media is None:
        return caller.request(operation.method, path, headers=headers)
    if operation.media == "application/json":
        return caller.request(operation.method, path, headers=headers, json=body)
    content = body if isinstance(body, str) else ""
    return caller.request(operation.method, path, headers={**headers, "Content-Type": operation.media}, content=content)


def bodies(operation: Operation, allowed: bool) -> list[Any]:
    """What is sent: nothing that could come true where it is allowed, for its example would change what other tests share."""
    if operation.media is None:
        return [None]
    if allowed and "{" not in operation.path:
        return [{}]
    example = operation.example if operation.example is not None else {"nonsense": secrets.token_hex(4)}
    return [example] if allowed else [{}, example]


def difference(principal: str, operation: Operation, response: httpx.Response) -> str | None:
    """What is wrong with this answer, if anything is."""
    status = response.status_code
    detail = response.json().get("detail", "") if status >= 400 else ""
    said = f"{operation.name} ({operation.method} {operation.path}): {status} {detail}"
    if status >= 500:
        return said
    reach = reaches(principal, operation.action)
    if reach is None:
        return None
    if not reach:
        return None if status == (401 if principal == "public" else 403) else f"{said} — the table says none"
    excepted = operation.name in EXCEPTIONS and EXCEPTIONS[operation.name][0] in (None, principal)
    if (status == 401 and not excepted) or (status == 403 and detail == NO_ROLE):
        return f"{said} — the table says {table()[operation.action][principal]}"
    return None


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_everybody_may_ask_for_what_the_table_says_and_for_nothing_else(
    cast: dict[str, Caller], principal: str
) -> None:
    differences = []
    for operation in operations():
        for body in bodies(operation, reaches(principal, operation.action) is not False):
            found = difference(principal, operation, ask(cast[principal], operation, body))
            if found is not None:
                differences.append(found)
    assert differences == [], "\n".join(differences)


def test_the_whole_contract_is_asked_for() -> None:
    """Every operation but health's has an action of the table, and the exceptions are operations."""
    stated = {each["operationId"] for item in contract.document()["paths"].values() for each in item.values()}
    names = {operation.name for operation in operations()}
    assert stated - names == {"health.live", "health.ready"}
    assert {operation.action for operation in operations()} <= table().keys()
    assert EXCEPTIONS.keys() | {LAST} <= names
    assert operations()[-1].name == LAST
    assert set(table()["case.read"]) - {"action", "what", "rule"} == set(PRINCIPALS) - {
        "service without scopes",
        "nobody",
    }


def test_the_refusal_of_a_role_says_so(home: Team) -> None:
    """By this sentence a refusal for want of a role is told from one for want of reach."""
    response = home.person("auditor").get(f"/v1/cases/{uuid.uuid4()}")
    assert (response.status_code, response.json()["detail"]) == (403, NO_ROLE)
