"""Whether the service is up: for load balancers and people on call. Open to everybody, so it says words and nothing else."""

import asyncio
import logging
import time
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from casework import migrations
from casework.kernel.lending import Lender
from casework.kernel.openapi import responses
from casework.kernel.problems import BadHost, NotAcceptable, Unavailable
from casework.kernel.views import View

log = logging.getLogger("casework.health")

router = APIRouter(tags=["health"])
PATIENCE = 2.0
"""Seconds to wait for the database: an answer that comes later is as good as none."""
KEPT = 1.0
"""Seconds an answer is good for, so that asking often costs the database nothing."""
SILENCE, BACKLOG, UNSEALED = 60.0, 600.0, 60.0
"""Seconds without a worker's heartbeat, and of waiting of the oldest job and of the oldest unsealed event, from which the
worker counts as gone or late."""


class Live(View):
    """The process answers."""

    status: Literal["live"]


class Ready(View):
    """Whether requests will be served. ``degraded``: they will, but jobs are not done in time."""

    status: Literal["ready", "degraded", "unavailable"]
    database: Literal["answering", "silent"]
    migrations: Literal["current", "pending", "unknown"]
    worker: Literal["working", "late", "silent", "unknown"]


ALWAYS: dict[str, Any] = {"openapi_extra": {"x-action": None}, "responses": responses((BadHost, NotAcceptable))}


@router.get("/health/live", operation_id="health.live", summary="Is the process alive", response_model=Live, **ALWAYS)
async def live() -> JSONResponse:
    """Asks nobody else. A process that does not answer this is to be restarted."""
    return JSONResponse({"status": "live"})


@router.get(
    "/health/ready",
    operation_id="health.ready",
    summary="Can requests be served",
    response_model=Ready,
    openapi_extra={"x-action": None},
    responses={
        **responses((BadHost, NotAcceptable)),
        503: {
            "description": Unavailable.title,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ready"}}},
        },
    },
)
async def ready(request: Request) -> JSONResponse:
    """The database answers and has the tables of this code; 503 sends requests elsewhere. The worker's state is told as well."""
    state = request.app.state
    kept: tuple[float, dict[str, str]] | None = getattr(state, "readiness", None)
    if kept is None or time.monotonic() - kept[0] > KEPT:
        kept = state.readiness = (time.monotonic(), await _judge(state.house.database.staff))
    return JSONResponse(kept[1], status_code=503 if kept[1]["status"] == "unavailable" else 200)


async def _judge(lender: Lender) -> dict[str, str]:
    found = {"status": "unavailable", "database": "silent", "migrations": "unknown", "worker": "unknown"}
    try:
        async with asyncio.timeout(PATIENCE), lender.lend() as connection:
            row = await connection.fetchrow(
                "SELECT access.state('revision') AS revision, l.silent_for, l.oldest_job, b.waiting, b.oldest AS unsealed"
                " FROM work.lag() l, audit.backlog() b"
            )
    except Exception as error:
        log.warning("not ready: %s", type(error).__qualname__)
        return found
    found["database"] = "answering"
    found["migrations"] = "current" if row["revision"] == migrations.head() else "pending"
    found["worker"] = _worker(row["silent_for"], row["oldest_job"], row["unsealed"])
    if row["unsealed"] is not None and row["unsealed"] > UNSEALED:
        log.warning("%s events wait for their seal, the oldest for %.0f s", row["waiting"], row["unsealed"])
    if found["migrations"] == "current":
        found["status"] = "ready" if found["worker"] == "working" else "degraded"
    return found


def _worker(silent_for: float | None, oldest_job: float | None, unsealed: float | None) -> str:
    if silent_for is None or silent_for > SILENCE:
        return "silent"
    return "late" if (oldest_job or 0) > BACKLOG or (unsealed or 0) > UNSEALED else "working"
