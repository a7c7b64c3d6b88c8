"""The short way of a plain read: a GET whose address holds ids only, and no query, needs nothing of FastAPI's but its route."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from casework.kernel.problems import Problem
from casework.work.doorway import Door
from casework.work.operations import Id, canonical


class Plain(NamedTuple):
    """How to call the endpoint of a plain read: with its own defaults, and the ids of its path."""

    endpoint: Callable[..., Awaitable[Response]]
    defaults: dict[str, Any]
    ids: Sequence[str]

    def reads(self, named: dict[str, Any]) -> bool:
        """Whether the ids are written the one way we write them; whatever else is FastAPI's to refuse."""
        return all(canonical(named[name]) for name in self.ids)

    async def answer(self, request: Request) -> Response:
        """The endpoint's answer. The request's scope holds its route and the values of its path."""
        named = request.scope["path_params"]
        return await self.endpoint(
            door=Door(request), **self.defaults, **{name: UUID(named[name]) for name in self.ids}
        )


class DoorRoute(APIRoute):
    """A route that knows whether it is a plain read, and answers one without solving its dependencies anew."""

    plain: Plain | None = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, behind the short way."""
        solve = super().get_route_handler()
        plain = self.plain = self._plain()
        if plain is None:
            return solve

        async def handle(request: Request) -> Response:
            if request.scope["query_string"] or not plain.reads(request.path_params):
                return await solve(request)
            return await plain.answer(request)

        return handle

    def _plain(self) -> Plain | None:
        """For a GET whose path holds ids only and whose query may be absent; otherwise ``None``."""
        parameters = inspect.signature(self.endpoint).parameters
        ids = tuple(field.name for field in self.dependant.path_params)
        if self.methods != {"GET"} or "door" not in parameters or self.dependant.body_params:
            return None
        if any(parameters[name].annotation != Id for name in ids):
            return None
        defaults = {name: each.default for name, each in parameters.items() if name != "door" and name not in ids}
        return None if inspect.Parameter.empty in defaults.values() else Plain(self.endpoint, defaults, ids)


class Lane:
    """ASGI: answers plain reads by itself, and hands everything else to the application.

    Between it and the endpoint FastAPI has five rooms (errors, exceptions, two exit stacks, routing) of which a plain read
    needs none: its problems are rendered here, and what escapes is the boundary's, as ever. (Measured: docs/performance.md.)
    """

    def __init__(
        self, app: FastAPI, routes: Sequence[BaseRoute], render: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._render = render
        self._tables: dict[str, list[APIRoute]] = {}
        for route in routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                self._tables.setdefault(noun(route.path), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]:
            plain = self._find(scope)
            if plain is not None:
                request = Request(scope, receive)
                try:
                    response = await plain.answer(request)
                except Problem as problem:
                    response = await self._render(request, problem)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> Plain | None:
        """The plain read of this address, told in the scope as the router tells it; the first route that fits decides."""
        path = scope["path"]
        for route in self._tables.get(noun(path), ()):
            found = route.path_regex.match(path)
            if found is None:
                continue
            plain = route.plain if isinstance(route, DoorRoute) else None
            if plain is None or not plain.reads(named := found.groupdict()):
                return None
            scope.update(app=self._app, route=route, endpoint=route.endpoint, path_params=named)
            return plain
        return None


def noun(path: str) -> str:
    """What an address is about: ``/v1/cases`` of ``/v1/cases/…``. Routes are looked for among those of the same."""
    return "/".join(path.split("/", 3)[:3])
