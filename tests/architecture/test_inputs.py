"""What comes in is declared in the house's own kinds: plain models, bounded lists, and one reading of each kind of value."""

import inspect
import json
from enum import StrEnum
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.types import Strict
from sqlmodel import SQLModel

from casework.kernel import sizes
from casework.kernel.columns import Rule
from casework.kernel.inputs import DEGREES, DIGITS, Flag, Uuid
from tests.support import contract, inputs

READERS = {DIGITS.func, DEGREES.func, *(kind.__metadata__[0].func for kind in (Flag, Uuid))}  # type: ignore[attr-defined]


def test_no_input_is_a_sqlmodel() -> None:
    """Its constructor would take the caller's members as keywords."""
    found = inputs.models()
    assert len(found) > 80
    assert [model for model in found if issubclass(model, SQLModel)] == []


def test_no_input_has_a_constructor_of_its_own() -> None:
    """Pydantic's own takes whatever members there are; another would have parameters that a caller can name."""
    own = {model for model in inputs.models() if model.__init__ is not BaseModel.__init__ or "__new__" in vars(model)}
    assert own == set()


def test_a_number_a_truth_an_id_and_a_choice_are_read_by_the_houses_kinds() -> None:
    """What pydantic would guess (a date of a number, a truth of "on", a number of "1_0") is guessed nowhere."""
    by_hand = [
        leaf.where
        for leaf in (*inputs.of_bodies(), *inputs.of_addresses())
        if leaf.type is not str and not is_of_the_house(leaf)
    ]
    assert by_hand == []


def is_of_the_house(leaf: inputs.Leaf) -> bool:
    """Whether a value that is no text is read by one of our kinds."""
    if isinstance(leaf.type, type) and issubclass(leaf.type, StrEnum):
        return True
    if get_origin(leaf.type) is not None and all(isinstance(each, str) for each in get_args(leaf.type)):
        return True  # one of some words
    return any(
        isinstance(rule, Rule) or (isinstance(rule, Strict) and rule.strict) or getattr(rule, "func", None) in READERS
        for rule in leaf.rules
    )


def arrays(schema: Any) -> list[Any]:
    """Every list of a schema, at any depth."""
    if isinstance(schema, list):
        return [each for inner in schema for each in arrays(inner)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if schema.get("type") == "array" else []
    return here + [each for inner in schema.values() for each in arrays(inner)]


def bodies() -> list[Any]:
    """The schema of every body of JSON."""
    return [
        media["schema"]
        for item in contract.document()["paths"].values()
        for operation in item.values()
        for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]


def used(schema: Any, seen: set[str]) -> list[Any]:
    """A schema with all that it refers to."""
    text, found = json.dumps(schema), [schema]
    for name, component in contract.document()["components"]["schemas"].items():
        if f'"#/components/schemas/{name}"' in text and name not in seen:
            seen.add(name)
            found += used(component, seen)
    return found


def test_every_list_that_comes_in_has_an_end() -> None:
    endless = [each for body in bodies() for each in arrays(used(body, set())) if "maxItems" not in each]
    assert endless == []


def largest(schema: dict[str, Any]) -> Any:
    """A value of a schema with every member there is, and every list as long as it may be."""
    if "$ref" in schema:
        return largest(contract.document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return max((largest(each) for each in schema[choice]), key=lambda value: len(json.dumps(value)))
    if schema.get("type") == "array":
        return [largest(schema["items"])] * schema["maxItems"]
    if schema.get("type") == "object":
        return {name: largest(each) for name, each in schema.get("properties", {}).items()}
    return 1


@pytest.mark.parametrize("schema", bodies(), ids=lambda schema: json.dumps(schema)[:60])
def test_the_largest_lawful_body_is_not_too_large(schema: dict[str, Any]) -> None:
    """Each list at its ``maxItems``, each object with all its members."""
    sizes.refuse_large(json.dumps(largest(schema)).encode(), sizes.STAFF)


def test_what_the_public_may_send_fits_what_the_public_may_send() -> None:
    for path, item in contract.document()["paths"].items():
        for operation in item.values():
            if "requestBody" in operation and path.startswith(("/v1/enquiries", "/v1/tracking", "/v1/sessions")):
                media = operation["requestBody"]["content"].get("application/json")
                if media and operation["x-action"] in ("enquiry.submit", "session.manage_own", "enquiry.withdraw"):
                    sizes.refuse_large(json.dumps(largest(media["schema"])).encode(), sizes.PUBLIC)


def constructors() -> set[str]:
    """Every parameter name of every constructor in the line of classes of an input, and of the classes that facts have."""
    names = {"cls", "self", "__pydantic_self__", "data", "args", "kwargs", "mro", "__class__", "__dict__", "__init__"}
    for base in {base for model in (*inputs.models(), SQLModel) for base in (*model.__mro__, *type(model).__mro__)}:
        for method in ("__init__", "__new__", "__call__", "model_validate", "model_construct"):
            made = vars(base).get(method)
            made = getattr(made, "__func__", made)
            if inspect.isfunction(made):
                names |= set(inspect.signature(made).parameters)
    return names


def test_the_corpus_holds_the_name_that_was_met() -> None:
    assert {"cls", "__pydantic_self__", "self", "obj", "_fields_set"} <= constructors()
