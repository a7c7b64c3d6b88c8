"""The contract: generated, committed, valid, and complete."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from casework import contract
from casework.access.actions import Action
from casework.kernel.problems import Problem
from tests.support.callers import fetch
from tests.support.world import World

DOCUMENT = json.loads(contract.text())
OPERATIONS = [
    pytest.param(method, path, operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_contract_is_the_one_of_this_code() -> None:
    assert contract.committed().read_text(encoding="utf-8") == contract.text(), "run `make openapi`"


def test_the_contract_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_an_operation_is_told_completely(method: str, path: str, operation: dict) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in contract.TAGS
    assert any(status.startswith("2") for status in operation["responses"])
    if operation["operationId"].startswith("health."):
        return
    assert operation["operationId"].partition("-")[0] == operation["x-action"]
    assert operation["x-action"] in set(Action)
    for status in ("401", "403", "404", "422", "429", "500", "503"):
        assert status in operation["responses"]
    body = operation.get("requestBody")
    if body:
        media = next(iter(body["content"].values()))
        assert "example" in media or "examples" in media, "a request body needs an example"


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_paths_are_nouns_under_v1(method: str, path: str, operation: dict) -> None:
    assert path.startswith(("/v1/", "/health/"))
    # The kinds of reference data are words of the field, as they stand in the data.
    assert re.fullmatch(r"(/[a-z0-9-]+|/\{[a-z_]+\})+", path.replace("/reference/local_authorities", ""))


def test_every_problem_named_in_the_contract_has_a_page() -> None:
    answers = [
        answer for *_, operation in (case.values for case in OPERATIONS) for answer in operation["responses"].items()
    ]
    named = {
        name
        for status, answer in answers
        if status >= "4"
        for name in re.findall(r"`([a-z-]+)`: ", answer["description"])
    }
    assert named
    assert named <= Problem.registry.keys()


def test_every_field_of_a_view_is_required() -> None:
    incomplete = []
    for name, schema in DOCUMENT["components"]["schemas"].items():
        if schema.get("additionalProperties") is False and name.endswith(("View", "Row", "Page")):
            missing = schema.get("properties", {}).keys() - set(schema.get("required", ()))
            incomplete += [f"{name}.{field}" for field in missing]
    assert incomplete == []


def test_inputs_refuse_unknown_fields() -> None:
    bodies = set()
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                bodies |= set(re.findall(r"#/components/schemas/(\w+)", json.dumps(media.get("schema", {}))))
    # Whoever needs another service is told so, whatever else they sent along.
    bodies -= {"OtherNeed"}
    open_ones = [
        name
        for name in bodies
        if DOCUMENT["components"]["schemas"][name].get("type") == "object"
        and DOCUMENT["components"]["schemas"][name].get("additionalProperties") is not False
    ]
    assert open_ones == []


def test_every_file_of_the_docs_page_is_there(world: World) -> None:
    page = fetch(f"{world.base_url}/docs")
    assert page.status_code == 200
    for name in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text):
        assert fetch(world.base_url + name).status_code == 200, name
    assert fetch(f"{world.base_url}/openapi.json").json()["openapi"] == "3.1.0"


def test_every_problem_page_says_what_would_be_right(world: World) -> None:
    for slug in Problem.registry:
        page = fetch(f"{world.base_url}/problems/{slug}", headers={"Accept": "text/html"})
        assert page.status_code == 200, slug
        assert slug in page.text
