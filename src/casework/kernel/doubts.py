"""What is taken and may be wrong: told in the answer of a write as ``warnings``, never a reason to refuse.

A kind warns of its own values (``Rule.warn``). An input warns of what several of its fields say together by a method
``doubts``, which yields pointer, code and words: ``yield "/latitude", "outside-united-kingdom", "…"``. Both are functions
of what was stated alone, so that the same request is answered with the same warnings. An action that knows more warns by
``work.warn``.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Field, create_model

from casework.kernel.columns import Rule
from casework.kernel.pointers import models_in
from casework.kernel.views import ForeignView, View


class InputWarning(View):
    """Something that was taken, and may be wrong: where, and what."""

    pointer: str
    code: str
    message: str


@cache
def with_warnings(view: Any) -> Any:
    """The view of a write: what it answers, and what to warn of. Unions are so in each of their parts."""
    if get_origin(view) is Annotated:
        inner, *metadata = get_args(view)
        return Annotated[(with_warnings(inner), *metadata)]
    if get_origin(view) in (Union, UnionType):
        return Union[tuple(with_warnings(each) for each in get_args(view))]  # noqa: UP007 — of parts that are not known here
    if not issubclass(view, View) or issubclass(view, ForeignView) or "warnings" in view.model_fields:
        return view
    return create_model(
        f"{view.__name__}WithWarnings",
        __base__=view,
        __module__=view.__module__,
        __doc__=view.__doc__,
        warnings=(list[InputWarning], Field(description="What was taken and may be wrong; mostly nothing.")),
    )


def told(body: str, warnings: Iterable[InputWarning]) -> str:
    """The JSON object of an answer with its warnings as the last member."""
    listed = json.dumps([each.model_dump() for each in warnings], separators=(",", ":"))
    return f'{body.rstrip().removesuffix("}")},"warnings":{listed}}}'


class _Watched(NamedTuple):
    name: str
    warn: Callable[[Any], tuple[str, str] | None] | None


def doubts_of(stated: Any) -> list[InputWarning]:
    """Every warning about what was stated, in the order of its fields."""
    found = _found(stated, "")
    return [InputWarning(pointer=pointer, code=code, message=message) for pointer, code, message in found]


def _found(stated: Any, at: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(stated, list):
        for index, item in enumerate(stated):
            yield from _found(item, f"{at}/{index}")
    elif isinstance(stated, BaseModel):
        for name, warn in _watched(type(stated)):
            value, here = getattr(stated, name), f"{at}/{name}"
            if value is None:
                continue
            if warn is None:
                yield from _found(value, here)
            elif (told := warn(value)) is not None:
                yield here, *told
        for pointer, code, message in getattr(stated, "doubts", tuple)():
            yield at + pointer, code, message


@cache
def _watched(model: type[BaseModel]) -> tuple[_Watched, ...]:
    """The fields of a model that can be warned of, or hold something that can: for most there is none."""
    fields = []
    for name, field in model.model_fields.items():
        rules = [*field.metadata, *_metadata(field.annotation)]
        warn = next((each.warn for each in rules if isinstance(each, Rule) and each.warn is not None), None)
        if warn is not None or any(_can_be_doubted(inner) for inner in models_in(field.annotation)):
            fields.append(_Watched(name, warn))
    return tuple(fields)


def _can_be_doubted(model: type[BaseModel]) -> bool:
    return hasattr(model, "doubts") or bool(_watched(model))


def _metadata(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _metadata(inner)
