"""Asking an operation about the records of a relation, and what the domain owner's table expects of the answer."""

import copy
import re
import uuid
from typing import Any
from uuid import UUID

import httpx

from tests.security.model import OFFERS, Offer, Principal, Row, authority, holds, may, reads_offer, receives_offer
from tests.security.operations import Operation, with_id, without_id
from tests.security.stage import CASE_NOUNS, Stage
from tests.support.callers import Caller

READS = {
    "case_id": "case.read",
    "enquiry_id": "enquiry.read",
    "visit_id": "visit.read",
    "finding_id": "finding.read",
    "advice_id": "advice.read",
    "recommendation_id": "recommendation.read",
    "premises_id": "premises.read",
    "organisation_id": "organisation.read",
    "person_id": "person.list",
    "change_id": "person.manage",
    "team_id": "reference.read",
    "client_id": "client.manage",
    "session_id": "session.manage_own",
    "signpost_id": "reference.read",
    "holiday_id": "reference.read",
    "level_id": "reference.read",
    "notice_id": "reference.read",  # the one on stage is published
    "kind": "reference.read",
    "event": "audit.read",
    "case_transfer_id": "case.read",
    "enquiry_transfer_id": "enquiry.read",
}
"""By the path parameter that names a record: the action that reads it. A new noun of the contract wants a line here."""

STALE = '"999999"'
"""A version that no record has: whoever is let through to a change is told 412, and nothing is changed."""


def relations(stage: Stage, operation: Operation) -> list[str]:
    """How a record can stand to a caller, for the noun of this operation; ``absent`` last."""
    if not operation.nouns or operation.nouns[0] not in READS:
        return []  # a noun that nothing is said of yet: test_everybody_on_stage_is_asked names it
    noun = operation.nouns[0]
    if noun in CASE_NOUNS:
        return [*(name for name in stage.cases if noun in stage.ids[name]), "absent"]
    return ["same team", "other team", "absent"]


def row_of(stage: Stage, operation: Operation, relation: str) -> Row | None:
    """What authority knows of the record asked for; ``None`` where there is none."""
    if relation == "absent":
        return None
    noun = operation.nouns[0]
    if noun in CASE_NOUNS:
        return stage.rows[relation]
    team = stage.here if relation == "same team" else stage.there
    # Its session is a tool's, and nobody's own.
    return Row(UUID(team.id), owner="nobody")


def expected(stage: Stage, person: Principal, operation: Operation, relation: str) -> str:
    """allow, 401, 403 or 404: by the table, the rules and the order of refusals of ``authority.md``."""
    if not holds(person, operation.action):
        return "401" if person.name == "public" else "403"
    row = row_of(stage, operation, relation)
    if row is None:
        return "404"
    if operation.nouns[0] not in OFFERS and may(person, operation.action, row, stage.shares):
        return "allow"
    noun = operation.nouns[0]
    if noun in OFFERS:
        return of_offer(stage, person, operation, stage.offers[noun, relation])
    readable = may(person, READS[noun], row, stage.shares)
    headline = noun == "case_id" and may(person, "case.read_headline", row, stage.shares)
    return "403" if readable or headline else "404"


def of_offer(stage: Stage, person: Principal, operation: Operation, offer: Offer) -> str:
    """What is offered to a team is that team's to decide, and to take back by who could offer it as it is now."""
    of = OFFERS[operation.nouns[0]]
    seen = reads_offer(person, of, offer, stage.shares)
    if operation.action == f"{of}.receive":
        reached = receives_offer(person, of, offer)
    elif operation.action == f"{of}.transfer":
        reached = may(person, operation.action, offer.row, {})
    else:
        reached = seen
    if reached:
        return "allow"
    return "403" if seen else "404"


def body_of(stage: Stage, person: Principal, operation: Operation) -> Any:
    """The contract's example, with ids within the caller's reach: a refusal must be for the record of the path alone."""
    body = copy.deepcopy(operation.example)
    if operation.media != "application/json" or not isinstance(body, dict):
        return body
    here = person.roles[0][1] != UUID(stage.there.id)
    kept = stage.ids["same team" if here else "other team"]
    adviser = stage.people["adviser" if here else "adviser abroad"].caller.person_id
    twin = stage.ids["issued" if here else "other issued"]
    known = {**kept, "to_team_id": stage.elsewhere.id, "duplicate_of": twin["enquiry_id"], "recommendation_ids": kept["recommendation_id"], "adviser_id": adviser, "person_id": adviser, "reviewer_id": stage.people["reviewer"].caller.person_id}  # fmt: skip
    if operation.action == "person.manage":
        known["team_id"] = stage.elsewhere.id  # a part given here would let the next who asks reach that person
    for at in operation.fields:
        name = next(step for step in reversed(at) if step != "[]")
        if name in body and name in known:
            body = with_id(body, at, str(known[name]))
        elif at[0] in body:
            body = without_id(body, at)
    return body


def ask(
    caller: Caller, operation: Operation, ids: dict[str, str], body: Any, *, match: str = STALE,
    query: dict[str, str] | None = None, key: str | None = None,
) -> httpx.Response:  # fmt: skip
    """The request, well-formed."""
    path = re.sub(r"\{([^}]+)\}", lambda found: ids.get(found[1]) or str(uuid.uuid4()), operation.path)
    headers = {"Idempotency-Key": key or str(uuid.uuid4()), "If-Match": match}
    given: dict[str, Any] = {"headers": headers, "params": query}
    if operation.media == "application/json":
        given["json"] = body
    elif operation.media is not None:
        headers["Content-Type"] = operation.media
        given["content"] = body if isinstance(body, str) else ""
    return caller.request(operation.method, path, **given)


def class_of(response: httpx.Response) -> str:
    """How the answer stands: refused by whom, or let through."""
    return str(response.status_code) if response.status_code in (401, 403, 404) else "allow"


PRIVATE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VARYING = {"date", "x-request-id", "server-timing"}


def bare(response: httpx.Response) -> tuple[Any, ...]:
    """A response without what differs from request to request: ids that were sent or drawn, the time."""
    body = PRIVATE.sub("<id>", response.text)
    headers = sorted((k, PRIVATE.sub("<id>", v)) for k, v in response.headers.items() if k.lower() not in VARYING)
    return response.status_code, body, tuple(headers)


def reaches_less_than_all(person: Principal, action: str, noun: str) -> bool:
    """Whether there can be foreign records at all for this person, this action, and what the id names."""
    if not holds(person, action) or noun in ("team_id", "kind", "code", "signpost_id", "holiday_id", "level_id"):
        return False
    reads = READS.get(noun, action)
    return all(authority()[each][role] != "all" for role, _ in person.roles for each in (action, reads))


def told_apart(stage: Stage, name: str, among: list[Operation]) -> list[str]:
    """The operations whose answer for a foreign id is another than for an absent one."""
    person, found = stage.people[name], []
    for operation in among:
        if "other team" not in relations(stage, operation) or expected(stage, person, operation, "other team") != "404":
            continue
        try:
            foreign = bare(ask(person.caller, operation, stage.ids["other team"], None))
        except AssertionError:
            found.append(operation.name)  # the canaries spoke
            continue
        if foreign != bare(ask(person.caller, operation, stage.ids["absent"], None)):
            found.append(operation.name)
    return found
