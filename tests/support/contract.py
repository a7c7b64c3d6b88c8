"""Every response of the suite is held against the committed contract."""

import json
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from casework import contract

answered: dict[str, set[int]] = {}
"""Which statuses each operation has answered with so far in this process."""


@cache
def document() -> dict[str, Any]:
    """The contract of this code; that the committed one is the same has a test of its own."""
    loaded: dict[str, Any] = json.loads(contract.text())
    return loaded


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    # Fixed paths first: /v1/cases/taking is not the case named "taking".
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z"), path) for path in paths]


@cache
def _validator(pointer: tuple[str, ...]) -> Draft202012Validator:
    schema: Any = document()
    for step in pointer:
        schema = schema[step]
    return Draft202012Validator({**schema, "components": document()["components"]})


def check(response: httpx.Response) -> None:
    """Raise unless the contract knows this answer: its operation, status, media type and shape."""
    path = response.request.url.path
    head = response.request.method == "HEAD"
    method = "get" if head else response.request.method.lower()
    for pattern, template in _templates():
        if pattern.match(path) and method in document()["paths"][template]:
            break
    else:
        assert response.status_code in (404, 405, 400, 414), (
            f"{method} {path} is not in the contract: {response.status_code}"
        )
        return
    operation = document()["paths"][template][method]
    status = str(response.status_code)
    assert status in operation["responses"], f"{operation['operationId']} answered {status}, which it does not document"
    answered.setdefault(operation["operationId"], set()).add(response.status_code)
    if response.status_code == 204 or head:
        assert not response.content
        return
    media = response.headers["content-type"].partition(";")[0]
    content = operation["responses"][status].get("content", {})
    assert media in content, f"{operation['operationId']} answered {media}, documented: {sorted(content)}"
    if "schema" not in content[media]:
        return
    pointer = ("paths", template, method, "responses", status, "content", media, "schema")
    errors = [
        f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in _validator(pointer).iter_errors(response.json())
    ]
    assert not errors, f"{operation['operationId']} {status}: {errors[:5]}"
