"""What is told of a wrong word, wherever the contract has words of its own to choose from: those words, and no Python."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import contract
from tests.support.callers import Caller
from tests.support.world import Team

WRONG = "no-such-word"
PYTHON = re.compile(
    r"[<>]|\b(None|True|False|dict|dictionary|list of|instance|enum|Enum|object at|UUID\()|\w\.[A-Z_]{2,}\b"
)
ROLES = (
    "adviser", "reviewer", "coordinator", "supervisor", "information_manager", "auditor", "national_reader", "professional_lead",
    "administrator",
)  # fmt: skip


def resolved(schema: Any) -> Any:
    """The schema itself, where it is referred to."""
    while "$ref" in schema:
        schema = contract.document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def words(schema: Any) -> list[str]:
    """The words that a value may be, or of which a list is made; none where it is not a choice."""
    schema = resolved(schema)
    inner = [schema.get("items", {}), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    own = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    return [each for each in own if isinstance(each, str)] + [word for each in inner if each for word in words(each)]


def wrong(schema: Any) -> Any:
    """A value of this shape with another word in it."""
    schema = resolved(schema)
    lists = [each for each in (schema, *schema.get("anyOf", ())) if "items" in resolved(each)]
    return [WRONG] if lists else WRONG


def address(path: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: str(uuid.uuid4()), path)


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, item in contract.document()["paths"].items():
        for method, operation in item.items():
            if operation.get("x-action"):
                yield method, path, operation


QUERIES = [
    pytest.param(path, each, id=f"{operation['operationId']}?{each['name']}")
    for method, path, operation in operations() if method == "get"
    for each in operation.get("parameters", ()) if each["in"] == "query" and each["name"] != "sort"
]  # fmt: skip
BODIES = [
    pytest.param(method, path, media["schema"], id=operation["operationId"])
    for method, path, operation in operations()
    for kind, media in operation.get("requestBody", {}).get("content", {}).items()
    if kind == "application/json" and any(words(each) for each in resolved(media["schema"]).get("properties", {}).values())
]  # fmt: skip


@pytest.fixture(scope="module")
def everything(world: Any) -> Caller:
    """Somebody with every role, so that nothing but the words is wrong."""
    team: Team = world.team()
    return team.person(*ROLES)


def clean(document: Any) -> bool:
    """Whether nothing that is told is in the words of the language that we wrote this in."""
    return not PYTHON.search(" ".join(each["message"] for each in document["errors"]))


def told(document: Any, place: str, name: str) -> list[str]:
    return [
        each["message"] for each in document["errors"] if each.get(place, "").split("/")[:2] in ([name], ["", name])
    ]


@pytest.mark.parametrize(("path", "parameter"), QUERIES)
def test_of_a_query_parameter(everything: Caller, path: str, parameter: Any) -> None:
    choice = words(parameter["schema"])
    answer = everything.get(address(path), **{parameter["name"]: WRONG})
    if choice:
        assert answer.status_code == 422, answer.text
    if answer.status_code == 422:
        assert clean(answer.json()), answer.text
        if choice:
            (message,) = told(answer.json(), "parameter", parameter["name"])
            assert [word for word in choice if word not in message] == []


@pytest.mark.parametrize(("method", "path", "schema"), BODIES)
def test_of_a_body(everything: Caller, method: str, path: str, schema: Any) -> None:
    choices = {name: each for name, each in resolved(schema)["properties"].items() if words(each)}
    headers = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": '"1"'}
    if path == "/v1/enquiries" or path.startswith("/v1/tracking"):
        headers.pop("If-Match")
    answer = everything.request(
        method.upper(), address(path), json={name: wrong(each) for name, each in choices.items()}, headers=headers
    )
    assert answer.status_code == 422, answer.text
    document = answer.json()
    assert clean(document), document["errors"]
    for name, each in choices.items():
        messages = told(document, "pointer", name)
        assert messages, (name, document["errors"])
        assert [word for word in words(each) if word not in " ".join(messages)] == []


SHAPES: tuple[Any, ...] = (7, "text", [[]], [{}], {"a": 1}, None, True)


@pytest.mark.parametrize(("method", "path", "schema"), BODIES)
def test_of_a_value_of_another_shape(everything: Caller, method: str, path: str, schema: Any) -> None:
    names = resolved(schema)["properties"]
    headers = {
        "Idempotency-Key": str(uuid.uuid4()),
        **({} if path.startswith(("/v1/enquiries", "/v1/tracking")) else {"If-Match": '"1"'}),
    }
    for shape in (*(dict.fromkeys(names, each) for each in SHAPES), *SHAPES[:4]):
        answer = everything.request(method.upper(), address(path), json=shape, headers=headers)
        assert answer.status_code in (422, 404, 412, 428), answer.text
        if answer.status_code == 422:
            assert clean(answer.json()), (shape, answer.text)
