"""Federated log-in: whether a token is a current access token of the one identity provider that is configured (RFC 8725).

Judged once for each token: its first sight makes a session by its hash, and the session is what later requests ask for.
Nothing that the token says of itself decides how it is judged: algorithms belong to keys, keys come from the provider.
"""

import asyncio
import base64
import hashlib
import logging
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from casework.kernel import strict_json
from casework.kernel.outgoing import OutgoingFailed, check_address, fetch
from casework.kernel.problems import Problem, Unavailable
from casework.kernel.settings import Settings

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

log = logging.getLogger("casework.federation")

ALGORITHMS = {
    ("RSA", None): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("Ed25519",),
}
"""What a key of a kind may sign with. The first, unless the provider says otherwise; never what only a shared secret makes."""
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_HEADER = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""What a header may hold. Whatever brings a key of its own (jwk, jku, x5c, x5u) or asks for more (crit, b64, zip) is refused."""
_NOT_A_BEARERS = ("nonce", "at_hash", "c_hash", "cnf", "act")
"""Claims of ID tokens, of tokens that are worth nothing without a further proof, and of those that somebody else acts with."""
_PARTS = re.compile(r"[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,1024}\Z")
LEAST_RSA_BITS = 2048
LEEWAY = 30
"""By how many seconds the provider's clock may be ahead of ours."""
FRESH = 600.0
"""For how many seconds keys are used unasked: for so long a key that the provider withdrew still counts."""
STALE = 24 * 3600.0
"""For how many seconds keys are kept while the provider is away."""
_LATEST = 253402300800
_SUBJECT = 255


class NotOurs(Exception):
    """The token is no current access token of the provider for this service. Says why, for tests; no caller is told."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for, since when and until when."""

    issuer: str
    subject: str
    issued: datetime
    expires: datetime
    content: UUID
    """Stands for what was signed. A signature can be written in several ways; what it says opens one session, once."""


@dataclass(frozen=True, slots=True, repr=False)
class _Key:
    key: "RSAKey | ECKey | OKPKey"
    algorithm: str


class Provider:
    """The identity provider: where its keys are, and which they are."""

    def __init__(self, issuer: str, *, loopback: bool, between: float) -> None:
        self.issuer = issuer
        self._loopback = loopback
        self._between = between
        self._keys: dict[str, _Key] = {}
        self._read_at = self._tried_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key(self, kid: str) -> _Key:
        """The key of this name; asks the provider where it is unknown or was read long ago. Raises ``NotOurs``."""
        if kid not in self._keys or time.monotonic() - self._read_at > FRESH:
            await self._refresh(kid)
        if time.monotonic() - self._read_at > STALE:
            raise Unavailable("The identity provider cannot be reached.", retry_after=5)
        if kid not in self._keys:
            raise NotOurs("unknown key")
        return self._keys[kid]

    async def _refresh(self, kid: str) -> None:
        async with self._asking:
            now = time.monotonic()
            if (kid in self._keys and now - self._read_at <= FRESH) or now - self._tried_at < self._between:
                return
            self._tried_at = now
            try:
                self._keys = await self._ask()
            except (OutgoingFailed, Problem, ValueError, TypeError) as error:
                log.warning("the keys of the identity provider could not be read: %s", error)
            else:
                self._read_at = time.monotonic()

    async def _ask(self) -> dict[str, _Key]:
        told = await self._json(self.issuer.removesuffix("/") + "/.well-known/openid-configuration")
        if told.get("issuer") != self.issuer or not isinstance(told.get("jwks_uri"), str):
            raise ValueError("the discovery document is another issuer's, or names no keys")
        check_address(told["jwks_uri"], loopback=self._loopback)
        return usable(await self._json(told["jwks_uri"]))

    async def _json(self, url: str) -> dict[str, Any]:
        reply = await fetch(url, loopback=self._loopback)
        if reply.status != 200:
            raise OutgoingFailed(f"status {reply.status}")
        value = strict_json.parse(reply.body)
        if not isinstance(value, dict):
            raise ValueError("an object was expected")
        return value


def usable(told: dict[str, Any]) -> dict[str, _Key]:
    """The keys of a JWK set that may verify, by name. A name that stands twice is nobody's."""
    listed = told.get("keys")
    if not isinstance(listed, list):
        raise ValueError("a list of keys was expected")
    found: dict[str, _Key] = {}
    named = [each.get("kid") for each in listed if isinstance(each, dict)]
    for each in listed:
        if isinstance(each, dict) and isinstance(each.get("kid"), str) and named.count(each["kid"]) == 1:
            key = _read_key(each)
            if key is not None:
                found[each["kid"]] = key
    return found


def _read_key(told: dict[str, Any]) -> _Key | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kind, curve = str(told.get("kty")), told.get("crv")
    possible = ALGORITHMS.get((kind, None if curve is None else str(curve)), ())
    algorithm = told.get("alg", possible[0] if possible else None)
    for_signing = told.get("use", "sig") == "sig" and "verify" in told.get("key_ops", ["verify"])
    if algorithm not in possible or not for_signing:
        return None
    # The public part only, whatever else was sent.
    public: dict[str, Any] = {"kty": kind, **{name: told.get(name) for name in _PUBLIC[kind]}}
    kinds: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    try:
        # Before it is made a key of: the library warns of a short one, and takes it.
        if kind == "RSA" and int.from_bytes(_decode(public["n"])).bit_length() < LEAST_RSA_BITS:
            return None
        key = kinds[kind].import_key(public)
    except (JoseError, NotOurs, ValueError, TypeError, AttributeError):
        return None
    return _Key(key, algorithm)


class Federation:
    """Judges tokens of the provider that the settings name."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_audience is not None
        self.issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._types = frozenset({settings.oidc_token_type.lower(), f"application/{settings.oidc_token_type}".lower()})
        self._longest = settings.oidc_token_minutes * 60
        loopback = settings.environment == "development"
        self._provider = Provider(self.issuer, loopback=loopback, between=settings.oidc_refresh_seconds)

    @classmethod
    def configured(cls, settings: Settings) -> "Federation | None":
        """``None`` where federated log-in is off."""
        return cls(settings) if settings.oidc_issuer is not None else None

    async def judge(self, token: str) -> Vouched:
        """Whom the token stands for. Raises ``NotOurs``; ``Unavailable`` while no key could be had at all.

        What costs nothing comes first, so that a forgery costs neither a signature nor a question to the provider.
        """
        if _PARTS.match(token) is None:
            raise NotOurs("not three parts")
        content, _, signature = token.rpartition(".")
        head, _, body = content.partition(".")
        header, claims = _object(head), _object(body)
        _decode(signature)
        self._check_header(header)
        subject, issued, expires = self._check_claims(claims, time.time())
        key = await self._provider.key(header["kid"])
        if header["alg"] != key.algorithm:
            raise NotOurs("the key does not sign so")
        _verify(token, key)
        return Vouched(
            self.issuer,
            subject,
            datetime.fromtimestamp(issued, UTC),
            datetime.fromtimestamp(expires, UTC),
            UUID(bytes=hashlib.sha256(content.encode()).digest()[:16]),
        )

    def _check_header(self, header: dict[str, Any]) -> None:
        if not header.keys() <= _HEADER:
            raise NotOurs("a header parameter that is not taken")
        kid, kind = header.get("kid"), header.get("typ")
        if not isinstance(kid, str) or not kid or not isinstance(header.get("alg"), str):
            raise NotOurs("no key named")
        if not isinstance(kind, str) or kind.lower() not in self._types:
            raise NotOurs("not an access token")

    def _check_claims(self, claims: dict[str, Any], now: float) -> tuple[str, int, int]:
        if claims.get("iss") != self.issuer:
            raise NotOurs("another issuer")
        meant_for = claims.get("aud")
        audiences = meant_for if isinstance(meant_for, list) else [meant_for]
        if not all(isinstance(each, str) for each in audiences) or self._audience not in audiences:
            raise NotOurs("meant for somebody else")
        if any(name in claims for name in _NOT_A_BEARERS):
            raise NotOurs("not a bearer's token")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT:
            raise NotOurs("no subject")
        issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
        begins = _moment(claims, "nbf") if "nbf" in claims else issued
        if not issued < expires or expires - issued > self._longest:
            raise NotOurs("lives too long")
        if expires <= now or max(issued, begins) > now + LEEWAY:
            raise NotOurs("not current")
        return subject, issued, expires


def _moment(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    # Whole seconds: a float can be so large that no clock ever reaches it.
    if type(value) is not int or not 0 < value < _LATEST:
        raise NotOurs(f"no {name}")
    return value


def _decode(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise NotOurs("not base64url") from None
    # The last character can have bits that no byte takes: the same token written in another way.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise NotOurs("not base64url as it is written")
    return raw


def _object(part: str) -> dict[str, Any]:
    try:
        value = strict_json.parse(_decode(part))
    except Problem:
        raise NotOurs("not JSON") from None
    if not isinstance(value, dict):
        raise NotOurs("not an object")
    return value


def _verify(token: str, key: _Key) -> None:
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        jws.deserialize_compact(token, key.key, algorithms=[key.algorithm])
    except (JoseError, ValueError):
        raise NotOurs("the signature is not the key's") from None
