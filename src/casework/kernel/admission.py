"""Admission: at most so many requests at work in this process, a short queue, and 503 at once for the rest.

Without it every request of a flood is begun, all wait for the same few connections, and all are late. Strangers and staff
have budgets of their own, so that a flood from outside leaves the staff's places free.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from casework.kernel.answers import render
from casework.kernel.problems import Unavailable
from casework.kernel.settings import Settings

log = logging.getLogger("casework.admission")

TOLD_EVERY = 10.0
"""Seconds between two log lines about refusals: a flood must not fill the log as well."""


class Full(Exception):
    """There is no place, nor one in time."""


class Budget:
    """Places at work, and a queue for them in the order of arrival. Belongs to one event loop."""

    __slots__ = ("_free", "_seconds", "_waiting", "_waits")

    def __init__(self, places: int, waits: int, seconds: float) -> None:
        self._free = places
        self._waits = waits
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Take a place; raises ``Full`` when the queue is as long as it may be, or the wait was."""
        if self._free > 0:
            self._free -= 1
            return
        if len(self._waiting) >= self._waits:
            raise Full
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(self._seconds, _give_up, turn)
        try:
            await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # the place came in the moment of giving up: the next one has it
            else:
                turn.cancel()
                # One that gave up must not count as waiting; whoever left meanwhile may have passed it over already.
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise Full from None
            raise
        finally:
            timer.cancel()

    def leave(self) -> None:
        """Give the place to whoever has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())


class Admission:
    """ASGI middleware. ``state["stranger"]``, left by the rate limits, says whose budget a request belongs to."""

    def __init__(self, app: ASGIApp, settings: Settings, exempt: Callable[[Scope], bool]) -> None:
        self._app = app
        self._exempt = exempt
        self._staff = Budget(settings.staff_at_work, settings.staff_waiting, settings.admission_seconds)
        self._strangers = Budget(settings.strangers_at_work, settings.strangers_waiting, settings.admission_seconds)
        self._refused = 0
        self._told = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/health/") or self._exempt(scope):
            await self._app(scope, receive, send)
            return
        budget = self._strangers if scope["state"].get("stranger", True) else self._staff
        try:
            await budget.enter()
        except Full:
            self._tell()
            await _refuse(scope, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            budget.leave()

    def _tell(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._told >= TOLD_EVERY:
            log.warning("more to do than can be done: %d requests were answered with 503", self._refused)
            self._refused, self._told = 0, now


async def _refuse(scope: Scope, send: Send) -> None:
    problem = Unavailable("The service has more to do than it can. Try again shortly.")
    status, headers, body = render(problem, scope["state"])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
