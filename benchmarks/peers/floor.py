"""The floor: Starlette and asyncpg by hand, executing the very statements of the service and passing the bytes through."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from casework.cases import queries

ONE = queries.CASE_BY_ID.compiled()
PAGE = queries.CASE_LIST.statement(frozenset(), "-opened_at", False).compiled(26)


async def _keep(_: object) -> None:
    pass


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the pool."""
    app.state.pool = await asyncpg.create_pool(
        os.environ["BENCH_URL"],
        min_size=1,
        max_size=6,
        reset=_keep,
        statement_cache_size=1024,
        max_inactive_connection_lifetime=0,
        server_settings={"TimeZone": "UTC", "search_path": "pg_catalog"},
    )
    yield
    await app.state.pool.close()


def _values(request: Request) -> dict[str, object]:
    token = request.headers["authorization"].partition(" ")[2]
    return {"hash": hashlib.sha256(token.encode()).digest(), "action": "case.read", "purpose": None, "request": uuid4()}


async def one(request: Request) -> Response:
    """A case."""
    values = _values(request) | {"id": UUID(request.path_params["id"])}
    row = await request.app.state.pool.fetchrow(ONE.text, *ONE.arguments(values))
    if row["decision"] != "allow" or row["body"] is None:
        return Response(status_code=404)
    return Response(row["body"], media_type="application/json", headers={"ETag": f'"{row["version"]}"'})


async def page(request: Request) -> Response:
    """The first page of the team's queue."""
    row = await request.app.state.pool.fetchrow(PAGE.text, *PAGE.arguments(_values(request)))
    if row["decision"] != "allow":
        return Response(status_code=403)
    return Response(f'{{"items":{row["body"]},"next_cursor":null}}', media_type="application/json")


app = Starlette(routes=[Route("/v1/cases/{id}", one), Route("/v1/cases", page)], lifespan=lifespan)
