"""The contract under generated requests (schemathesis): every operation as each role, with real ids, keys and versions.

No answer is a 5xx, none is undocumented in its status, media type, headers or shape. The seed is fixed; the number of cases
is divided among operations and roles, so that the whole takes a known time.
"""

import os
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.security import moving
from tests.security import stage as staging
from tests.security.operations import Operation, operations
from tests.security.stage import Stage
from tests.support import contract
from tests.support.world import World

ROLES = (
    "public", "enquirer", "verified_enquirer", "adviser", "reviewer", "coordinator", "supervisor", "information_manager", "auditor",
    "national_reader", "professional_lead", "administrator", "service",
)  # fmt: skip
CASES = int(os.environ.get("CASEWORK_API_CASES", "4"))
"""For each operation and role."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXCEPTIONS = {
    "session.manage_own-close": "ends the session with which the rest is asked",
    "session.manage_own-end": "ends the session with which the rest is asked",
}


@pytest.fixture(scope="session")
def stage(world: World) -> Stage:
    """A world with a record behind every id, so that requests get beyond 404."""
    return staging.build(world)


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """One connection for all."""
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """How many cases each role had."""
    tally: Counter[str] = Counter()
    yield tally
    print(f"\ngenerated requests: {tally.total()}, {dict(tally)}")
    assert tally.total() > 0


@pytest.fixture(scope="session")
def generated() -> dict[str, Any]:
    """The contract as schemathesis reads it, by operationId."""
    schema = schemathesis.openapi.from_dict(contract.document())
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


def fill(stage: Stage, operation: Operation, case: Any, relation: str) -> None:
    """Real ids, a fresh key and the current version, where the draw says so."""
    ids = stage.ids[relation]
    case.path_parameters = {**(case.path_parameters or {}), **{n: ids[n] for n in operation.nouns if n in ids}}
    case.headers = {
        **{
            k: v
            for k, v in (case.headers or {}).items()
            if k.lower() not in ("x-acting-for", "authorization", "x-purpose")
        },
        "Idempotency-Key": str(uuid.uuid4()),
        "If-Match": moving.version(stage, operation, ids),
    }


@pytest.mark.parametrize("name", [each.name for each in operations() if each.name not in EXCEPTIONS])
def test_an_operation_answers_everybody_what_it_documents(
    stage: Stage, generated: dict[str, Any], name: str, session: requests.Session, tally: Counter[str]
) -> None:
    operation = next(each for each in operations() if each.name == name)
    wrong: list[str] = []
    asked: set[str] = set()
    last: list[Any] = []

    @seed(20261122)
    @settings(
        max_examples=CASES * len(ROLES),
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=generated[name].as_strategy(),
        role=st.sampled_from(ROLES),
        how=st.sampled_from(("mine", "issued", "other team", "as drawn")),
    )
    def ask(case: Any, role: str, how: str) -> None:
        if how != "as drawn":
            fill(stage, operation, case, how)
        last[:] = [case]
        asked.add(role)
        tally[role] += 1
        wrong.extend(answered(stage, case, role, session))

    ask()
    for role in sorted(set(ROLES) - asked):
        tally[role] += 1
        wrong += answered(stage, last[0], role, session)
    assert wrong == []


def answered(stage: Stage, case: Any, role: str, session: requests.Session) -> list[str]:
    """What is wrong with the answer that this role gets."""
    token = stage.people[role].caller.token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = case.call(base_url=stage.world.base_url, session=session, headers=headers, timeout=20)
    except requests.RequestException as error:
        return [f"{role}: {type(error).__name__}: {error}"[:300]]
    try:
        case.validate_response(response, checks=CHECKS)
    except Exception as error:
        return [f"{role}: {response.request.method} {response.request.url}: {response.status_code} {error}"[:900]]
    except BaseExceptionGroup as group:
        return [
            f"{role}: {response.request.method} {response.request.url}: {response.status_code} {group.exceptions}"[:900]
        ]
    return []
