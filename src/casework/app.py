"""The HTTP service, put together: routes, doorway, problems, boundary."""

import gc
import importlib
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as StarletteHTTPException  # noqa: TID251 — translated here, raised nowhere
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from casework import health, migrations, pages, reactions
from casework.access import catalogue
from casework.access.tokens import TRACKING, bearer, hash_token, is_outside
from casework.kernel import problems as p
from casework.kernel.admission import Admission
from casework.kernel.answers import render
from casework.kernel.boundary import Boundary
from casework.kernel.database import Addresses, Database, addresses
from casework.kernel.keys import PURPOSES, Keys
from casework.kernel.logging import RequestLog, configure, emit
from casework.kernel.pointers import names_in
from casework.kernel.rates import RateLimits, signposting
from casework.kernel.settings import Settings, settings
from casework.kernel.throttle import GuessGuard, Throttle
from casework.reference import signposts
from casework.reference.models import Need
from casework.work import invalid
from casework.work.doorway import House, refusal_before
from casework.work.lane import Lane, noun
from casework.work.operations import operations

log = logging.getLogger("casework")

SLICES = (
    "enquiries",
    "cases",
    "circle",
    "visits",
    "advice",
    "premises",
    "organisations",
    "people",
    "review_offers",
    "notices",
    "reference",
    "explanations",
    "audit_log",
)
"""The slices that have routes, in the order of the docs page."""
FORMS = frozenset({"/v1/oauth/token"})
"""Where OAuth (RFC 6749) wants a form."""


def create_app(settings: Settings, where: Addresses | None = None) -> FastAPI:
    """The application. Its lifespan opens the pools, checks the database, and refuses to serve one that is not guarded."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = await Database.open(where or addresses(settings), settings)
        try:
            async with database.staff.lend() as connection:
                found = await catalogue.faults(
                    connection, migrations.offers(), migrations.head(), settings.force_mail_domains
                )
            if found:
                raise RuntimeError("The database is not fit to serve:\n- " + "\n- ".join(found))
            app.state.house = House(
                database, lambda purpose: Keys(settings.keys, purpose), reactions.REACTIONS, settings
            )
            for purpose in PURPOSES:
                Keys(settings.keys, purpose).keys  # noqa: B018 — made or read now, so that a fault shows at the start
            # What was made at start lives as long as the process: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            gc.enable()
            yield
        finally:
            await database.close()

    app = FastAPI(
        title="CTSA Casework",
        version="1",
        summary="Case management for police Counter Terrorism Security Advisers.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # Its spans would carry paths and queries to wherever the environment says.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.purposes = purposes()
    app.state.throttle = Throttle(settings)
    for router in routers():
        # As they are: included, each route would be looked at through a wrapper of its router.
        app.router.routes.extend(router.routes)
    app.include_router(health.router)
    app.include_router(pages.problem_pages)
    if settings.serves_docs:
        app.include_router(pages.docs_pages)
    find_bynoun(app)
    app.add_exception_handler(p.Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _not_routed)
    return app


def find_bynoun(app: FastAPI) -> None:
    """Look for a route among those of its noun (``/v1/cases…``) only, instead of along the whole list."""
    nouns: dict[str, list[BaseRoute]] = {}
    for route in app.router.routes:
        nouns.setdefault(noun(getattr(route, "path", "")), []).append(route)
    tables = {noun: APIRouter(routes=routes, redirect_slashes=False) for noun, routes in nouns.items()}
    whole = app.router.middleware_stack

    async def find(scope: Scope, receive: Receive, send: Send) -> None:
        table = tables.get(noun(scope["path"])) if scope["type"] == "http" else None
        await (whole if table is None else table.app)(scope, receive, send)

    app.router.middleware_stack = find


def routers() -> Sequence[APIRouter]:
    """The routers of every slice."""
    return [importlib.import_module(f"casework.{name}.routes").router for name in SLICES]


def served(settings: Settings, where: Addresses | None = None) -> ASGIApp:
    """The application behind its boundary: what uvicorn serves."""
    house = behind_boundary(create_app(settings, where), settings)
    if not settings.cors_origins:
        return house
    # Outside of the boundary: a frontend must be able to read what the boundary refuses, too.
    return CORSMiddleware(
        house,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=(
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "X-Acting-For",
            "X-Confirmation",
            "X-Purpose",
            "X-Request-ID",
        ),
        expose_headers=("ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Request-ID"),
    )


def behind_boundary(made: FastAPI, settings: Settings) -> Boundary:
    """What stands between the network and the application."""
    admitted = Admission(
        GuessGuard(Lane(made, made.router.routes, _problem), made.state.throttle, TRACKING),
        settings,
        lambda scope: scope["method"] == "POST" and asks_where_to_turn(scope),
    )
    limited = RateLimits(admitted, settings, lambda header: whose_token(made, header), asks_where_to_turn)
    app: ASGIApp = RequestLog(limited, emit) if settings.request_log else limited
    open_to_all = addresses_open_to_all(made)
    return Boundary(
        app,
        allowed_hosts=settings.allowed_hosts,
        other_media=pages.MEDIA,
        form_paths=FORMS,
        fallback=signposts.fallback,
        field_names=field_names(made),
        is_public=lambda method, path, header: (method, path) in open_to_all or is_public(header),
    )


def is_public(authorization: bytes | None) -> bool:
    """Whether a request comes from outside, by its token: what it may send is little, whoever it turns out to be."""
    return is_outside(bearer(authorization.decode("latin-1") if authorization is not None else None))


def addresses_open_to_all(made: FastAPI) -> frozenset[tuple[str, str]]:
    """Methods and paths where anybody may send a body: it is validated before its sender is judged, so it is little for all."""
    return frozenset(
        (method, route.path)
        for route in made.router.routes
        if isinstance(route, APIRoute)
        and (known := operations.get(route.operation_id or "")) is not None
        and not known.judged_first
        for method in route.methods or ()
    )


def field_names(made: FastAPI) -> frozenset[str]:
    """The name of every field that some operation takes: the only names that a refusal repeats."""
    return names_in(
        taken.field_info.annotation
        for route in made.router.routes
        if isinstance(route, APIRoute)
        for taken in route.dependant.body_params
    )


OTHER_NEEDS = frozenset(need.value for need in Need) - {Need.PROTECTIVE_SECURITY_ADVICE.value}


def asks_where_to_turn(scope: Scope) -> bool:
    """Whether a request asks for signposts, or names another service's need: never limited, and never kept waiting."""
    return signposting(scope, OTHER_NEEDS)


async def whose_token(made: FastAPI, header: str) -> tuple[str, str] | None:
    """The kind and the principal of a token that was served just now: asked once a token, for the rate limits."""
    token = bearer(header)
    database: Database = made.state.house.database
    try:
        async with (database.public if is_outside(token) else database.staff).lend() as connection:
            row = await connection.fetchrow("SELECT * FROM access.caller_of($1)", hash_token(token or ""))
    except Exception as error:
        log.warning("whose token it is could not be asked: %s", type(error).__qualname__)
        return None
    return (row["kind"], str(row["principal"])) if row is not None and row["kind"] is not None else None


def application() -> ASGIApp:
    """The service of this process, from its environment: the factory that ``casework serve`` gives to uvicorn."""
    configure(settings().log_level)
    return served(settings())


def purposes() -> frozenset[str]:
    """The purpose codes that ``X-Purpose`` may carry."""
    lookups = json.loads(resources.files("casework.data").joinpath("lookups.json").read_text(encoding="utf-8"))
    return frozenset(word["code"] for word in lookups["purposes"])


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, p.Problem)
    status, headers, body = render(problem, request.scope.get("state", {}))
    response = Response(body, status_code=status)
    response.raw_headers = headers
    return response


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return await _problem(request, p.MethodNotAllowed(headers={"Allow": allowed.replace("GET", "GET, HEAD")}))
    return await _problem(request, p.NotFound() if error.status_code == 404 else p.BadRequest())


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Who may not do this at all is told so, and not what their request should have looked like.
    refusal = await refusal_before(request)
    if refusal is not None:
        return await _problem(request, refusal)
    errors = error.errors()
    if any(each["loc"][0] == "path" for each in errors):
        return await _problem(request, p.NotFound())
    taken = request.scope["route"].dependant.body_params
    return await _problem(request, invalid.of_request(errors, taken[0].field_info.annotation if taken else None))
