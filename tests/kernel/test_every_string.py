"""Every string that comes in is read by a kind of its own (``kernel/columns``), or is a word of a closed list.

What is typed as a bare ``str`` would be stored with whatever it holds: the door refuses only what no text may hold.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from casework.app import routers
from casework.kernel import characters
from casework.kernel.columns import Rule
from casework.people.schemas import SCOPES
from tests.support import inputs

ROUTES = [route for router in routers() for route in router.routes if isinstance(route, APIRoute)]
CLOSED = re.compile(r"\^[a-z0-9_\[\]{}(),|?*+-]+\$", re.IGNORECASE)
"""A pattern of words or of letters and digits, from end to end."""


def strings(annotation: Any, metadata: list[Any], where: str, seen: tuple[Any, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Where strings are taken, and whether something reads them."""
    if hasattr(annotation, "__metadata__"):
        yield from strings(annotation.__origin__, [*metadata, *annotation.__metadata__], where, seen)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in seen:
            for name, field in annotation.model_fields.items():
                yield from strings(field.annotation, field.metadata, f"{where}/{name}", (*seen, annotation))
    elif annotation is str:
        yield where, any(_reads(each) for each in metadata)
    elif annotation in (Any, object, bytes) or get_origin(annotation) is dict:
        yield where, False
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from strings(inner, metadata if get_origin(annotation) is not list else [], where, seen)


def _reads(metadata: Any) -> bool:
    if isinstance(metadata, FieldInfo):
        return any(_reads(each) for each in metadata.metadata)
    schema = getattr(metadata, "json_schema", None) or {}
    pattern = getattr(metadata, "pattern", None)
    return isinstance(metadata, Rule) or schema.get("enum") == SCOPES or bool(pattern and CLOSED.fullmatch(pattern))


def taken() -> Iterator[tuple[str, bool]]:
    for route in ROUTES:
        dependant = route.dependant
        for field in [*dependant.path_params, *dependant.query_params, *dependant.body_params]:
            info = field.field_info
            place = "" if field in dependant.body_params else f"?{field.alias}"
            yield from strings(info.annotation, [info, *info.metadata], f"{route.operation_id}{place}")


def test_there_is_much_to_look_at() -> None:
    assert len(list(taken())) > 200


@pytest.mark.parametrize(("where", "read"), sorted(set(taken())))
def test_a_string_is_read_by_a_kind(where: str, read: bool) -> None:
    assert read, f"{where} is a bare string: give it a kind of kernel/columns"


LONG = 1_000
"""Characters that nobody writes in one line: a field that takes as many takes the ends of lines too."""


def long_ones() -> dict[str, Rule]:
    """The fields of bodies that may hold much, and what reads each."""
    return {
        leaf.where: rule
        for leaf in inputs.of_bodies()
        for rule in leaf.rules
        if isinstance(rule, Rule)
        and rule.contract.get("type") == "string"
        and rule.contract.get("maxLength", 0) >= LONG
    }


def test_what_may_be_long_takes_lines_however_they_end() -> None:
    found = long_ones()
    assert len(found) > 50
    wrong = []
    for where, rule in found.items():
        try:
            read = rule.read("One\r\ntwo")
        except PydanticCustomError as refusal:
            read = refusal.type
        if read != "One\ntwo":
            wrong.append((where, read))
    assert wrong == []


def test_a_bare_string_is_found() -> None:
    class Careless(BaseModel):
        note: str
        notes: list[str] = []
        more: dict[str, str] = {}
        kind: Literal["a"] = "a"

    assert [each for each, read in strings(Careless, [], "") if not read] == ["/note", "/notes", "/more"]


def test_what_can_be_printed_is_never_refused_nor_odd() -> None:
    """The short way that most texts take, over all code points: nothing that a reader treats is printable to Python."""
    printable = [chr(n) for n in range(sys.maxunicode + 1) if chr(n).isprintable()]
    assert len(printable) > 100_000
    treated = (characters._REFUSED, characters._REFUSED_FAR, characters._ODD, characters._NEEDLESS)
    assert [each for each in printable if any(rule.search(each) for rule in treated)] == []
