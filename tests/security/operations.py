"""Every operation of the contract, as the proofs ask for it: its path, its example, and every field that is an id."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from tests.support import contract


class Operation(NamedTuple):
    """One operation of the contract."""

    name: str
    action: str
    method: str
    path: str
    example: Any
    media: str | None
    nouns: tuple[str, ...]
    """The names of its path parameters."""
    queries: tuple[str, ...]
    """Query parameters that are ids."""
    parameters: tuple[str, ...]
    """All query parameters."""
    fields: tuple[tuple[str, ...], ...]
    """Paths into the body that end at an id; ``[]`` stands for every element of an array."""
    matched: bool


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation that has an action; what ends a thing comes last, and logging out last of all."""
    found = [
        _operation(path, method, stated)
        for path, item in contract.document()["paths"].items()
        for method, stated in item.items()
        if "x-action" in stated
    ]
    return tuple(sorted(found, key=lambda o: (o.name == LAST, o.method == "DELETE", o.path, o.method)))


RENAMED = {
    "/v1/case-transfers/{transfer_id}": "/v1/case-transfers/{case_transfer_id}",
    "/v1/enquiry-transfers/{transfer_id}": "/v1/enquiry-transfers/{enquiry_transfer_id}",
}
"""Two collections call what they hold by the same word; here each has its own."""
LAST = "session.manage_own-close"
"""Logs out: asked last, and its caller logs in for nothing else."""


def _operation(path: str, method: str, stated: dict[str, Any]) -> Operation:
    content = stated.get("requestBody", {}).get("content", {})
    media: str | None = next(iter(content), None)
    body = content[media] if media else {}
    parameters = stated.get("parameters", [])
    for said, meant in RENAMED.items():
        path = path.replace(said, meant)
    return Operation(
        stated["operationId"],
        stated["x-action"],
        method.upper(),
        path,
        body.get("example"),
        media,
        tuple(re.findall(r"\{([^}]+)\}", path)),
        tuple(p["name"] for p in parameters if p["in"] == "query" and () in ids_of(p["schema"])),
        tuple(p["name"] for p in parameters if p["in"] == "query"),
        tuple(sorted(set(ids_of(body.get("schema", {}))))),
        any(p["name"] == "If-Match" for p in parameters),
    )


def ids_of(schema: dict[str, Any]) -> list[tuple[str, ...]]:
    """Where a schema holds ids."""
    return list(_walk(schema, (), ()))


def _walk(schema: dict[str, Any], at: tuple[str, ...], seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from _walk(contract.document()["components"]["schemas"][name], at, (*seen, name))
        return
    if schema.get("format") == "uuid":
        yield at
    for name, inner in schema.get("properties", {}).items():
        yield from _walk(inner, (*at, name), seen)
    if isinstance(schema.get("items"), dict):
        yield from _walk(schema["items"], (*at, "[]"), seen)
    for word in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(word, ()):
            yield from _walk(inner, at, seen)


def with_id(body: Any, at: tuple[str, ...], value: str) -> Any:
    """The body with this id at that place; what leads there is made."""
    if not at:
        return value
    step, *rest = at
    if step == "[]":
        first = body[0] if isinstance(body, list) and body else None
        return [with_id(first, tuple(rest), value)]
    inner = dict(body) if isinstance(body, dict) else {}
    inner[step] = with_id(inner.get(step), tuple(rest), value)
    return inner


def without_id(body: Any, at: tuple[str, ...]) -> Any:
    """The body without what stands at that place."""
    if not isinstance(body, dict) or at[0] not in body:
        return body
    if len(at) == 1 or (at[1] == "[]" and len(at) == 2):
        return {name: value for name, value in body.items() if name != at[0]}
    if at[1] == "[]":
        return {**body, at[0]: [without_id(each, at[2:]) for each in body[at[0]]]}
    return {**body, at[0]: without_id(body[at[0]], at[1:])}
