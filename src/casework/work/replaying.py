"""Whether an answer that is kept under a key may be given again: authority may have ended since.

Asked of row security itself, which knows no other rule than the one a fresh read would meet.
"""

import re
from collections.abc import Mapping
from typing import Any

from casework.kernel import problems as p
from casework.kernel.statements import Connection

PART = "part"
"""Where the kept headers say which part an enquirer played; it is no header, and never leaves."""
WARNINGS = "warnings"
"""Where the kept headers say what an action warned of by itself; what its request gave cause for is worked out again."""
_ADDRESS = re.compile(r"/v1/([a-z-]+)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|\Z)")
_STAFF = {
    "enquiries": "enquiry",
    "visits": "site_visit",
    "findings": "finding",
    "advice": "advice",
    "recommendations": "recommendation",
    "premises": "premises",
    "organisations": "organisation",
}
_OUTSIDE = {noun: _STAFF[noun] for noun in ("enquiries", "visits", "advice", "recommendations")}


def kept_part(kind: str, roles: list[str]) -> dict[str, str]:
    """What to keep beside an enquirer's answer: as which part they were given it."""
    return {PART: roles[0]} if kind == "enquirer" and roles else {}


async def judge(connection: Connection, kind: str, roles: list[str], path: str, headers: Mapping[str, Any]) -> None:
    """Raise ``Forbidden`` unless what the answer shows may still be read by whoever is asking.

    Not for tools: what they may do, they need not be able to read.
    """
    if kind == "enquirer" and headers.get(PART) == "verified_enquirer" and "verified_enquirer" not in roles:
        raise p.Forbidden("It was done. To read the answer again, enter a one-time code.")
    tables = {"staff": _STAFF, "enquirer": _OUTSIDE}.get(kind, {})
    for address in {path, str(headers.get("Location", ""))}:
        found = _ADDRESS.match(address)
        table = tables.get(found[1]) if found else None
        if found is None or table is None:
            continue
        # The table is one of this module's own words.
        if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM casework.{table} WHERE id = $1)", found[2]):  # noqa: S608
            raise p.Forbidden("It was done, but you may not read the record any more.")
