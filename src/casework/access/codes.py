"""One-time codes: made of a row's id and our key when they are sent, and known to the database by a keyed hash only."""

from uuid import UUID

from casework.kernel.keys import Keys

DIGITS = 8


def code_for(keys: Keys, code_id: UUID) -> str:
    """The code of a row. Made again it is the same, so a message that is sent anew says the same."""
    return f"{int.from_bytes(keys.seal(b'one-time code', code_id.bytes)[:8], 'big') % 10**DIGITS:0{DIGITS}}"


def code_seals(keys: Keys, contact_id: UUID, code: str) -> list[bytes]:
    """What the database may know a contact's code by, newest key first."""
    return keys.seals(b"one-time code of", contact_id.bytes, code.encode())
