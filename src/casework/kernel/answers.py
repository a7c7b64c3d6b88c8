"""What goes out of the boundary: whole answers, and the headers that make every answer safe."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.types import Message, Send

from casework.kernel import problems as p

PROBLEM = b"application/problem+json"

SECURITY_HEADERS: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_SECURITY_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)


class FallbackAnswer(NamedTuple):
    """A whole answer, ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


EMERGENCY = "Is it an emergency? Dial 999. Something suspicious: the counter-terrorism hotline, 0800 789 321."
"""Stands in every problem of the address where the public asks: whoever is refused there may need it."""


def render(problem: p.Problem, state: Mapping[str, Any]) -> FallbackAnswer:
    """The problem as an answer of application/problem+json. ``state``: what the boundary left of its request."""
    document = problem.document() | {"request_id": state.get("request_id", "")}
    if state.get("public_door"):
        document["emergency"] = EMERGENCY
    body = json.dumps(document, separators=(",", ":"), default=str).encode()
    headers = [(b"content-type", PROBLEM), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()]
    return FallbackAnswer(problem.status, headers, body)


class Answer:
    """``send`` with the security headers; a 500 that is no problem document becomes one. ``bodiless``: the answer to HEAD."""

    __slots__ = ("_bodiless", "_mute", "_send", "_state", "started")

    def __init__(self, send: Send, state: Mapping[str, Any], *, bodiless: bool = False) -> None:
        self._send = send
        self._state = state
        self._bodiless = bodiless
        self._mute = False
        self.started = False

    async def __call__(self, message: Message) -> None:
        if self._mute:
            return
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if message["status"] == 500 and (b"content-type", PROBLEM) not in headers:
                # Starlette answers what escapes a handler with plain text, then lets the exception through.
                await self.give(render(p.InternalError(), self._state))
                self._mute = True
                return
            self.started = True
            names = {name for name, _ in headers}
            if names.isdisjoint(_SECURITY_NAMES):
                headers += SECURITY_HEADERS
            else:
                headers += [header for header in SECURITY_HEADERS if header[0] not in names]
            headers.append((b"x-request-id", self._state["request_id"].encode()))
            message = {**message, "headers": headers}
        elif self._bodiless:
            message = {**message, "body": b""}
        await self._send(message)

    async def give(self, answer: FallbackAnswer) -> None:
        await self({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self({"type": "http.response.body", "body": answer.body})
