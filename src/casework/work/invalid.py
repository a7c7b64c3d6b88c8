"""What is told of a request that was read but is not right: where, by our own names, and what would be right."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError

from casework.kernel.inputs import NOT_READ
from casework.kernel.pointers import locate
from casework.kernel.problems import ValidationFailed
from casework.kernel.strict_json import MAX_ERRORS, MAX_POINTER

_MEMBER = re.compile(r"[A-Za-z_$][\w$.-]{0,59}\Z", re.ASCII)
"""What may be the name of a field. Anything else that stands in its place may be a text, and is not sent back."""
_OBJECT = "Send an object."
_MESSAGES = {
    "missing": "This field is required.",
    "uuid_parsing": "Send a UUID in its canonical form.",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "none_required": "Send null.",
}
"""In the words of the contract, where the library's own are those of its language (``tests/contract/test_wrong_words.py``)."""


def of_body(error: ValidationError, body: Any) -> ValidationFailed:
    """The refusal of a body of this annotation."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return ValidationFailed(
        errors=_first(_of_body(each["loc"], each, body) for each in found if each["type"] != NOT_READ)
    )


def of_request(errors: Iterable[Mapping[str, Any]], body: Any) -> ValidationFailed:
    """The refusal of a whole request, as FastAPI tells what is wrong with it."""
    return ValidationFailed(errors=_first(_of_request(each, body) for each in errors))


def missing_body() -> ValidationFailed:
    """The refusal of a request that has no body where one is needed."""
    return ValidationFailed(errors=[{"pointer": "", "code": "missing", "message": "Send a body of JSON."}])


def relocate(problem: ValidationFailed, body: Any) -> None:
    """Point to where the body states what the database refused by the name of a column: it may be further down."""
    for error in problem.extensions.get("errors", ()):
        name = str(error.get("pointer", "")).removeprefix("/")
        if isinstance(body, dict) and name and "/" not in name and name not in body:
            places = list(islice(_places(body, name, ""), 2))
            if places:  # else it is what is missing
                error["pointer"] = places[0] if len(places) == 1 else ""


def _places(value: Any, name: str, pointer: str) -> Iterator[str]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        if step == name:
            yield f"{pointer}/{step}"
        yield from _places(inner, name, f"{pointer}/{step}")


def _first(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first so many that differ: ten thousand unknown fields are one mistake, and the work ends where the answer does."""
    seen: set[tuple[Any, ...]] = set()

    def new(each: dict[str, Any]) -> bool:
        key = tuple(each.values())
        known = key in seen
        seen.add(key)
        return not known

    return list(islice((each for each in told if new(each)), MAX_ERRORS))


def _of_request(error: Mapping[str, Any], body: Any) -> dict[str, Any]:
    where, *path = error["loc"]
    if where == "body":
        return _of_body(path, error, body)
    place = {"parameter": str(path[0]) if path else ""}
    return {**place, "code": error["type"], "message": _MESSAGES.get(error["type"], error["msg"])}


def _of_body(path: Iterable[int | str], error: Mapping[str, Any], body: Any) -> dict[str, Any]:
    steps = list(path)
    code = error["type"]
    if code != "extra_forbidden":
        return {"pointer": locate(body, steps)[0], "code": code, "message": _MESSAGES.get(code, error["msg"])}
    pointer, fields = locate(body, steps)
    member = str(steps[-1])
    if _MEMBER.match(member) and len(pointer) + len(member) < MAX_POINTER:
        pointer = f"{pointer}/{member}"
    told = f"There is no such field here; leave it out. There are: {', '.join(fields)}."
    return {"pointer": pointer, "code": code, "message": told}
