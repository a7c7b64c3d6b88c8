"""The outermost room: what cannot be read safely is refused here, and every answer is made safe here."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_plus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework.kernel import problems as p
from casework.kernel import sizes, strict_json
from casework.kernel.answers import PROBLEM, Answer, FallbackAnswer, render
from casework.kernel.requests import (
    ONCE,
    Arrived,
    Head,
    admits,
    is_urgent,
    plain_bearer,
    replay,
    small_ids_of_query,
    soundly_escaped,
    with_ranges,
    with_small_ids,
)

log = logging.getLogger("casework.boundary")

SIGNPOSTS, ENQUIRIES = "/v1/signposts", "/v1/enquiries"
SECRET_NAMES = frozenset({"token", "access_token", "code", "key", "secret", "password"})

_JSON, _MERGE, _FORM = (
    b"application/json",
    b"application/merge-patch+json",
    b"application/x-www-form-urlencoded",
)
_PRODUCED = frozenset({b"*/*", b"application/*", _JSON, PROBLEM})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CLOSE = {"Connection": "close"}
_BAD_CHARACTER = re.compile(rb"[\x00-\x20\x7f-\xff]")
_CHARSET = re.compile(rb';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)

Fallback = Callable[[Scope, bytes | None], FallbackAnswer | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost: sizes in bytes, times in seconds."""

    url: int = 8 * 1024
    parameters: int = 64
    headers: int = 64
    header_bytes: int = 16 * 1024
    body: sizes.Size = sizes.STAFF
    public_body: sizes.Size = sizes.PUBLIC
    body_seconds: float = 20.0
    pause_seconds: float = 1.0
    """After so long without a byte more, what has come of an enquiry is looked at for an urgent need."""
    signpost_seconds: float = 2.0


class Boundary:
    """Pure ASGI middleware; nothing may stand outside of it.

    Leaves in ``scope["state"]``: ``request_id``, and the client's own (``client_request_id``); for POST, PUT and PATCH ``body`` (bytes), and ``json``
    (parsed) unless the body is empty or a form. ``overloaded``, set there by the protocol, is answered with
    503, but for urgent needs and signposts.

    ``is_public(method, path, authorization)`` tells whose bodies are held to the smaller size.

    ``fallback(scope, body)`` gives the packaged answer: for an urgent enquiry ``body`` is what came of it,
    for signposts None. It must touch nothing that can fail.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits = Limits(),
        allowed_hosts: Sequence[str] = (),
        form_paths: frozenset[str] = frozenset(),
        other_media: Mapping[str, Iterable[str]] | None = None,
        fallback: Fallback | None = None,
        field_names: frozenset[str] | None = None,
        is_public: Callable[[str, str, bytes | None], bool] = lambda *_: False,
    ) -> None:
        self._app = app
        self._limits = limits
        # The health check of a container asks itself, by loopback, whatever name the service goes by outside.
        known = (*allowed_hosts, "127.0.0.1", "localhost", "[::1]") if allowed_hosts else ()
        self._hosts = frozenset(host.lower().encode() for host in known)
        self._form_paths = form_paths
        self._other_media = [(path.rstrip("/"), with_ranges(kinds)) for path, kinds in (other_media or {}).items()]
        self._fallback = fallback
        self._field_names = field_names
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        head = Head(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"], state["client_request_id"] = head.request_id, head.client_request_id
        state["public_door"] = scope["path"].rstrip("/") == ENQUIRIES
        answer = Answer(send, state, bodiless=scope["method"] == "HEAD")
        scope = _plainly(scope, head.values.get(b"authorization"))
        problem: p.Problem
        try:
            await self._serve(scope, receive, answer, head)
            return
        except ClientDisconnect:
            return
        except p.Problem as refusal:
            problem = refusal
        except Exception as error:
            # Never its text: it may quote what a person wrote.
            log.error("unhandled %s in request %s", type(error).__qualname__, head.request_id)
            problem = p.InternalError()
        # An answer once begun can only be broken off: left incomplete, the server closes its connection.
        if not answer.started:
            await answer.give(render(problem, state))

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer, head: Head) -> None:
        method, path, state = scope["method"], scope["path"], scope["state"]
        public = self._is_public(method, path, head.values.get(b"authorization"))
        most = self._limits.public_body if public else self._limits.body
        arrived: Arrived | None = None
        if method == "POST" and path == ENQUIRIES and self._fallback is not None:
            # Before any other question: 999 and the hotline are answered whatever else is wrong.
            arrived = await self._read(receive, self._limits.body, is_urgent)
            urgent = self._ask(scope, arrived.body) if is_urgent(arrived.body) else None
            if urgent is not None:
                await answer.give(urgent)
                return
        self._check_url(scope)
        self._check_headers(head, most)
        self._check_accept(head.values.get(b"accept"), path)
        kind = self._check_content_type(method, path, head) if method in _WITH_BODY else None
        overloaded = state.pop("overloaded", False)
        if method == "GET" and path == SIGNPOSTS and self._fallback is not None:
            await self._signposts(scope, receive, answer, overloaded)
            return
        if overloaded:
            raise p.Unavailable("The service has more to do than it can. Try again shortly.")
        if arrived is None and (method in _WITH_BODY or head.has_body):
            arrived = await self._read(receive, most)
        if arrived is not None and arrived.refusal is not None:
            raise arrived.refusal
        if arrived is not None and len(arrived.body) > most.bytes:
            raise _too_large(most)
        if method in _WITH_BODY:
            body = state["body"] = arrived.body if arrived else b""
            if body and kind is None:
                # HTTP/2 and in-process clients need not announce a body.
                raise self._wrong_media(method, path)
            if body and kind != _FORM:
                sizes.refuse_large(body, most)
                state["json"] = strict_json.parse(body, self._field_names)
        await self._app(scope, replay(arrived.body, receive) if arrived else receive, answer)

    def _check_url(self, scope: Scope) -> None:
        path = scope.get("raw_path") or quote(scope["path"]).encode()
        if b"%2f" in path.lower():
            raise p.NotFound  # read as a separator here, and perhaps not by what stands before us
        query = scope["query_string"]
        url = path + b"?" + query if query else path
        if len(url) > self._limits.url:
            raise p.UriTooLong(f"A URL may have {self._limits.url} bytes.")
        if _BAD_CHARACTER.search(url) or (b"%" in url and not soundly_escaped(url)):
            raise p.ControlCharacter("The URL holds a control character or a broken percent-encoding.")
        if query:
            self._check_parameters(query)

    def _check_parameters(self, query: bytes) -> None:
        parts = query.split(b"&")
        if len(parts) > self._limits.parameters:
            raise p.TooManyParameters(f"A URL may carry {self._limits.parameters} query parameters.")
        names = [unquote_plus(part.partition(b"=")[0].decode("ascii")) for part in parts if part]
        if any(name.lower() in SECRET_NAMES for name in names):
            raise p.SecretInUrl("Send tokens and codes in the Authorization header or in the body. Renew this one.")
        if len(set(names)) != len(names):
            raise p.RepeatedParameter("Send each query parameter once.")

    def _check_headers(self, head: Head, most: sizes.Size) -> None:
        values = head.values
        if head.count > self._limits.headers or head.size > self._limits.header_bytes:
            raise p.HeadersTooLarge(headers=_CLOSE)
        if head.controls:
            raise p.ControlCharacter("A header holds a control character.")
        host = values.get(b"host", b"").lower()
        if not host or b"host" in head.doubled:
            raise p.BadHost("Send exactly one Host header.")
        if self._hosts and host not in self._hosts and host.rpartition(b":")[0] not in self._hosts:
            raise p.BadHost("This service does not answer for that host.")
        twice = head.doubled & ONCE
        if twice:
            raise p.BadRequest(f"Send {min(twice).decode().title()} once.")
        if values.get(b"transfer-encoding", b"chunked").lower() != b"chunked" or b"transfer-encoding" in head.doubled:
            raise p.AmbiguousLength("The one Transfer-Encoding that is read is chunked.", headers=_CLOSE)
        length = values.get(b"content-length")
        if length is not None:
            if b"transfer-encoding" in values or b"content-length" in head.doubled or not length.isdigit():
                raise p.AmbiguousLength("Send either one Content-Length or Transfer-Encoding.", headers=_CLOSE)
            # The digits are counted first: int() itself is dear for a very long number, and refuses some.
            if len(length) > 18 or int(length) > most.bytes:
                raise _too_large(most)
        if values.get(b"content-encoding", b"identity").lower() != b"identity":
            raise p.UnsupportedEncoding(headers={"Accept-Encoding": "identity"})

    def _check_accept(self, accept: bytes | None, path: str) -> None:
        if not accept or accept in _PRODUCED or admits(accept, _PRODUCED):
            return
        for prefix, kinds in self._other_media:
            if (path == prefix or path.startswith(prefix + "/")) and admits(accept, kinds):
                return
        raise p.NotAcceptable("This address answers in application/json.")

    def _check_content_type(self, method: str, path: str, head: Head) -> bytes | None:
        value = head.values.get(b"content-type")
        if value == _JSON or (value is None and not head.has_body):
            return value
        right = self._right_media(method, path)
        kind = (value or b"").partition(b";")[0].strip().lower()
        charsets = _CHARSET.findall(value or b"")
        if kind in right and b"content-type" not in head.doubled and all(c.lower() == b"utf-8" for c in charsets):
            return kind
        raise self._wrong_media(method, path)

    def _right_media(self, method: str, path: str) -> list[bytes]:
        return [_JSON] + [_MERGE] * (method == "PATCH") + [_FORM] * (path in self._form_paths)

    def _wrong_media(self, method: str, path: str) -> p.Problem:
        accept = b", ".join(self._right_media(method, path)).decode()
        return p.UnsupportedMediaType(f"Send {accept.replace(', ', ' or ')} in UTF-8.", headers={"Accept": accept})

    async def _read(self, receive: Receive, most: sizes.Size, enough: Callable[[bytes], bool] | None = None) -> Arrived:
        """The body as far as it came within the limits, and why it is not the whole of it.

        What is ``enough`` does not wait for the rest, where nothing comes for a moment.
        """
        body, more, loop = b"", True, asyncio.get_running_loop()
        end = loop.time() + self._limits.body_seconds
        while more:
            until = end if enough is None else min(end, loop.time() + self._limits.pause_seconds)
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                if loop.time() >= end or (enough is not None and enough(body)):
                    return Arrived(body, p.RequestTimeout(headers=_CLOSE))
                continue
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > most.bytes:
                return Arrived(body[: most.bytes], _too_large(most))
        return Arrived(body, None)

    def _ask(self, scope: Scope, body: bytes | None) -> FallbackAnswer | None:
        try:
            return self._fallback(scope, body) if self._fallback else None
        except Exception as error:
            log.error("fallback failed: %s in request %s", type(error).__qualname__, scope["state"]["request_id"])
            return None

    async def _signposts(self, scope: Scope, receive: Receive, answer: Answer, overloaded: bool) -> None:
        """The service's own signposts if it gives them soon, else the packaged copy."""
        held, failure = ([], p.Unavailable()) if overloaded else await self._attempt(scope, receive)
        if failure is None:
            status = held[0]["status"] if held else 500
        else:
            status = failure.status if isinstance(failure, p.Problem) else 500
        if status >= 500 or status == 429:
            log.warning("signposts: %s in request %s", type(failure).__qualname__, scope["state"]["request_id"])
            copy = self._ask(scope, None)
            if copy is not None:
                await answer.give(copy)
                return
        if failure is not None:
            raise failure
        for message in held:
            await answer(message)

    async def _attempt(self, scope: Scope, receive: Receive) -> tuple[list[Message], BaseException | None]:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        task = asyncio.ensure_future(self._app(scope, receive, hold))
        try:
            await asyncio.wait({task}, timeout=self._limits.signpost_seconds)
        finally:
            # Not awaited: what hangs may hang in its own cancellation as well.
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        if not task.done() or task.cancelled():
            return [], p.Unavailable()
        return held, task.exception()


def _plainly(scope: Scope, authorization: bytes | None) -> Scope:
    """The request as all within see it: HEAD is GET (its body is left out at the end), ids are in small letters, and a
    token is spelt in one way."""
    path, query = with_small_ids(scope["path"]), small_ids_of_query(scope["query_string"])
    if authorization is not None and (plain := plain_bearer(authorization)) != authorization:
        headers = [(name, plain if name == b"authorization" else value) for name, value in scope["headers"]]
        scope = {**scope, "headers": headers}
    if scope["method"] != "HEAD" and path == scope["path"] and query == scope["query_string"]:
        return scope
    scope["state"]["method"] = scope["method"]
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return {**scope, "method": method, "path": path, "query_string": query}


def _too_large(most: sizes.Size) -> p.Problem:
    return p.BodyTooLarge(f"The body may have {most.bytes} bytes.", headers=_CLOSE)
