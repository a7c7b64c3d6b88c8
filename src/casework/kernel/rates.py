"""How many requests a minute one person, one tool and one address may make. Cheap enough to ask on every request.

Counted in memory, one count a process, under keyed hashes: no token and no address is kept. A token is anybody's until the
service has once answered it otherwise than 401; only then does it count as its person, and only then is it staff for
``admission``. So whoever invents tokens is counted by address and waits among the strangers.
"""

import ipaddress
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework.kernel.answers import render
from casework.kernel.problems import TooManyRequests
from casework.kernel.settings import Settings

WINDOW = 60.0
MOST_KEYS = 50_000
"""Keys a window counts by themselves. Further ones share a bucket, so that nobody fills the memory with addresses."""
BUCKETS = 4_096
WARNED_BELOW = 5
"""An answer tells what is left (RateLimit) once less than a fifth is: before that, nobody needs to know."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Known(NamedTuple):
    """Whose token it is: the key that their requests are counted under, and ``staff``, ``client`` or ``enquirer``."""

    key: bytes
    kind: str


Identify = Callable[[str], Awaitable[tuple[str, str] | None]]
"""The kind and the principal of an Authorization header that was served."""
Exempt = Callable[[Scope], bool]


class Counter:
    """Requests of the last ``window`` seconds by key: this window's and, by the share still in sight, the one before."""

    __slots__ = ("_before", "_begun", "_clock", "_most", "_now", "_window")

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEYS, window: float = WINDOW
    ) -> None:
        self._clock = clock
        self._most = most
        self._window = window
        self._begun = clock()
        self._now: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}

    def hit(self, key: bytes, limit: int) -> tuple[int, float]:
        """Count one, unless that were above the limit: how many are left (-1: refused), and seconds until more are."""
        key, left, seconds = self._standing(key, limit)
        if left >= 0:
            self._now[key] = self._now.get(key, 0) + 1
        return left, seconds

    def ask(self, key: bytes, limit: int) -> tuple[int, float]:
        """What ``hit`` would answer, without counting."""
        return self._standing(key, limit)[1:]

    def _standing(self, key: bytes, limit: int) -> tuple[bytes, int, float]:
        window = self._window
        passed = self._clock() - self._begun
        if passed >= window:
            self._before = self._now if passed < 2 * window else {}
            self._now = {}
            passed %= window
            self._begun = self._clock() - passed
        if key not in self._now and len(self._now) >= self._most:
            key = (int.from_bytes(key[:4]) % BUCKETS).to_bytes(2)
        now, before = self._now.get(key, 0), self._before.get(key, 0)
        left = limit - now - before * (1 - passed / window)
        if left >= 1:
            return key, int(left) - 1, window - passed
        if now < limit:
            # Until so much of the window before is out of sight that one more fits.
            return key, -1, max(0.0, window * (1 - (limit - now - 1) / before) - passed)
        return key, -1, window - passed + window / limit


class RateLimits:
    """ASGI middleware: 429 above the limits, and in the state whether it is a stranger's request (``stranger``)."""

    def __init__(self, app: ASGIApp, settings: Settings, identify: Identify, exempt: Exempt) -> None:
        self._app = app
        self._identify = identify
        self._exempt = exempt
        self._pepper = secrets.token_bytes(32)
        self._counter = Counter()
        self._known: dict[bytes, Known] = {}
        self._address = settings.address_per_minute
        self._writes = settings.stranger_writes_per_minute
        self._persons = {
            "staff": settings.person_per_minute,
            "client": settings.tool_per_minute,
            "enquirer": settings.person_per_minute,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        token = self._key(b"t" + authorization) if authorization is not None else None
        known = self._known.get(token) if token is not None else None
        scope["state"]["stranger"] = known is None or known.kind == "enquirer"
        exempt = self._exempt(scope)
        told = None if exempt else self._count(scope, known)
        if told is not None and told.left < 0:
            await _refuse(told, scope, send)
            return
        if token is None and (told is None or told.left * WARNED_BELOW >= told.limit):
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if told is not None and told.left * WARNED_BELOW < told.limit:
                    message = {**message, "headers": [*message.get("headers", ()), *told.headers()]}
            await send(message)

        await self._app(scope, receive, watched)
        if token is not None and authorization is not None:
            if status == 401:
                self._known.pop(token, None)
            elif known is None and 200 <= status < 400 and not exempt:
                await self._learn(token, authorization)

    def _count(self, scope: Scope, known: Known | None) -> "Told | None":
        """The narrowest of the limits that this request meets, or the first that is used up."""
        address = self._who(scope)
        found = [("address", self._address, b"a" + address)]
        if known is not None:
            found.append(("person" if known.kind != "client" else "tool", self._persons[known.kind], known.key))
        elif scope["method"] not in _READS:
            found.append(("writes", self._writes, b"w" + address))
        narrowest: Told | None = None
        for name, limit, key in found:
            if limit:
                told = Told(name, limit, *self._counter.hit(key, limit))
                if told.left < 0:
                    return told
                if narrowest is None or told.left * narrowest.limit < narrowest.left * limit:
                    narrowest = told
        return narrowest

    async def _learn(self, token: bytes, authorization: bytes) -> None:
        found = await self._identify(authorization.decode("latin-1"))
        if found is not None:
            if len(self._known) >= MOST_KEYS:
                self._known.clear()  # each is learned again at the price of one query
            self._known[token] = Known(self._key(b"p" + found[1].encode()), found[0])

    def _who(self, scope: Scope) -> bytes:
        return self._key(network((scope.get("client") or ("", 0))[0]).encode())

    def _key(self, word: bytes) -> bytes:
        return blake2b(word, key=self._pepper, digest_size=12).digest()


class Told(NamedTuple):
    """How one limit stands."""

    name: str
    limit: int
    left: int
    seconds: float

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What is left, as draft-ietf-httpapi-ratelimit-headers writes it."""
        return [
            (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (self.name.encode(), self.limit, WINDOW)),
            (b"ratelimit", b'"%s";r=%d;t=%d' % (self.name.encode(), max(0, self.left), math.ceil(self.seconds))),
        ]


def network(host: str) -> str:
    """An address as it is counted: whoever has one address of IPv6 has a /64 of them."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


async def refuse(problem: TooManyRequests, scope: Scope, send: Send, *more: tuple[bytes, bytes]) -> None:
    """Send the refusal as an answer, so that the log of requests tells its status."""
    status, headers, body = render(problem, scope["state"])
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *more]})
    await send({"type": "http.response.body", "body": body})


async def _refuse(told: Told, scope: Scope, send: Send) -> None:
    wait = max(1, math.ceil(told.seconds))
    problem = TooManyRequests(
        f"{told.limit} requests a minute are the limit of one {_SAID[told.name]}. Wait {wait} seconds.",
        headers={"Retry-After": str(wait)},
    )
    await refuse(problem, scope, send, *told.headers())


_SAID = {"address": "address", "person": "person", "tool": "tool", "writes": "address without an account that writes"}


def signposting(scope: Scope, needs: frozenset[str]) -> bool:
    """Whether a request asks only where to turn to: these are answered without a limit, however often they are asked."""
    if scope["method"] == "GET":
        return bool(scope["path"] == "/v1/signposts")
    if scope["method"] != "POST" or scope["path"] != "/v1/enquiries":
        return False
    body = scope["state"].get("json")
    need = body.get("need") if isinstance(body, dict) else None
    return isinstance(need, str) and need in needs
