"""How often one address may do a thing. Addresses are counted in memory under a key of this process, and kept nowhere."""

import hashlib
import math
import secrets
import time

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework.kernel.problems import TooManyRequests
from casework.kernel.rates import network, refuse
from casework.kernel.settings import Settings

OFFICE = 5
"""Colleagues share the address of their office, so an address may try this many times as often as one login."""


class Throttle:
    """The counters of one process; several processes allow that much more."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._pepper = secrets.token_bytes(32)
        self._submissions = RateLimitItemPerHour(settings.submissions_per_hour)
        self._wrong_tokens = RateLimitItemPerMinute(settings.wrong_tokens_per_minute)
        self._login = RateLimitItemPerMinute(settings.login_tries_per_minute)
        self._logins = RateLimitItemPerMinute(settings.login_tries_per_minute * OFFICE)

    def count_submission(self, scope: Scope) -> None:
        """Count an enquiry of somebody without an account; raises ``TooManyRequests`` above the limit."""
        who = self._who(scope)
        if not self._limiter.hit(self._submissions, "submission", who):
            raise self._too_many(self._submissions, "submission", who)

    def refuse_guessing(self, scope: Scope) -> None:
        """Raise ``TooManyRequests`` where too many tracking tokens were wrong."""
        who = self._who(scope)
        if not self._limiter.test(self._wrong_tokens, "token", who):
            raise self._too_many(self._wrong_tokens, "token", who)

    def count_wrong_token(self, scope: Scope) -> None:
        """Count a tracking token that opened nothing."""
        self._limiter.hit(self._wrong_tokens, "token", self._who(scope))

    def count_login(self, scope: Scope, login: str) -> None:
        """Count a try to log in, before the password is looked at; raises ``TooManyRequests`` above the limits.

        The address comes first, so that one address cannot fill the memory with logins.
        """
        for item, what, who in ((self._logins, "logins", self._who(scope)), (self._login, "login", self._key(login))):
            if not self._limiter.hit(item, what, who):
                raise self._too_many(item, what, who)

    def _too_many(self, item: RateLimitItemPerHour | RateLimitItemPerMinute, *key: str) -> TooManyRequests:
        wait = self._limiter.get_window_stats(item, *key).reset_time - time.time()
        return TooManyRequests(headers={"Retry-After": str(max(1, math.ceil(wait)))})

    def _who(self, scope: Scope) -> str:
        return self._key(network((scope.get("client") or ("", 0))[0]))

    def _key(self, word: str) -> str:
        return hashlib.blake2b(word.encode(), key=self._pepper, digest_size=16).hexdigest()


class GuessGuard:
    """ASGI middleware about the application: refuses, for a while, an address that tries tracking tokens."""

    def __init__(self, app: ASGIApp, throttle: Throttle, prefix: str) -> None:
        self._app = app
        self._throttle = throttle
        self._prefix = prefix.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._tracks(scope):
            await self._app(scope, receive, send)
            return
        try:
            self._throttle.refuse_guessing(scope)
        except TooManyRequests as problem:
            await refuse(problem, scope, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                self._throttle.count_wrong_token(scope)
            await send(message)

        await self._app(scope, receive, watched)

    def _tracks(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.partition(b" ")
                return bool(scheme.lower() == b"bearer" and token.strip().startswith(self._prefix))
        return False
