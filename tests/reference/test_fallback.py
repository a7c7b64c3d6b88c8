"""999 and the hotline are answered when everything behind the boundary fails."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from casework.kernel.boundary import Boundary
from casework.kernel.settings import Settings
from casework.reference.models import Need
from casework.reference.schemas import Signposted, SignpostList
from casework.reference.signposts import fallback, packaged
from tests.support.callers import Caller, ok
from tests.support.world import World

SECRET = "Hartley the caretaker"


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise OSError("the database is gone")


def call(method: str, path: str, content: bytes = b"") -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(Boundary(broken, fallback=fallback))
        async with httpx.AsyncClient(transport=transport, base_url="http://casework.test") as client:
            return await client.request(method, path, content=content, headers={"Content-Type": "application/json"})

    return asyncio.run(go())


def signposted(response: httpx.Response) -> Need:
    """The need that was answered; the answer is the packaged one, in the shape of every other."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answer = Signposted.model_validate_json(response.content)
    assert answer.signpost.model_dump(mode="json") == packaged(answer.signpost.need)
    return answer.signpost.need


def test_all_signposts_are_told_when_the_service_fails() -> None:
    response = call("GET", "/v1/signposts")
    assert response.status_code == 200
    items = SignpostList.model_validate_json(response.content).items
    assert [item.need for item in items] == list(Need)
    assert all(item.explanation_cy for item in items)


@pytest.mark.parametrize("need", ["emergency", "suspicious_activity"])
@pytest.mark.parametrize(
    "body",
    [
        '{"need": "%s"}',
        '{"need": "%s", "text": "the other is emergency or suspicious_activity"}',
        '{"need": "%s", "contact": {"email": 7}',
        '{"text": "' + "[" * 2_000 + '", "need": "%s", ',
        "need=%s&text=x",
        '{"need": "advice", "need": "%s"}',
    ],
)
def test_an_urgent_need_gets_its_own_signpost(need: str, body: str) -> None:
    assert signposted(call("POST", "/v1/enquiries", (body % need).encode())) == need
    assert signposted(call("POST", "/v1/enquiries", (body % need).encode())) == need


def test_of_both_urgent_needs_999_comes_first() -> None:
    both = b'{"need": "suspicious_activity", "need": "emergency"}'
    assert signposted(call("POST", "/v1/enquiries", both)) == "emergency"
    assert signposted(call("POST", "/v1/enquiries", both + b",")) == "emergency"


def test_a_body_in_utf_16_is_read() -> None:
    body = '{"need": "suspicious_activity"}'.encode("utf-16")
    assert signposted(call("POST", "/v1/enquiries", body)) == "suspicious_activity"


def test_other_enquiries_fail_as_they_must() -> None:
    assert call("POST", "/v1/enquiries", b'{"need": "protective_security_advice"}').status_code == 500


@pytest.fixture
def public(world: World) -> Caller:
    return world.anybody()


def urgent(public: Caller, **more: Any) -> httpx.Response:
    return public.post("/v1/enquiries", {"need": "suspicious_activity", "text": SECRET, **more}, key="a-key")


def test_the_running_service_answers_an_urgent_need_without_a_key(public: Caller) -> None:
    answer = public.request("POST", "/v1/enquiries", content=b'{"need":"emergency"}')
    assert signposted(answer) == "emergency"


def test_nothing_of_an_urgent_enquiry_is_kept(world: World, public: Caller, caplog: pytest.LogCaptureFixture) -> None:
    def traces() -> tuple[int, ...]:
        tables = ("casework.enquiry", "work.idempotency_key", "audit.event")
        return tuple(world.sql(f"SELECT count(*) FROM {table}")[0][0] for table in tables)

    before = traces()
    with caplog.at_level(logging.DEBUG):
        assert signposted(urgent(public)) == "suspicious_activity"
    assert traces() == before
    assert SECRET not in caplog.text
    assert "suspicious_activity" not in caplog.text


@pytest.fixture
def no_signposts(world: World) -> Iterator[None]:
    """A database whose signposts cannot be read: every statement that asks for them fails."""
    world.sql("ALTER TABLE casework.signpost RENAME TO signpost_gone")
    try:
        yield
    finally:
        world.sql("ALTER TABLE casework.signpost_gone RENAME TO signpost")


@pytest.mark.usefixtures("no_signposts")
def test_the_running_service_tells_the_packaged_copy_when_its_statement_fails(
    world: World, test_settings: Settings
) -> None:
    answer = ok(world.anybody().get("/v1/signposts"), 200)
    assert answer["items"] == [packaged(need) for need in Need]
    assert world.anybody().get("/v1/reference/signposts").status_code == 500
