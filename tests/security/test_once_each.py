"""A record that may be seen for several reasons is one record: in reach, in lists, page by page, and in the log of what was read."""

from typing import Any

import asyncpg
import pytest

from casework.access import policy
from tests.security.model import holds
from tests.security.operations import operations
from tests.security.stage import Stage
from tests.security.test_rows import PRINCIPALS, begun
from tests.support.callers import Caller, ok

SEVERAL = ("supervisor and information manager", "adviser, reviewer and coordinator")
"""Those with several parts in one team that reach the same records."""
LISTS = tuple(
    o
    for o in operations()
    if o.method == "GET" and not o.nouns and "limit" in o.parameters and o.path != "/v1/access-log"
)
"""Every list that is asked for without an address; the log by reference is `audit_log/test_by_reference.py`'s."""


def listed(caller: Caller, path: str, limit: int) -> list[str]:
    """The ids of a list, page by page to its end; that a page holds none twice is asserted by the caller itself."""
    found: list[str] = []
    cursor = None
    while True:
        page = ok(caller.get(path, limit=limit, **({"cursor": cursor} if cursor else {})))
        assert len(page["items"]) == limit or page["next_cursor"] is None
        found += [str(item.get("id") or item.get("event") or item["person_id"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None or len(found) > 200:
            return found


@pytest.mark.parametrize("name", PRINCIPALS)
def test_reach_names_nothing_twice(stage: Stage, name: str) -> None:
    """What a list takes a branch for, whatever the action: teams, restricted ones answered for, cases."""
    person = stage.people[name]

    async def ask(connection: asyncpg.Connection) -> list[str]:
        wrong = []
        for action in sorted({row[0] for row in policy.rows()}):
            async with connection.transaction():
                row = await begun(connection, person, action)
                arrays = {each: row[each] for each in ("teams", "answering", "cases", "roles")}
                for function in ("read_teams", "member_teams", "answering_teams", "cases"):
                    arrays[function] = await connection.fetchval(f"SELECT access.{function}($1)", action)
                for role in ("adviser", "reviewer"):
                    arrays[f"people with {role}"] = await connection.fetchval("SELECT access.people_with($1)", role)
            wrong += [f"{action}: {each}" for each, ids in arrays.items() if len(ids) != len(set(ids))]
        return wrong

    assert stage.world.run_as("casework_api", ask) == []


@pytest.mark.parametrize("name", SEVERAL)
def test_pages_are_full_and_hold_each_record_once(stage: Stage, name: str) -> None:
    person, met = stage.people[name], set()
    for operation in LISTS:
        if holds(person, operation.action):
            whole = listed(person.caller, operation.path, 200)
            # A page of three is cut between twins, if there are any.
            assert len(whole) == len(set(whole)), operation.name
            if operation.action != "audit.read":  # which grows by each look at it
                assert listed(person.caller, operation.path, 3)[:200] == whole[:200], operation.name
            met |= {operation.path} if whole else set()
    wanted = {
        "/v1/premises",
        "/v1/case-headlines",
        "/v1/people",
        "/v1/cases",
        "/v1/case-transfers",
        "/v1/enquiry-transfers",
    }
    assert wanted <= met


def test_a_further_part_shows_nothing_more_than_once(stage: Stage) -> None:
    """What the second part adds is its own reach: the records of the first stay as many as they were."""
    one, two = stage.people["supervisor"], stage.people["supervisor and information manager"]
    for path in ("/v1/premises", "/v1/case-headlines", "/v1/people"):
        assert listed(two.caller, path, 50) == listed(one.caller, path, 50)


def test_the_log_names_each_record_of_a_list_once(stage: Stage) -> None:
    person = stage.people["supervisor and information manager"]
    for path in ("/v1/premises", "/v1/case-headlines", "/v1/people"):
        answer = person.caller.get(path)
        told: Any = stage.world.sql(
            "SELECT o.object_id FROM audit.event e JOIN audit.event_object o ON o.event_id = e.id"
            " WHERE e.request_id = $1::text::uuid AND o.operation = 'consultation'",
            answer.headers["X-Request-Id"],
        )
        assert sorted(str(row["object_id"]) for row in told) == sorted(item["id"] for item in ok(answer)["items"])
