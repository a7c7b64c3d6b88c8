"""What is taken and may be wrong: told in the answer of a write as ``warnings``, never a reason to refuse.

A kind warns of its own values (``Rule.warn``). An input warns of what several of its fields say together by a method
``doubts``, which yields pointer, code and words: ``yield "/latitude", "outside-united-kingdom", "…"``. Both are functions
of what was stated alone, so that the same request is answered with the same warnings. An action that knows more warns by
``work.warn``.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Field, create_model

from casework.kernel.columns import Rule
from casework.kernel.pointers import models_in
from casework.kernel.views import ForeignView, View

HOOK = "doubts"
"""The method by which an input warns of what several of its fields say together."""


class InputWarning(View):
    """Something that was taken, and may be wrong: where, and what."""

    pointer: str
    code: str
    message: str


class _Watched(NamedTuple):
    name: str
    warn: Callable[[Any], tuple[str, str] | None] | None


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


def told(body: str, warnings: Sequence[InputWarning]) -> str:
    """The JSON object of an answer with its warnings as the last member."""
    listed = json.dumps([each.model_dump() for each in warnings], separators=(",", ":")) if warnings else "[]"
    return f'{body.rstrip().removesuffix("}")},"warnings":{listed}}}'


def doubts_of(stated: Any) -> list[InputWarning]:
    """Every warning about what was stated, in the order of its fields."""
    found = _found(stated, "") if isinstance(stated, BaseModel) and _watched(type(stated)) else ()
    return [InputWarning(pointer=pointer, code=code, message=message) for pointer, code, message in found]


def _found(stated: Any, at: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(stated, list):
        for index, item in enumerate(stated):
            yield from _found(item, f"{at}/{index}")
    elif isinstance(stated, BaseModel):
        for name, warn in _watched(type(stated)):
            if name == HOOK:
                for pointer, code, message in stated.doubts():  # type: ignore[attr-defined]  # what makes it watched
                    yield at + pointer, code, message
            elif (value := getattr(stated, name)) is None:
                continue
            elif warn is None:
                yield from _found(value, f"{at}/{name}")
            elif (doubt := warn(value)) is not None:
                yield f"{at}/{name}", *doubt


@cache
def _watched(model: type[BaseModel]) -> tuple[_Watched, ...]:
    """What of a model can be warned of, or holds something that can: for most there is nothing."""
    watched = []
    for name, field in model.model_fields.items():
        rules = [*field.metadata, *_metadata(field.annotation)]
        warn = next((each.warn for each in rules if isinstance(each, Rule) and each.warn is not None), None)
        if warn is not None or any(_watched(inner) for inner in models_in(field.annotation)):
            watched.append(_Watched(name, warn))
    return (*watched, _Watched(HOOK, None)) if hasattr(model, HOOK) else tuple(watched)


def _metadata(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for inner in get_args(annotation):
        yield from _metadata(inner)
