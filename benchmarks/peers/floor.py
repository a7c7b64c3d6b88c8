"""The floor: Starlette and asyncpg by hand, executing the very statements of the service, as many round trips, and passing the bytes through."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from casework.audit_log.queries import CASE_LOG
from casework.cases.queries import CASE_BY_ID, CASE_LIST
from casework.enquiries import queries as enquiries
from casework.enquiries.schemas import EnquirySubmission
from casework.kernel.database import Flush
from casework.kernel.references import new_reference
from casework.kernel.statements import Statement, called
from casework.people.queries import ME
from casework.premises.queries import PREMISES_LIST
from casework.visits import queries as visits
from casework.visits.schemas import VisitCompletion
from casework.work import doorway, unit
from casework.work.composing import BEGINNING

PLAIN: frozenset[str] = frozenset()
SAY, FINISH, FINISH_SHOWN = unit._SAY, unit._FINISH, unit._FINISH_SHOWN
JSON = "application/json"
# begin takes what the doorway gives it; what it has beyond bearer, action, purpose, request and key is not in use here.
BEGIN = doorway._BEGIN
UNUSED = [None] * (max(map(int, re.findall(r"\$(\d+)", BEGIN))) - 6)
CONNECTION = {
    "statement_cache_size": 1024, "max_inactive_connection_lifetime": 0,
    "server_settings": {"TimeZone": "UTC", "search_path": "pg_catalog"},
}  # fmt: skip


async def _keep(_: object) -> None:
    pass


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the pools: the staff's and the public's, as large as the service's."""
    kept: dict[str, Any] = {**CONNECTION, "reset": _keep}
    app.state.staff = await asyncpg.create_pool(os.environ["BENCH_URL"], min_size=1, max_size=6, **kept)
    app.state.public = await asyncpg.create_pool(os.environ["BENCH_PUBLIC_URL"], min_size=1, max_size=3, **kept)
    flushing = await asyncpg.create_pool(os.environ["BENCH_URL"], min_size=1, max_size=1, **kept)
    app.state.flush = Flush(flushing)
    yield
    await flushing.close()
    await app.state.staff.close()
    await app.state.public.close()


def _hash(request: Request) -> bytes | None:
    token = request.headers.get("authorization", "").partition(" ")[2]
    return hashlib.sha256(token.encode()).digest() if token else None


def _values(request: Request, action: str) -> dict[str, Any]:
    return {**dict.fromkeys(BEGINNING), "hash": _hash(request), "action": action, "request": uuid4()}


# --- reads ---


def one(statement: Statement, action: str) -> Callable[[Request], Any]:
    """An endpoint that reads one record."""
    compiled = statement.compiled()

    async def read(request: Request) -> Response:
        values = _values(request, action)
        if "id" in request.path_params:
            values["id"] = UUID(request.path_params["id"])
        row = await request.app.state.staff.fetchrow(compiled.text, *compiled.arguments(values))
        await request.app.state.flush.passed()
        if row["decision"] != "allow" or row["body"] is None:
            return Response(status_code=404)
        headers = {"ETag": f'"{row["version"]}"'} if row["version"] is not None else None
        return Response(row["body"], media_type=JSON, headers=headers)

    return read


def page(choose: Callable[[Mapping[str, str]], Statement], action: str, size: int) -> Callable[[Request], Any]:
    """An endpoint that reads a page of a list."""

    async def read(request: Request) -> Response:
        asked = request.query_params
        compiled = choose(asked).compiled(size + 1)
        values = _values(request, action)
        if "id" in request.path_params:
            values["id"] = UUID(request.path_params["id"])
        if "after_id" in asked:
            values |= {"after_key": asked["after_key"], "after_id": UUID(asked["after_id"])}
        row = await request.app.state.staff.fetchrow(compiled.text, *compiled.arguments(values))
        await request.app.state.flush.passed()
        if row["decision"] != "allow":
            return Response(status_code=403)
        following = json.dumps([row["last_key"], str(row["last_id"])]) if row["more"] else "null"
        return Response(f'{{"items":{row["body"] or "[]"},"next_cursor":{following}}}', media_type=JSON)

    return read


def _cases(asked: Mapping[str, str]) -> Statement:
    filters = frozenset({"mine", "open"}) if "mine" in asked else PLAIN
    return CASE_LIST.statement(filters, "-opened_at", "after_id" in asked)


# --- writes ---


class Doing:
    """A transaction that has begun: its caller's reach is bound in every statement."""

    def __init__(self, connection: Any, row: asyncpg.Record, versions: list[int] | None) -> None:
        self.connection = connection
        self.bound = {
            "me": row["principal"],
            "teams": row["teams"],
            "answering": row["answering"],
            "versions": versions,
        }

    async def row(self, statement: Statement, **values: Any) -> Any:
        compiled = statement.compiled()
        return await self.connection.fetchrow(compiled.text, *compiled.arguments({**self.bound, **values}))

    async def rows(self, statement: Statement, **values: Any) -> Any:
        compiled = statement.compiled()
        return await self.connection.fetch(compiled.text, *compiled.arguments({**self.bound, **values}))


@asynccontextmanager
async def doing(request: Request, action: str) -> AsyncIterator[tuple[Doing, bytes]]:
    """Begin: caller, authority, log and key, in one transaction."""
    hashed, key = _hash(request), hashlib.sha256(request.headers["idempotency-key"].encode()).digest()
    pool = request.app.state.public if hashed is None else request.app.state.staff
    fingerprint = hashlib.sha256(request.url.path.encode() + await request.body()).digest()
    matched = request.headers.get("if-match")
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(BEGIN, hashed, action, None, uuid4(), *UNUSED, key, fingerprint)
        if row["decision"] != "allow":
            raise PermissionError(row["decision"])
        yield Doing(connection, row, [int(matched.strip('"'))] if matched else None), key
    await request.app.state.flush.passed()


async def submit(request: Request) -> Response:
    """Receive an enquiry."""
    body = EnquirySubmission.model_validate(await request.json()).model_dump()
    async with doing(request, "enquiry.submit") as (work, key):
        today = datetime.now(UTC).date()
        where = {name: body[name] for name in ("postcode", "local_authority_code")}
        place = await work.row(enquiries.PLACE, **where, today=today)
        holidays = set(place["closed"])
        day, left = today, 5
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5 and day not in holidays
        enquiry, contact, token, number = uuid4(), uuid4(), secrets.token_urlsafe(32), new_reference("ENQ")
        told = (
            "organisation_name",
            "site_name",
            "site_address",
            "town",
            "postcode",
            "local_authority_code",
            "sector",
            "description",
        )
        await work.row(
            enquiries.SUBMIT, id=enquiry, team_id=place["team_id"], reference=number, channel="web", force_code=place["force_code"],
            submitted_by=None, respond_by=day, **{name: body.get(name) for name in told},
        )  # fmt: skip
        stated = {name: body["contact"].get(name) for name in ("name", "job_title", "email", "phone")}
        await work.row(enquiries.NAME_CONTACT, id=contact, enquiry_id=enquiry, team_id=place["team_id"], **stated)
        hashed = hashlib.sha256(b"trk_" + token.encode()).digest()
        answer = json.dumps({
            "outcome": "received", "id": str(enquiry), "reference": number, "tracking_token": "trk_" + token, "respond_by": str(day),
            "expected_wait": "You hear from us within 5 working days.", "force": {"code": place["force_code"], "name": place["force"]},
            "team": {name: place[name] for name in ("team", "phone", "mailbox", "hours")},
        })  # fmt: skip
        texts, values = called([
            (enquiries.ISSUE_TRACKING, (hashed, enquiry, contact)), (enquiries.ACKNOWLEDGE, (enquiry,)),
            (FINISH, (key, 201, "{}", answer.replace(token, "%%"))),
        ])  # fmt: skip
        await work.connection.execute("SELECT " + ", ".join(texts), *values)
    return Response(answer, status_code=201, media_type=JSON, headers={"ETag": '"1"'})


async def complete(request: Request) -> Response:
    """Log a visit as made."""
    body, visit_id = VisitCompletion.model_validate(await request.json()).model_dump(), UUID(request.path_params["id"])
    async with doing(request, "visit.complete") as (work, key):
        visit = await work.row(visits.VISIT_TO_FIND_IN, id=visit_id, arrived_at=body["arrived_at"])
        at = {name: body[name] for name in ("arrived_at", "left_at")}
        if not visit["within"] or at["left_at"] > visit["now"]:
            return Response(status_code=403)
        done = await work.row(
            visits.COMPLETE.change, id=visit_id, **at, attendance=body["attendance"], notes=body["notes"]
        )
        if done is None:
            return Response(status_code=409)
        words = visit["words"]
        levels = {name: visit[name] for name in ("threat_level", "northern_ireland_threat_level")}
        for finding in body["findings"]:
            if finding["methodology"] not in words:
                return Response(status_code=422)
            stated = {**finding, "id": uuid4()}
            await work.row(visits.RECORD.insert, visit_id=visit_id, **levels, **stated)
        calls = [
            (SAY, (done["case_id"], "visit", visit_id, None, None, None)),
            (FINISH_SHOWN, (key, 200, "{}")),
        ]
        shown = await visits.VISIT_SHOWN.row_with(work.connection, {**work.bound, "id": visit_id}, calls)
        assert shown is not None
    return Response(shown["body"], media_type=JSON, headers={"ETag": f'"{shown["version"]}"'})


app = Starlette(
    routes=[
        Route("/v1/me", one(ME, "session.manage_own")),
        Route("/v1/cases/{id}", one(CASE_BY_ID, "case.read")),
        Route("/v1/cases", page(_cases, "case.read", 25)),
        Route("/v1/premises", page(lambda _: PREMISES_LIST.statement(PLAIN, "name", False), "premises.read", 25)),
        Route("/v1/cases/{id}/access-log", page(lambda _: CASE_LOG.statement(PLAIN, "", False), "case.access_log", 50)),
        Route("/v1/enquiries", submit, methods=["POST"]),
        Route("/v1/visits/{id}/completion", complete, methods=["POST"]),
    ],
    lifespan=lifespan,
)
