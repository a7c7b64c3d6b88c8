"""Bearer tokens: how they look, how they are hashed, and which connections they may use.

Every token is opaque: 256 random bits behind a prefix that says whose it is. The database knows the SHA-256 only, and
says on each request what it is worth. A token that is none of ours may be the identity provider's: ``federation`` judges
it on its first sight, which makes a session by its hash.
"""

import hashlib
import secrets

STAFF, CLIENT, TRACKING = "ses_", "cli_", "trk_"
CONFIRMATION = "cnf_"
"""No bearer: it counts beside a tracking token, in a header of its own."""


def new_token(prefix: str) -> str:
    """A fresh token of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).digest()


def bearer(header: str | None) -> str | None:
    """The token of an Authorization header as the boundary spells it; ``None`` where there is none, nobody's where it is malformed."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token if scheme == "Bearer" and token else "malformed"


def may_be_federated(token: str) -> bool:
    """Whether a token that opened nothing has the shape of an identity provider's (a JWT); ours have no dots."""
    return token.count(".") == 2 and not token.startswith((STAFF, CLIENT, TRACKING, CONFIRMATION))


def is_outside(token: str | None) -> bool:
    """Whether a request belongs on the public's connections: nobody's, or an enquirer's."""
    return token is None or token.startswith(TRACKING)
