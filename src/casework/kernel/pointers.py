"""Where in a body something is wrong, told in names of ours only: what a caller called a field is not sent back."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a value of this annotation may be, or may hold as items."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for inner in get_args(annotation):
        yield from models_in(inner)


def names_in(annotations: Iterable[Any]) -> frozenset[str]:
    """The name of every field at any depth of these annotations."""
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    waiting = [model for annotation in annotations for model in models_in(annotation)]
    while waiting:
        model = waiting.pop()
        if model not in seen:
            seen.add(model)
            for name, field in model.model_fields.items():
                found.add(field.alias or name)
                waiting.extend(models_in(field.annotation))
    return frozenset(found)


def locate(annotation: Any, steps: Sequence[int | str]) -> tuple[str, list[str]]:
    """The pointer to a place as far as its names are ours, and the fields that the object there has."""
    pointer = ""
    models = tuple(models_in(annotation))
    for step in steps:
        if isinstance(step, int):
            pointer += f"/{step}"
        elif step in (fields := _fields(models)):
            pointer += f"/{step}"
            models = fields[step]
    return pointer, sorted(_fields(models))


# Asked for every step of every error of a body. The models are our own, so there are as many entries as places in them.
@cache
def _fields(models: tuple[type[BaseModel], ...]) -> dict[str, tuple[type[BaseModel], ...]]:
    """The fields of objects that may be any of these models, and the models that stand in each."""
    return {
        field.alias or name: tuple(models_in(field.annotation))
        for model in models
        for name, field in model.model_fields.items()
    }
