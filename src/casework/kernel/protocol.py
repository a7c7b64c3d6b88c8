"""uvicorn's HTTP protocol with deadlines and ceilings of our own, for it has none.

Give it to uvicorn as ``http=CaseworkProtocol``. A proxy in front remains the production answer; this keeps
the service standing without one.
"""

import asyncio
import uuid
from typing import Any, ClassVar, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from casework.kernel import problems as p
from casework.kernel.answers import SECURITY_HEADERS, render


class CaseworkProtocol(HttpToolsProtocol):
    """Refuses what is too slow, too big or can be read in two ways, before a task is made for it.

    A request arrives in two stages: its head (until the blank line), then its body. Each has a deadline. A
    timer is only made when a stage is still open at the end of what has come in, so a request that arrives in
    one piece costs none.
    """

    header_seconds: ClassVar[float] = 5.0
    # A little more than the boundary allows, for it answers better: half a body may tell an urgent need.
    body_seconds: ClassVar[float] = 20.5
    linger_seconds: ClassVar[float] = 1.0
    url_bytes: ClassVar[int] = 8 * 1024
    header_bytes: ClassVar[int] = 16 * 1024
    header_count: ClassVar[int] = 64
    # Chunk sizes, extensions and trailers count for no one's body; somebody must bound them.
    body_bytes: ClassVar[int] = 16 * 1024 * 1024

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Above this uvicorn would answer in plain text; the boundary does it, and knows the exceptions.
        self._ceiling, self.limit_concurrency = self.limit_concurrency, None
        self.ws_protocol_class = None
        self._begun = False
        self._in_body = False
        self._message = 0
        self._came = 0
        self._deaf = False
        self._refusal: p.Problem | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timed: tuple[int, bool] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        message = self._message
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No upgrade is offered. The parser takes nothing more, so this answer is the connection's last.
            self._deaf = True
            self.cycle.keep_alive = False
            self._unwatch()
            return
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or _diagnosis(str(error)))
            return
        # The parser keeps an unfinished header to itself, so what came is counted here. Of a piece that began
        # with the message before, the share is unknown and left out.
        self._came = self._came + len(data) if message == self._message else 0
        if self._in_body:
            if self._came > self.body_bytes:
                self._refuse(p.BodyTooLarge())
                return
        elif self._came > self.header_bytes:
            too_long = len(getattr(self, "url", b"")) > self.url_bytes and not self.headers
            self._refuse(p.UriTooLong() if too_long else p.HeadersTooLarge())
            return
        self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True

    def on_headers_complete(self) -> None:
        self._judge_head()
        if self._ceiling is not None and (len(self.connections) >= self._ceiling or len(self.tasks) >= self._ceiling):
            self.scope["state"]["overloaded"] = True
        super().on_headers_complete()
        self._in_body = True
        self._came = 0
        # uvicorn appends trailers to the list the application was given; now they go to one nobody reads.
        self.headers = []
        # Closing with unread bytes resets the connection, and the client may lose the refusal it was sent.
        self.cycle.transport = cast(asyncio.Transport, _LingeringTransport(self))

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._begun = self._in_body = False
        self._message += 1
        self._came = 0

    def on_response_complete(self) -> None:
        if self._deaf:
            # Ours to close: no timer for a next request, which will not be heard.
            self.server_state.total_requests += 1
            return
        super().on_response_complete()

    def close_softly(self) -> None:
        """Close; if the request is still coming in, take the rest of it unread for a moment first."""
        lingering = self._deaf and self._timer is not None
        if self._in_body and not self._deaf:
            self._linger()
        elif not lingering:
            self.transport.close()

    def _judge_head(self) -> None:
        size, hosts, has_body = len(self.url), 0, False
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
            elif name in (b"content-length", b"transfer-encoding"):
                has_body = True
        if len(self.url) > self.header_bytes:
            self._refusal = p.UriTooLong()
        elif size > self.header_bytes or len(self.headers) > self.header_count:
            self._refusal = p.HeadersTooLarge()
        elif hosts > 1:
            self._refusal = p.BadHost()
        elif has_body and self.parser.should_upgrade():
            # The parser takes the body of such a request for the other protocol.
            self._refusal = p.BadRequest("No upgrade is offered; leave out the Upgrade header.")
        if self._refusal is not None:
            raise self._refusal

    def _watch(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and not self._begun:
            self._unwatch()
            return
        stage = (self._message, self._in_body)
        if self._timed == stage:
            return
        self._unwatch()
        self._timed = stage
        seconds = self.body_seconds if self._in_body else self.header_seconds
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _unwatch(self) -> None:
        self._timed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._begun:
            self._refuse(p.RequestTimeout())
        else:
            self.transport.close()

    def _refuse(self, problem: p.Problem) -> None:
        self._unwatch()
        self._deaf = True
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.transport.close()
            return
        if cycle is not None and not cycle.response_complete:
            if not self._in_body:
                # The request before is still being answered: this refusal would be taken for its answer.
                cycle.keep_alive = False
                return
            # The request being served is the broken one: its application must not wait for the rest.
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        elif cycle is not None and self._in_body:
            # Answered already, before all of it had come.
            self.transport.close()
            return
        self.transport.write(self._raw(problem))
        self._linger()

    def _raw(self, problem: p.Problem) -> bytes:
        # Where it was going is not known for certain, so whoever is refused here is told of 999.
        request_id = str(uuid.uuid4())
        status, headers, body = render(problem, {"request_id": request_id, "public_door": True})
        lines = [STATUS_LINE[status]]
        own = [(b"x-request-id", request_id.encode()), (b"connection", b"close")]
        for name, value in [*self.server_state.default_headers, *headers, *SECURITY_HEADERS, *own]:
            lines += [name, b": ", value, b"\r\n"]
        return b"".join([*lines, b"\r\n", body])

    def _linger(self) -> None:
        self._unwatch()
        self._deaf = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(self.linger_seconds, self.transport.close)


class _LingeringTransport:
    """What a request's cycle sees of the transport: its close is the protocol's to do."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: CaseworkProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.close_softly()


def _diagnosis(error: str) -> p.Problem:
    """The problem behind the parser's own words; they hold nothing of the request."""
    if "Content-Length" in error or "Transfer-Encoding" in error:
        return p.AmbiguousLength()
    if "header value" in error or "url" in error:
        return p.ControlCharacter()
    return p.BadRequest("This is not HTTP/1.1.")
