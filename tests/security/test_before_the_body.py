"""What is spent on a body before its sender is known: little for anybody, and no validation for whoever may not do the thing."""

import json
from typing import Any

import pytest

from casework.access.policy import POLICY, Role
from casework.kernel.sizes import PUBLIC
from casework.work import operations as registered
from casework.work.lane import Plain
from tests.security.operations import Operation, operations
from tests.support.callers import Caller, refused
from tests.support.world import Team, World

WRITES = [each for each in operations() if each.method in ("POST", "PUT", "PATCH")]
OPEN_TO_ALL = [each for each in WRITES if not registered.operations[each.name].judged_first]
"""Where anybody may send a body."""


def sent(caller: Caller, operation: Operation, content: bytes, **headers: str) -> Any:
    path = operation.path
    for name in ("{" + part.split("}")[0] + "}" for part in operation.path.split("{")[1:]):
        path = path.replace(name, "sectors" if name == "{kind}" else "0190b2c4-0000-7000-8000-00000000abcd")
    form = "application/x-www-form-urlencoded"
    kind = "application/json" if not path.endswith("/oauth/token") else form
    given = {"Content-Type": kind, "Idempotency-Key": "0" * 24, "If-Match": '"1"', **headers}
    return caller.request(operation.method, path, content=content, headers=given)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests whose body was validated."""
    seen: list[str] = []
    true = Plain.stated

    def watched(self: Plain, scope: Any) -> dict[str, Any]:
        seen.append(scope["path"])
        return true(self, scope)

    monkeypatch.setattr(Plain, "stated", watched)
    return seen


def test_no_body_of_a_stranger_is_validated(world: World, unread: list[str]) -> None:
    asked = [each for each in WRITES if each not in OPEN_TO_ALL]
    for operation in asked:
        assert sent(world.anybody(), operation, b"{}").status_code == 401, operation.name
    assert len(asked) > 80
    assert unread == []


def test_no_body_of_whoever_has_no_such_role_is_validated(team: Team, unread: list[str]) -> None:
    reader = team.person("national_reader")
    asked = [
        each
        for each in WRITES
        if each not in OPEN_TO_ALL and Role.NATIONAL_READER not in POLICY[registered.operations[each.name].action].reach
    ]
    for operation in asked:
        assert sent(reader, operation, b"{}").status_code == 403, operation.name
    assert len(asked) > 80
    assert unread == []


def test_a_body_of_whoever_may_is_validated(team: Team, unread: list[str]) -> None:
    """The control: the watch sees what is validated."""
    refused(team.person("adviser").post("/v1/cases", {}), 422, "validation-failed")
    assert unread == ["/v1/cases"]


@pytest.mark.parametrize("operation", OPEN_TO_ALL, ids=lambda each: each.name)
@pytest.mark.parametrize("claimed", [None, "Bearer x", "Bearer ses_" + "x" * 43, "Basic eDp4", "nonsense"])
def test_what_anybody_may_send_is_little_whatever_token_it_claims(
    world: World, operation: Operation, claimed: str | None
) -> None:
    many = json.dumps({f"u{number}": 1 for number in range(PUBLIC.members + 1)}).encode()
    long = json.dumps({"description": "x" * PUBLIC.bytes}).encode()
    headers = {} if claimed is None else {"Authorization": claimed}
    for body in (long,) if operation.path.endswith("/oauth/token") else (many, long):
        refused(sent(world.anybody(), operation, body, **headers), 413, "body-too-large")


def test_staff_are_held_to_it_there_too(team: Team) -> None:
    many = json.dumps({f"u{number}": 1 for number in range(PUBLIC.members + 1)}).encode()
    adviser = team.person("adviser")
    for operation in OPEN_TO_ALL:
        if not operation.path.endswith("/oauth/token"):
            refused(sent(adviser, operation, many), 413, "body-too-large")
