"""Warnings are worked out of what was stated: by kinds, by inputs, at any depth."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from casework.kernel.columns import Phone, Rule
from casework.kernel.doubts import InputWarning, doubts_of, told, with_warnings
from casework.kernel.inputs import Input
from casework.kernel.views import ForeignView, View

Even = Annotated[int, Rule(int, {"type": "integer"}, warn=lambda n: ("odd", "This is odd.") if n % 2 else None)]


class Part(Input):
    """A part."""

    number: Even | None = None
    beside: str = ""


class Whole(Input):
    """A whole that doubts two of its fields together."""

    title: str = ""
    first: Even = 2
    part: Part | None = None
    parts: Annotated[list[Part], Field(max_length=9)] = []

    def doubts(self) -> Iterator[tuple[str, str, str]]:
        if self.title == "part" and self.part is None:
            yield "/title", "no-part", "There is a title and no part."


def places(stated: BaseModel | None) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in doubts_of(stated)]


def test_nothing_is_doubted_where_nothing_is_doubtful() -> None:
    assert places(Whole()) == places(Part()) == places(None) == []


def test_doubts_are_told_where_they_arise() -> None:
    parts = [Part(number=2), Part(number=3), Part()]
    whole = Whole(first=1, part=Part(number=5), parts=parts)
    assert places(whole) == [("/first", "odd"), ("/part/number", "odd"), ("/parts/1/number", "odd")]
    assert places(Whole(title="part", first=1)) == [("/first", "odd"), ("/title", "no-part")]


def test_the_same_statement_is_always_told_the_same() -> None:
    number = Annotated[Phone, "any"]

    class Caller(Input):
        """Somebody."""

        phone_number: number

    stated = {"phone_number": "04012 345678"}
    assert doubts_of(Caller.model_validate(stated)) == doubts_of(Caller.model_validate(stated)) != []


def test_an_answer_carries_its_warnings_last() -> None:
    assert told('{"a" : 1}\n', ()) == '{"a" : 1,"warnings":[]}'
    warning = InputWarning(pointer="/a", code="odd", message='Say "no".')
    assert told('{"a":{}}', [warning]) == (
        '{"a":{},"warnings":[{"pointer":"/a","code":"odd","message":"Say \\"no\\"."}]}'
    )


class Shown(View):
    """Something shown."""

    a: int


class Other(View):
    """Something else."""

    b: int


class Foreign(ForeignView):
    """What another standard lays down."""

    c: int


def test_the_views_of_writes_have_warnings() -> None:
    shown = with_warnings(Shown)
    assert (shown.__name__, [*shown.model_fields]) == ("ShownWithWarnings", ["a", "warnings"])
    assert with_warnings(Shown) is shown is with_warnings(shown)
    assert with_warnings(Shown | Other) == shown | with_warnings(Other)
    assert with_warnings(Foreign) is Foreign


@pytest.mark.parametrize("view", [Shown, Other])
def test_a_view_with_warnings_is_told_as_required(view: type[View]) -> None:
    schema = with_warnings(view).model_json_schema(mode="serialization")
    assert "warnings" in schema["required"]
    assert schema["additionalProperties"] is False
