"""What an action warns of stands in its answer, and in the same answer given again."""

from typing import Any

import pytest

from casework.organisations import actions
from casework.work.unit import Answer, Work
from tests.support import contract
from tests.support.callers import ok, warned
from tests.support.world import Team, World

UNKNOWN = "04012 345678"


@pytest.mark.parametrize("when", ["before it is shown", "after it is shown"])
def test_a_warning_of_an_action_is_kept_with_the_answer(
    team: Team, world: World, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, warnings = actions.create_organisation, iter(["first", "second"])

    async def create(work: Work, creation: Any) -> Answer:
        if when == "before it is shown":
            work.warn("/name", next(warnings), "Another of this name is kept already.")
        answer = await genuine(work, creation)
        if when == "after it is shown":
            work.warn("/name", next(warnings), "Another of this name is kept already.")
        return answer

    monkeypatch.setattr(actions, "create_organisation", create)
    adviser = team.person("adviser")
    body = {"team_id": team.id, "name": "Hall Ltd", "phone": UNKNOWN}
    answer = adviser.post("/v1/organisations", body, key="kept-with-its-warning")
    assert warned(answer) == [("/phone", "phone-not-known-valid"), ("/name", "first")]
    again = adviser.post("/v1/organisations", body, key="kept-with-its-warning")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == answer.json()
    assert "warnings" not in again.headers
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert warned(adviser.post("/v1/organisations", body)) == [("/phone", "phone-not-known-valid"), ("/name", "second")]


def test_what_is_kept_is_the_record_alone(team: Team, world: World) -> None:
    adviser = team.person("adviser")
    body = {"team_id": team.id, "name": f"Hall {team.mark}", "phone": UNKNOWN}
    ok(adviser.post("/v1/organisations", body), 201)
    rows = world.sql(
        "SELECT body, headers FROM work.idempotency_key WHERE body LIKE '%' || $1 || '%'", f"Hall {team.mark}"
    )
    assert len(rows) == 1
    assert not any("warnings" in str(row[column]) for row in rows for column in ("body", "headers"))


def test_every_write_says_in_the_contract_that_it_warns() -> None:
    document = contract.document()
    schemas = document["components"]["schemas"]

    def warns(schema: dict[str, Any]) -> bool:
        parts = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if parts:
            return all(warns(part) for part in parts)
        shown = schemas[schema["$ref"].rpartition("/")[2]]
        if "oneOf" in shown or "anyOf" in shown:
            return warns(shown)
        return "warnings" in shown["required"]

    told: dict[bool, set[str]] = {True: set(), False: set()}
    for methods in document["paths"].values():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and "application/json" in answer.get("content", {}):
                    schema = answer["content"]["application/json"]["schema"]
                    if method == "get":
                        assert "WithWarnings" not in str(schema), operation["operationId"]
                    else:
                        told[warns(schema)].add(operation["operationId"])
    # Of an OAuth token, RFC 6749 says what it may hold.
    assert told[False] == {"session.manage_own-token"}
    assert len(told[True]) > 70
