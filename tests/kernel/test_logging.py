"""The log tells what happened, and nothing that tells who somebody is or what opens a door."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from casework.access.tokens import CLIENT, CONFIRMATION, STAFF, TRACKING, new_token
from casework.kernel.logging import RequestLog, configure, redacted
from tests.support.world import World


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, and the root logger as it was afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("INFO", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("prefix", [STAFF, CLIENT, TRACKING, CONFIRMATION])
def test_no_token_reaches_the_log(prefix: str) -> None:
    token = new_token(prefix)
    for text in (token, f"Authorization: Bearer {token}", f'{{"token":"{token}"}}', f"/x?token={token}&y"):
        assert token not in redacted(text)
        assert token[8:] not in redacted(text)


def test_no_address_or_credential_reaches_the_log() -> None:
    assert redacted("asked by ada.o'neil@police.example.uk today") == "asked by [e-mail] today"
    assert redacted("postgresql://casework_api:s3cret@db/casework") == "postgresql://[credentials]@db/casework"
    assert redacted({"to": ["a@b.example"], "n": 3, "none": None}) == {"to": ["[e-mail]"], "n": 3, "none": None}
    assert redacted("Bearer abc.def.ghi") == "Bearer [token]"


def test_an_exception_is_told_by_its_kind_and_place_never_by_its_text(lines: io.StringIO) -> None:
    try:
        raise ValueError("Ada Lovelace, 07700 900123")
    except ValueError:
        logging.getLogger("casework.test").exception("it failed for %s", "x@y.example", extra={"job": 7})
    entry = entries(lines)[0]
    assert entry["event"] == "it failed for [e-mail]"
    assert (entry["level"], entry["error"], entry["job"]) == ("error", "ValueError", 7)
    assert "test_logging.py" in entry["at"][-1]
    assert "Lovelace" not in lines.getvalue()


class Route:
    """What a router leaves in the scope."""

    path_format = "/v1/cases/{case_id}"


def served(path: str, *, matched: bool = True, fails: bool = False) -> list[dict[str, Any]]:
    written: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if matched:
            scope["route"] = Route()
        if fails:
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(_: Message) -> None:
        pass

    async def receive() -> Message:
        return {"type": "http.request"}

    async def go() -> None:
        log = RequestLog(app, written.append)
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"q=secret",
            "state": {"request_id": "r-1"},
        }
        try:
            await log(scope, receive, nothing)
        except RuntimeError:
            assert fails
        log.flush()

    asyncio.run(go())
    return [json.loads(line) for text in written for line in text.splitlines()]


def test_a_request_is_told_by_its_routes_template() -> None:
    entry = served("/v1/cases/0190-x")[0]
    assert entry.pop("duration_ms") >= 0
    assert entry.pop("at_time").endswith("Z")
    assert entry == {
        "level": "info", "event": "request", "method": "GET", "route": "/v1/cases/{case_id}", "status": 200, "request_id": "r-1",
    }  # fmt: skip


def test_a_request_that_no_route_takes_leaves_no_path() -> None:
    assert served("/v1/ada@police.example", matched=False)[0]["route"] is None


def test_a_request_that_fails_is_told_too() -> None:
    assert served("/v1/cases/1", fails=True)[0]["status"] == 500


def test_lines_are_written_without_waiting_for_more_requests() -> None:
    written: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def go() -> None:
        async def send(_: Message) -> None:
            pass

        async def receive() -> Message:
            return {"type": "http.request"}

        await RequestLog(app, written.append, delay=0.01)({"type": "http", "method": "GET"}, receive, send)
        async with asyncio.timeout(30):
            while not written:  # noqa: ASYNC110 — it is written by the loop's own timer
                await asyncio.sleep(0.01)

    asyncio.run(go())
    assert len(written) == 1


def test_the_service_answers_with_the_request_id_that_its_line_has(world: World) -> None:
    answer = world.anybody().get("/health/live")
    assert answer.headers["x-request-id"]
