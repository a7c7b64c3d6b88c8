"""The verbs of people: logging in and out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pwdlib import PasswordHash

from casework.access.tokens import STAFF, hash_token, new_token
from casework.kernel.settings import Settings
from casework.people.problems import LocalLoginOff, WrongCredentials

_argon2 = PasswordHash.recommended()
# Checked when the login is unknown, so that it takes as long as a wrong password.
_NOBODY = _argon2.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The argon2 hash of a password."""
    return _argon2.hash(password)


async def log_in(door: asyncpg.Pool, settings: Settings, login: str, password: str, request_id: UUID) -> dict[str, Any]:
    """Open a session for the right password; the answer carries the token, once."""
    if not settings.local_login:
        raise LocalLoginOff
    async with door.acquire() as connection:
        known = await connection.fetchrow("SELECT * FROM access.credential_for($1)", login)
        assert known is not None
        right = _argon2.verify(password, known["hash"] or _NOBODY)
        if not right or known["principal"] is None:
            await connection.execute("SELECT access.refuse_session($1, $2)", known["principal"], request_id)
            raise WrongCredentials
        token = new_token(STAFF)
        lasts = timedelta(hours=settings.session_hours)
        await connection.execute(
            "SELECT access.open_session($1, 'staff', $2, NULL, NULL, $3, $4, $5)",
            hash_token(token),
            known["principal"],
            settings.session_idle_minutes,
            lasts,
            request_id,
        )
    expires = (datetime.now(UTC) + lasts).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"token": token, "token_type": "Bearer", "expires_at": expires}
