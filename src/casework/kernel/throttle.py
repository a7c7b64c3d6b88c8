"""How often one address may do a thing. Addresses are counted in memory under a key of this process, and kept nowhere."""

import math
import secrets
from hashlib import blake2b

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework.kernel.problems import TooManyRequests
from casework.kernel.rates import Counter, network, refuse
from casework.kernel.settings import Settings

OFFICE = 5
"""Colleagues share the address of their office, so an address may try this many times as often as one login."""
HOUR = 3600.0


class Throttle:
    """The counters of one process; several processes allow that much more."""

    def __init__(self, settings: Settings) -> None:
        self._pepper = secrets.token_bytes(32)
        self._hour, self._minute = Counter(window=HOUR), Counter()
        self._submissions = settings.submissions_per_hour
        self._wrong_tokens = settings.wrong_tokens_per_minute
        self._login = settings.login_tries_per_minute

    def count_submission(self, scope: Scope) -> None:
        """Count an enquiry of somebody without an account; raises ``TooManyRequests`` above the limit."""
        _judge(*self._hour.hit(self._who("submission", scope), self._submissions))

    def refuse_guessing(self, scope: Scope) -> None:
        """Raise ``TooManyRequests`` where too many tracking tokens were wrong."""
        _judge(*self._minute.ask(self._who("token", scope), self._wrong_tokens))

    def count_wrong_token(self, scope: Scope) -> None:
        """Count a tracking token that opened nothing."""
        self._minute.hit(self._who("token", scope), self._wrong_tokens)

    def count_login(self, scope: Scope, login: str) -> None:
        """Count a try to log in, before the password is looked at; raises ``TooManyRequests`` above the limits.

        The address comes first, so that one address cannot fill the memory with logins.
        """
        _judge(*self._minute.hit(self._who("logins", scope), self._login * OFFICE))
        _judge(*self._minute.hit(self._key("login", login), self._login))

    def _who(self, what: str, scope: Scope) -> bytes:
        return self._key(what, network((scope.get("client") or ("", 0))[0]))

    def _key(self, what: str, word: str) -> bytes:
        return blake2b(f"{what} {word}".encode(), key=self._pepper, digest_size=12).digest()


def _judge(left: int, seconds: float) -> None:
    if left < 0:
        raise TooManyRequests(headers={"Retry-After": str(max(1, math.ceil(seconds)))})


class GuessGuard:
    """ASGI middleware about the application: refuses, for a while, an address that tries tracking tokens."""

    def __init__(self, app: ASGIApp, throttle: Throttle, prefix: str) -> None:
        self._app = app
        self._throttle = throttle
        self._tracking = b"Bearer " + prefix.encode()

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
                return bool(value.startswith(self._tracking))
        return False
