"""How much a body may hold, counted on its bytes before anything is made of them: refusing must cost less than reading."""

import re
from typing import NamedTuple

from casework.kernel.problems import BodyTooLarge

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string of JSON, or one that never ends: without that second way a hostile body would be searched anew from each quote."""


class Size(NamedTuple):
    """The most that a body may hold."""

    bytes: int
    members: int
    """Members of objects and items of lists, at whatever depth."""
    containers: int
    """Objects and lists."""


STAFF = Size(256 * 1024, 2_500, 1_000)
"""Holds the largest lawful bodies: a visit with 200 findings, a closing with 500 reasons."""
PUBLIC = Size(32 * 1024, 100, 100)
"""For whoever has no account here: an enquiry has some twenty members."""


def refuse_large(body: bytes, most: Size) -> None:
    """Raise ``BodyTooLarge`` where a body of JSON holds more members or containers than it may."""
    if _within(body, most):  # hardly any text has so many commas, so its strings need not be told apart
        return
    # Each member has a string or two at most, so there can be no more strings than this in what is let through.
    strings = 2 * most.members
    structure, found = _STRING.subn(b"", body, count=strings + 1)
    if found > strings or not _within(structure, most):
        raise BodyTooLarge(
            f"A body may have {most.members:,} members (items of lists count too) and {most.containers:,} objects and lists.",
            members=most.members,
            containers=most.containers,
        )


def _within(body: bytes, most: Size) -> bool:
    containers = body.count(b"{") + body.count(b"[")
    # A comma stands between two members of one container, so each container has one member more than commas.
    return containers <= most.containers and containers + body.count(b",") <= most.members
