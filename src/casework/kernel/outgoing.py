"""The one way out: every HTTP call that the service makes of itself goes through ``fetch``.

No redirects (an answer does not choose whom we ask next), no proxies or passwords out of the environment, a deadline for
the whole call, and a limit on what is read. httpx is imported on the first call: most processes never make one.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SECONDS = 5.0
SIZE = 256 * 1024


class OutgoingFailed(Exception):
    """The other side could not be asked, or did not answer as it should. Says what, and never what was sent."""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What the other side answered."""

    status: int
    body: bytes


def check_address(url: str, *, loopback: bool) -> None:
    """Raise ValueError unless the URL may be called: https, without credentials; http on this machine where ``loopback``."""
    parts = urlsplit(url)
    local = loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or parts.username is not None or parts.fragment or not (parts.scheme == "https" or local):
        raise ValueError("an address to call is https://host/…, without credentials or fragment")


@lru_cache
def _trust() -> "ssl.SSLContext":
    # Made once: it reads the whole list of authorities. SSL_CERT_FILE names a list of one's own.
    import httpx

    return httpx.create_ssl_context()


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    loopback: bool = False,
    seconds: float = SECONDS,
    size: int = SIZE,
) -> Reply:
    """Make one call; raises ``OutgoingFailed`` when there is no whole answer in time. A status is for the caller to judge."""
    import httpx

    try:
        check_address(url, loopback=loopback)
        sent = {"User-Agent": "ctsa-casework", "Accept": "application/json", **(headers or {})}
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(verify=_trust(), trust_env=False, follow_redirects=False, timeout=seconds) as client,
            client.stream(method, url, headers=sent, content=content) as answer,
        ):
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > size:
                    raise OutgoingFailed(f"the answer is longer than {size} bytes")
            return Reply(answer.status_code, bytes(body))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise OutgoingFailed(type(error).__name__) from error
