"""The wire itself: slow, big and ambiguous requests against a real server on a real socket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import pytest
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from casework.kernel.answers import FallbackAnswer
from casework.kernel.boundary import Boundary, Limits
from casework.kernel.protocol import CaseworkProtocol

GET = b"GET /v1/cases HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST /v1/cases HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
URGENT = b'{"need":"emergency"}'


class Hasty(CaseworkProtocol):
    header_seconds: ClassVar[float] = 0.2
    body_seconds: ClassVar[float] = 0.3
    linger_seconds: ClassVar[float] = 0.1


class Unhurried(CaseworkProtocol):
    header_seconds: ClassVar[float] = 1.5
    body_seconds: ClassVar[float] = 1.5


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    message = await receive()
    seen = {
        "body": message.get("body", b"").decode(),
        "headers": [name.decode() for name, _ in scope["headers"]],
    }
    body = json.dumps(seen).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(app: ASGIApp, protocol: type[CaseworkProtocol], **settings: Any) -> AsyncIterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=protocol,
        lifespan="off",
        log_config=None,
        server_header=False,
        date_header=False,
        **settings,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await running


def on_the_wire(
    test: Callable[[int], Awaitable[Any]],
    app: ASGIApp | None = None,
    protocol: type[CaseworkProtocol] = CaseworkProtocol,
    loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    **settings: Any,
) -> Any:
    async def go() -> Any:
        async with serving(app or Boundary(echo), protocol, **settings) as port, asyncio.timeout(10):
            return await test(port)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(go())


async def heard(reader: asyncio.StreamReader) -> bytes:
    """All that came, also where the end came as a reset: what was sent to somebody who listens no more."""
    said = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            said += piece
    return said


async def exchange(port: int, *pieces: bytes, pause: float = 0.02) -> bytes:
    """All that the server says until it closes; it is not waited for when it will not listen."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = asyncio.create_task(heard(reader))
    with suppress(ConnectionError):
        for piece in pieces:
            if writer.is_closing():  # the server was first
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
    try:
        return await said
    finally:
        writer.close()


def ask(*pieces: bytes, **more: Any) -> bytes:
    said: bytes = on_the_wire(lambda port: exchange(port, *pieces), **more)
    return said


def split(said: bytes) -> tuple[int, dict[str, str], Any]:
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert len(body) == int(headers["content-length"])
    return int(status.split()[1]), headers, json.loads(body)


def refused(said: bytes, status: int, slug: str) -> None:
    found, headers, document = split(said)
    assert (found, document["type"]) == (status, f"/problems/{slug}")
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"] == document["request_id"]


LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])


@LOOPS
def test_requests_follow_one_another_on_one_connection(loop: Any) -> None:
    last = GET.replace(b"Host", b"Connection: close\r\nHost")
    said = ask(GET, GET + GET, POST + b"Content-Length: 2\r\n\r\n", b"{}", last, loop=loop)
    assert said.count(b"HTTP/1.1 200 OK") == 5
    assert b"HTTP/1.1 400" not in said


# --- too slow ---


@LOOPS
@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b""], None),
        ([b"\r\n", b"\r\n"] * 30, None),
        ([b"G"], 408),
        ([bytes([c]) for c in GET], 408),
        ([GET[:-2], *[b"X: y\r\n"] * 30], 408),
        ([GET, GET[:20]], 200),
    ],
)
def test_a_slow_head_is_cut_off(pieces: list[bytes], status: int | None, loop: Any) -> None:
    said = ask(*pieces, protocol=Hasty, loop=loop)
    assert said.startswith(b"HTTP/1.1 %d" % status if status else b"")
    assert bool(said) == bool(status)


@LOOPS
@pytest.mark.parametrize("length", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
def test_a_slow_body_is_cut_off(length: bytes, loop: Any) -> None:
    pieces = [POST + length + b"\r\n\r\n", *[b"1\r\n \r\n"] * 40]
    refused(ask(*pieces, protocol=Hasty, loop=loop), 408, "request-timeout")


def test_the_boundary_gives_up_a_slow_body_by_itself() -> None:
    app = Boundary(echo, limits=Limits(body_seconds=0.1))
    refused(ask(POST + b"Content-Length: 50\r\n\r\n", b"{", app=app), 408, "request-timeout")


def test_an_urgent_need_in_half_a_body_is_answered_before_it_is_cut_off() -> None:
    def packaged(scope: Scope, body: bytes | None) -> FallbackAnswer:
        return FallbackAnswer(200, [(b"content-length", b"5")], b'"999"')

    app = Boundary(echo, limits=Limits(body_seconds=0.1), fallback=packaged)
    request = POST.replace(b"/v1/cases", b"/v1/enquiries") + b"Content-Length: 50\r\nConnection: close\r\n\r\n"
    assert split(ask(request, b'{"need":"emergency", "text": "', app=app, protocol=Hasty))[::2] == (
        200,
        "999",
    )


def test_300_slow_connections_are_gone_and_nobody_else_waits() -> None:
    async def crowd(port: int) -> None:
        heads = [exchange(port, GET[:30]) for _ in range(200)]
        bodies = [exchange(port, POST + b"Content-Length: 9\r\n\r\n{") for _ in range(100)]
        slow = asyncio.gather(*heads, *bodies)
        await asyncio.sleep(0.1)
        said = await exchange(port, GET.replace(b"Host", b"Connection: close\r\nHost"))
        assert said.startswith(b"HTTP/1.1 200")
        assert not slow.done()  # they are still being waited for, and nobody else with them
        assert {answer[9:12] for answer in await slow} == {b"408"}

    on_the_wire(crowd, protocol=Unhurried, backlog=512)


def test_an_answer_may_take_longer_than_a_request() -> None:
    head = b"GET /slow HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
    assert ask(head, protocol=Hasty).startswith(b"HTTP/1.1 200")


# --- too big ---


@LOOPS
@pytest.mark.parametrize(
    ("more", "status", "slug"),
    [
        (b"".join(b"X-%d: y\r\n" % n for n in range(2_000)), 431, "headers-too-large"),
        (b"".join(b"X-%d: y\r\n" % n for n in range(64)), 431, "headers-too-large"),
        (b"X-Long: " + b"x" * 17_000 + b"\r\n", 431, "headers-too-large"),
        (b"X-Long: " + b"x" * 1_000_000 + b"\r\n", 431, "headers-too-large"),
    ],
)
def test_heads_that_are_too_big(more: bytes, status: int, slug: str, loop: Any) -> None:
    refused(ask(GET[:-2] + more + b"\r\n", loop=loop), status, slug)
    refused(ask(GET[:-2] + more, loop=loop, protocol=Hasty), *((status, slug) if len(more) > 16_384 else SLOW))


SLOW = (408, "request-timeout")


@pytest.mark.parametrize("size", [9_000, 20_000, 1_000_000])
def test_urls_that_are_too_long(size: int) -> None:
    url = b"GET /" + b"x" * size
    head = url + b" HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
    refused(ask(head), 414, "uri-too-long")
    if size > 16_384:
        refused(ask(url), 414, "uri-too-long")


@LOOPS
def test_a_client_that_still_sends_hears_why_it_was_refused(loop: Any) -> None:
    piece = b"x" * 100_000
    refused(ask(POST + b"Content-Length: 10000000\r\n\r\n", *[piece] * 20, loop=loop), 413, "body-too-large")
    chunks = [b"186a0\r\n" + piece + b"\r\n"] * 20
    refused(ask(POST + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, loop=loop), 413, "body-too-large")


def test_endless_trailers_and_chunk_extensions_are_bounded() -> None:
    class Narrow(CaseworkProtocol):
        body_bytes: ClassVar[int] = 100_000

    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    for endless in (b"0\r\nX: " + b"x" * 50_000, b"1;" + b"x" * 50_000):
        refused(ask(head, endless, *[b"x" * 50_000] * 3, protocol=Narrow), 413, "body-too-large")


# --- can be read in two ways ---


@pytest.mark.parametrize(
    ("head", "slug"),
    [
        (b"Host: a\r\nHost: b\r\n", "bad-host"),
        (b"Host: a\r\nHost: a\r\n", "bad-host"),
        (b"", "bad-host"),
        (b"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", "ambiguous-length"),
        (b"Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", "ambiguous-length"),
        (b"Host: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n", "ambiguous-length"),
        (b"Host: a\r\nContent-Length: +3\r\n", "ambiguous-length"),
        (b"Host: a\r\nTransfer-Encoding: identity\r\n", "ambiguous-length"),
        (b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "ambiguous-length"),
        (b"Host: a\r\nX: a\r\n folded\r\n", "control-character"),
        (b"Host: a\r\nX: a\rb\r\n", "control-character"),
        (b"Host: a\r\nX: a\x00b\r\n", "control-character"),
        (b"Host : a\r\n", "bad-request"),
        (b"Host: a\nX: b\r\n", "bad-request"),
        (b"Host: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n", "bad-request"),
    ],
)
def test_heads_that_can_be_read_in_two_ways(head: bytes, slug: str) -> None:
    close = b"Connection: close\r\n" if b"Connection" not in head else b""
    request = b"POST /v1/cases HTTP/1.1\r\n" + head + close + b"\r\n0\r\n\r\n" + GET
    said = ask(request)
    if slug == "bad-request" or b"\n" in head.replace(b"\r\n", b""):
        assert said.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in said
    else:
        refused(said, 400, slug)
    assert said.count(b"x-request-id") == 1


@LOOPS
@pytest.mark.parametrize(
    "garbage",
    [
        b"GARBAGE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http(garbage: bytes, loop: Any) -> None:
    refused(ask(garbage, loop=loop), 400, "bad-request")


def test_garbage_after_a_request_is_not_taken_for_its_answer() -> None:
    said = ask(b"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n", b"GARBAGE\r\n\r\n", b"more")
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


def test_garbage_after_several_requests_closes_the_connection() -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n"
    assert b"HTTP/1.1 400" not in ask(slow + slow + b"GARBAGE\r\n\r\n")


def test_a_broken_chunk_is_refused() -> None:
    request = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert ask(request, b"zz\r\n").startswith(b"HTTP/1.1 400")


def test_trailers_do_not_become_headers() -> None:
    body = b"2\r\n{}\r\n0\r\nAuthorization: Bearer forged\r\n\r\n"
    request = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    _, _, seen = split(ask(request))
    assert seen["body"] == "{}"
    assert "authorization" not in seen["headers"]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_an_upgrade_is_not_taken_up(protocol: bytes) -> None:
    said = ask(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n" + GET)
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


# --- too many ---


def test_above_its_ceiling_the_service_still_answers_urgent_needs() -> None:
    def packaged(scope: Scope, body: bytes | None) -> FallbackAnswer:
        return FallbackAnswer(200, [(b"content-length", b"5")], b'"999"')

    app = Boundary(echo, fallback=packaged)
    close = b"Connection: close\r\n"
    refused(ask(GET[:-2] + close + b"\r\n", app=app, limit_concurrency=1), 503, "unavailable")
    request = POST.replace(b"/v1/cases", b"/v1/enquiries") + close
    said = ask(request + b"Content-Length: %d\r\n\r\n" % len(URGENT) + URGENT, app=app, limit_concurrency=1)
    assert split(said)[::2] == (200, "999")
