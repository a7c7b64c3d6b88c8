"""The short way of a plain request: an address of ids only, no query, and a body of JSON or none."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from casework.kernel.doubts import with_warnings
from casework.kernel.inputs import Wrong
from casework.kernel.problems import NotFound, Problem, ValidationFailed
from casework.kernel.strict_json import MAX_ERRORS
from casework.work import invalid
from casework.work.doorway import READS, Door, refusal_before
from casework.work.operations import Id, canonical


class Plain(NamedTuple):
    """How to call the endpoint of a plain request: with its own defaults, the ids of its path, and its body."""

    endpoint: Callable[..., Awaitable[Response]]
    defaults: dict[str, Any]
    ids: Sequence[str]
    body: Any
    """FastAPI's own field of the body, which validates as it ever does; ``None`` where none is taken."""

    def named(self, scope: Scope) -> dict[str, Any] | None:
        """What the endpoint is called with, but for its body; ``None`` where the address holds what is no id."""
        found = scope["path_params"]
        if not all(canonical(found[name]) for name in self.ids):
            return None
        return {**self.defaults, **{name: UUID(found[name]) for name in self.ids}}

    def stated(self, scope: Scope) -> dict[str, Any]:
        """The body, validated. Raises ``ValidationFailed``."""
        state = scope.get("state", {})
        if "json" not in state:
            raise invalid.missing_body()
        try:
            return {self.body.name: self.body._type_adapter.validate_python(state["json"], context=Wrong(MAX_ERRORS))}
        except ValidationError as error:
            raise invalid.of_body(error, self.body.field_info.annotation) from None


class DoorRoute(APIRoute):
    """A route that knows whether a request of it can be plain, and answers one without solving its dependencies anew.

    What changes something answers with ``warnings`` (``kernel/doubts``), in the contract too.
    """

    plain: Plain | None = None

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        if not set(more.get("methods") or ("GET",)) <= READS:
            more["response_model"] = with_warnings(more["response_model"])
            for status, answer in (more.get("responses") or {}).items():
                if str(status).startswith("2") and "model" in answer:
                    more["responses"] = {
                        **more["responses"],
                        status: {**answer, "model": with_warnings(answer["model"])},
                    }
        super().__init__(path, endpoint, **more)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler. What the short way needs is looked up here, once, when all else of the route is known."""
        self._note_what_is_stated()
        self.plain = self._plain()
        return super().get_route_handler()

    def _note_what_is_stated(self) -> None:
        """Let the door know the body as it was read: what is doubtful in it is told in the answer."""
        endpoint, taken = self.endpoint, self.dependant.body_params
        if len(taken) == 1 and "door" in inspect.signature(endpoint).parameters:
            name = taken[0].name

            @wraps(endpoint)
            async def noting(**values: Any) -> Response:
                values["door"].stated = values[name]
                answer: Response = await endpoint(**values)
                return answer

            self.endpoint = self.dependant.call = noting

    def _plain(self) -> Plain | None:
        parameters = inspect.signature(self.endpoint).parameters
        ids = tuple(field.name for field in self.dependant.path_params)
        taken = self.dependant.body_params
        if "door" not in parameters or any(parameters[name].annotation != Id for name in ids):
            return None
        if len(taken) > 1 or (taken and self._embed_body_fields):
            return None
        body = taken[0] if taken else None
        beside = {"door", *ids} | ({body.name} if body is not None else set())
        defaults = {name: each.default for name, each in parameters.items() if name not in beside}
        return None if inspect.Parameter.empty in defaults.values() else Plain(self.endpoint, defaults, ids, body)


class Lane:
    """ASGI: answers plain requests by itself, and hands everything else to the application.

    Between it and the endpoint FastAPI has five rooms (errors, exceptions, two exit stacks, routing) of which a plain request
    needs none: its problems are rendered here, and what escapes is the boundary's, as ever. (Measured: docs/performance.md.)
    """

    def __init__(
        self, app: FastAPI, routes: Sequence[BaseRoute], render: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app: ASGIApp = app
        self._render = render
        self._tables: dict[tuple[str, str], list[APIRoute]] = {}
        for route in routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    self._tables.setdefault((method, noun(route.path)), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            plain = self._find(scope)
            # A query is read by FastAPI, but where none is taken: then the door refuses it.
            if plain is not None and (plain.body is not None or not scope["query_string"]):
                request = Request(scope, receive)
                try:
                    response = await self._answer(plain, request)
                except Problem as problem:
                    response = await self._render(request, problem)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, plain: Plain, request: Request) -> Response:
        door, scope = Door(request), request.scope
        named = plain.named(scope)
        if named is None:
            raise await refusal_before(request) or NotFound()
        if plain.body is None:
            return await plain.endpoint(door=door, **named)
        if door.operation.judged_first:
            return await door.judged(
                lambda: plain.endpoint(door=door, **named, **plain.stated(scope)),
                lambda: plain.stated(scope)[plain.body.name],
            )
        try:
            stated = plain.stated(scope)
        except ValidationFailed as problem:
            # Who may not do this at all is told so, and not what their request should have looked like.
            raise await refusal_before(request) or problem from None
        return await plain.endpoint(door=door, **named, **stated)

    def _find(self, scope: Scope) -> Plain | None:
        """The route of this address, told in the scope as the router tells it; the first that fits decides."""
        path = scope["path"]
        for route in self._tables.get((scope["method"], noun(path)), ()):
            found = route.path_regex.match(path)
            if found is not None:
                if not isinstance(route, DoorRoute) or route.plain is None:
                    return None
                scope.update(app=self._app, route=route, endpoint=route.endpoint, path_params=found.groupdict())
                return route.plain
        return None


def noun(path: str) -> str:
    """What an address is about: ``/v1/cases`` of ``/v1/cases/…``. Routes are looked for among those of the same."""
    return "/".join(path.split("/", 3)[:3])
