"""The contract under generated requests (schemathesis): every operation as each role, with real ids, keys and versions.

No answer is a 5xx, none is undocumented in its status, media type, headers or shape, and none holds what a strange team wrote.
In each round everybody asks every operation that has an action once (the health words, without input, are `test_health.py`'s);
the seed is fixed. The first round is asked whatever it takes, the others
while there is time.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from casework.access.tokens import hash_token
from tests.api.conftest import out_of_time, tally
from tests.security import moving
from tests.security import stage as staging
from tests.security.operations import Operation, operations
from tests.security.stage import Stage
from tests.support import canaries, contract
from tests.support.world import World

ROLES = (
    "public", "enquirer", "verified_enquirer", "adviser", "reviewer", "coordinator", "supervisor", "information_manager", "auditor",
    "national_reader", "professional_lead", "administrator", "service",
)  # fmt: skip
MODES = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
"""Of each round: what the contract allows, or what it does not."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
ENDING = ("session.manage_own-close", "session.manage_own-end")
"""End the session with which they are asked: each time a session of their own."""
PLAN = [(turn, each.name) for turn in range(len(MODES)) for each in operations()]


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
def generated() -> dict[str, Any]:
    """The contract as schemathesis reads it, by operationId."""
    schema = schemathesis.openapi.from_dict(contract.document())
    found = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        found[operation.definition.raw["operationId"]] = operation
    return found


def fill(stage: Stage, operation: Operation, case: Any, relation: str) -> None:
    """Real ids, a fresh key and the current version."""
    ids = stage.ids[relation]
    case.path_parameters = {**(case.path_parameters or {}), **{n: ids[n] for n in operation.nouns if n in ids}}
    case.headers = {
        **{
            k: v
            for k, v in (case.headers or {}).items()
            if k.lower() not in ("x-acting-for", "authorization", "x-purpose", "x-confirmation")
        },
        "Idempotency-Key": str(uuid.uuid4()),
        "If-Match": moving.version(stage, operation, ids),
    }


@pytest.mark.parametrize(("turn", "name"), PLAN)
def test_an_operation_answers_everybody_what_it_documents(
    stage: Stage, generated: dict[str, Any], turn: int, name: str, session: requests.Session
) -> None:
    if turn and out_of_time():
        pytest.skip("the budget of four minutes is spent")
    operation = next(each for each in operations() if each.name == name)
    # Another order in each round: the first cases that are drawn are always the plainest.
    waiting = [*ROLES[turn * 3 :], *ROLES[: turn * 3]]
    wrong: list[str] = []
    last: list[Any] = []

    @seed(20261122 + turn)
    @settings(
        max_examples=len(ROLES),
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=generated[name].as_strategy(generation_mode=MODES[turn]),
        how=st.sampled_from(("mine", "mine", "issued", "other team", "as drawn")),
    )
    def ask(case: Any, how: str) -> None:
        if how != "as drawn":
            fill(stage, operation, case, how)
        last[:] = [case]
        if waiting:
            wrong.extend(answered(stage, operation, case, waiting.pop(0), session))

    ask()
    # Where the contract leaves less to draw than there are roles, the last case is asked again.
    for role in waiting:
        wrong += answered(stage, operation, last[0], role, session)
    assert wrong == []


def answered(stage: Stage, operation: Operation, case: Any, role: str, session: requests.Session) -> list[str]:
    """What is wrong with the answer that this role gets."""
    caller = stage.people[role].caller
    token = twin(stage, caller.token) if caller.token and operation.name in ENDING else caller.token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if caller.confirmation is not None:
        headers["X-Confirmation"] = caller.confirmation if token == caller.token else _confirmed(stage, caller, token)
    try:
        response = case.call(base_url=stage.world.base_url, session=session, headers=headers, timeout=20)
    except requests.RequestException as error:
        tally[operation.name, role, 0] += 1
        return [f"{role}: {type(error).__name__}: {error}"[:300]]
    tally[operation.name, role, response.status_code] += 1
    said = f"{role}: {response.request.method} {response.request.url}: {response.status_code}"
    try:
        case.validate_response(response, checks=CHECKS)
    except BaseExceptionGroup as group:
        return [f"{said} {group.exceptions}"[:900]]
    except Exception as error:
        return [f"{said} {error}"[:900]]
    own = {team[-12:] for team in caller.teams}
    strange = [each for each in canaries.foreign(response.text, own) if not tied(caller, each)]
    return [f"{said} holds what {strange} wrote"] if strange else []


def tied(caller: Any, mark: str) -> bool:
    """Whether the caller lawfully meets the team of this mark."""
    return caller.tied is not None and caller.tied(caller.person_id or "", mark)


def _confirmed(stage: Stage, caller: Any, token: str) -> str:
    """The confirmation of a second session, like this one in everything else."""
    new = f"cnf_{uuid.uuid4().hex}{uuid.uuid4().hex}"
    stage.world.sql(
        "INSERT INTO access.confirmation SELECT (jsonb_populate_record(c, jsonb_build_object("
        "'token_hash', $2::bytea::text, 'session_hash', $3::bytea::text))).* FROM access.confirmation c WHERE token_hash = $1",
        hash_token(caller.confirmation), hash_token(new), hash_token(token),
    )  # fmt: skip
    return new


def twin(stage: Stage, token: str) -> str:
    """The token of a second session, like this one in everything else."""
    new = f"{token[:4]}{uuid.uuid4().hex}{uuid.uuid4().hex}"
    stage.world.sql(
        "INSERT INTO access.session SELECT (jsonb_populate_record(s, jsonb_build_object("
        "'id', gen_random_uuid(), 'token_hash', $2::bytea::text))).* FROM access.session s WHERE token_hash = $1",
        hash_token(token), hash_token(new),
    )  # fmt: skip
    return new
