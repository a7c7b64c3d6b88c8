"""A body is read no further than its fiftieth error, and what is told is what would be told of the whole."""

from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from casework.kernel.inputs import NOT_READ, Input, Wrong
from casework.kernel.strict_json import MAX_ERRORS

_READ: list[Any] = []


def _refused(value: Any) -> Any:
    _READ.append(value)
    if value == "wrong":
        raise ValueError("wrong")
    return value


class _Inner(Input):
    text: Annotated[str, BeforeValidator(_refused)]


class _Item(Input):
    text: Annotated[str, BeforeValidator(_refused)]
    inner: _Inner | None = None


class _Whole(Input):
    items: list[_Item]


def _errors(items: list[dict[str, Any]], context: Wrong | None) -> list[tuple[int | str, ...]]:
    _READ.clear()
    try:
        TypeAdapter(_Whole).validate_python({"items": items}, context=context)
    except ValidationError as error:
        return [each["loc"] for each in error.errors() if each["type"] != NOT_READ]
    return []


def test_what_comes_after_the_fiftieth_error_is_not_read() -> None:
    items = [{"text": "right"}] * 100 + [{"text": "wrong"}] * 200
    told = _errors(items, Wrong(MAX_ERRORS))
    assert told == [("items", n, "text") for n in range(100, 100 + MAX_ERRORS)]
    assert len(_READ) == 100 + MAX_ERRORS
    assert _errors(items, None)[:MAX_ERRORS] == told
    assert len(_READ) == 300, "the control reads all"


def test_an_error_inside_is_counted_once() -> None:
    items = [{"text": "wrong", "inner": {"text": "wrong"}}] * 100
    told = _errors(items, Wrong(MAX_ERRORS))
    assert told == _errors(items, None)[:MAX_ERRORS]


def test_what_is_right_is_read_whole() -> None:
    assert _errors([{"text": "right", "inner": {"text": "right"}}] * 300, Wrong(MAX_ERRORS)) == []
    assert len(_READ) == 600


def test_forty_nine_errors_leave_the_rest_to_be_read() -> None:
    items = [{"text": "wrong"}] * (MAX_ERRORS - 1) + [{"text": "right"}] * 100
    assert len(_errors(items, Wrong(MAX_ERRORS))) == MAX_ERRORS - 1
    assert len(_READ) == MAX_ERRORS - 1 + 100
