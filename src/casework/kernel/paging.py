"""Keyset cursors: signed, and bound to the caller and the filters they were made for."""

import base64
import binascii
import json

from casework.kernel.keys import Keys
from casework.kernel.problems import InvalidCursor

_SEAL = 32
_FORM = b"2"
"""What cursors carry, by number: where a list sorts by another key than before, those made before are refused."""
LONGEST = 2560
"""For the longest name there can be, in whatever letters: its sort key twice over, sealed (access/sql/folding.sql)."""


class Cursors:
    """Makes and reads cursors with the keys of their purpose."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def make(self, last: list[str], bound_to: str) -> str:
        """The cursor after the row whose sort keys are ``last``."""
        payload = json.dumps(last, separators=(",", ":"), ensure_ascii=False).encode()
        return (
            base64.urlsafe_b64encode(self._keys.seal(payload, bound_to.encode(), _FORM) + payload).decode().rstrip("=")
        )

    def read(self, cursor: str, bound_to: str) -> list[str]:
        """The sort keys in a cursor; raises ``InvalidCursor`` unless this list made it for these filters and caller."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursor from None
        if len(cursor) > LONGEST or not self._keys.holds(raw[:_SEAL], raw[_SEAL:], bound_to.encode(), _FORM):
            raise InvalidCursor
        last: list[str] = json.loads(raw[_SEAL:])
        return last
