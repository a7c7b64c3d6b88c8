"""Everything that the service takes in: each field of each body, at any depth, and each parameter of an address or query."""

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import BaseModel

from casework.app import routers
from casework.kernel.pointers import models_in


class Leaf(NamedTuple):
    """A value that is no object and no list: where it stands, its type, and what its declaration says of it."""

    where: str
    type: Any
    rules: tuple[Any, ...]


def routes() -> list[APIRoute]:
    """The routes of every slice."""
    return [route for router in routers() for route in router.routes if isinstance(route, APIRoute)]


def models() -> set[type[BaseModel]]:
    """Every class that a body is read with, nested ones too."""
    found: set[type[BaseModel]] = set()
    waiting = [
        model for route in routes() for taken in route.dependant.body_params
        for model in models_in(taken.field_info.annotation)
    ]  # fmt: skip
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [each for field in model.model_fields.values() for each in models_in(field.annotation)]
    return found


def of_bodies() -> list[Leaf]:
    """The leaves of every body."""
    return [
        leaf for model in sorted(models(), key=lambda each: each.__qualname__)
        for name, field in model.model_fields.items()
        for leaf in leaves(f"{model.__qualname__}.{name}", field.annotation, tuple(field.metadata))
    ]  # fmt: skip


def of_addresses() -> list[Leaf]:
    """The leaves of every path and query."""
    return [
        leaf for route in routes() for taken in get_flat_params(route.dependant)
        for leaf in leaves(
            f"{route.operation_id}?{taken.alias}", taken.field_info.annotation, tuple(taken.field_info.metadata)
        )
    ]  # fmt: skip


def leaves(where: str, annotation: Any, rules: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """The values that an annotation stands for; those of a model are found with the model."""
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        yield from leaves(where, inner[0], rules + tuple(inner[1:]))
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return
    elif inner and not str(annotation).startswith("typing.Literal"):
        for each in inner:
            yield from leaves(where, each, rules)
    elif annotation is not type(None):
        yield Leaf(where, annotation, rules)
