"""How a record is named by whoever looks into the log: by its id, by the reference that people read aloud, or by its place."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from casework.kernel.references import MistypedReference, parse_reference

PREFIXES = ("CASE", "ENQ", "ADV")
"""The kinds of record that have a reference: cases, enquiries, advice."""


def _reference(typed: str) -> str:
    try:
        found = parse_reference(typed)
    except MistypedReference as mistyped:
        raise PydanticCustomError("mistyped-reference", "{said}", {"said": str(mistyped)}) from None
    if found.partition("-")[0] not in PREFIXES:
        raise PydanticCustomError("mistyped-reference", "A reference begins with CASE, ENQ or ADV.")
    return found


RecordReference = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema(
        {"type": "string", "maxLength": 40, "description": "Of a case, an enquiry or advice, however it was typed."}
    ),
]


def faults(named: Mapping[str, Any], *, needed: bool = True) -> list[dict[str, str]]:
    """What is wrong with how a record is named: in two ways, which might not agree, or in none where one is needed."""
    given = [name for name, value in named.items() if value is not None]
    message = f"Name one of these: {', '.join(named)}."
    if needed and not given:
        return [{"parameter": next(iter(named)), "code": "missing", "message": message}]
    return [{"parameter": name, "code": "one-of", "message": message} for name in given[1:]]
