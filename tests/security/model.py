"""The model: who reaches which row with which action, written from ``docs/authority.csv`` and ``docs/authority.md`` alone.

Nothing here looks at the code's own policy: what is compared with it must not come from it.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from tests.support.authority import LENT_FOR_OWN_VISIT, lent
from tests.support.authority import table as authority
from tests.support.callers import Caller

# authority.md, "Shares with another force".
SHARED_READ, _CONTRIBUTE = lent()
SHARED_CONTRIBUTE = _CONTRIBUTE - LENT_FOR_OWN_VISIT
SHARED_WITH = {"adviser", "supervisor"}


class Row(NamedTuple):
    """What authority knows of a record: the team that keeps it, whether it is restricted, the case it belongs to."""

    team: UUID | None
    restricted: bool = False
    case: UUID | None = None
    owner: str | None = None
    """The principal whose own it is, where the record is of one: a session, a business's enquiry."""


@dataclass
class Principal:
    """Somebody, the parts they play in which team, and the cases they were given."""

    name: str
    caller: Caller
    roles: tuple[tuple[str, UUID | None], ...]
    allocated: frozenset[UUID] = frozenset()
    collaborating: frozenset[UUID] = frozenset()
    reviewing: frozenset[UUID] = frozenset()
    opened: frozenset[UUID] = frozenset()
    """Cases of other forces opened in an emergency."""
    own: frozenset[UUID] = frozenset()
    """Where an enquirer: the case of the business."""


Shares = dict[tuple[UUID, UUID], str]
"""By case and the team it is shared with: read or contribute."""


def scope_of(action: str) -> str | None:
    """The scope without which a tool has no reach."""
    found = re.search(r"service needs scope ([a-z.]+[a-z])", authority()[action]["rule"])
    return found[1] if found else None


def holds(person: Principal, action: str) -> bool:
    """Whether any part of the person has the action at all."""
    return any(authority()[action][role] != "none" for role, _ in person.roles)


def may(person: Principal, action: str, row: Row, shares: Shares) -> bool:
    """Whether one of the person's parts reaches this row with this action. Restriction hides no headline."""
    if action == "case.read_headline":
        row = row._replace(restricted=False)
    return any(_part(person, role, of, action, row, shares) for role, of in person.roles)


class Offer(NamedTuple):
    """A line of a transfer: where the record is now, who offered it, to whom, and what became of it."""

    row: Row
    from_team: UUID
    to_team: UUID
    state: str


OFFERS = {"case_transfer_id": "case", "enquiry_transfer_id": "enquiry"}


def reads_offer(person: Principal, of: str, offer: Offer, shares: Shares) -> bool:
    """Whoever reads the record reads its line; so do, for good, those who may receive it and those who let it go.

    ``authority.csv``: case.receive, case.transfer, enquiry.receive, enquiry.transfer reach a team's own, restricted ones by
    ``authority.md``; docs/decisions/0010: the line is what both teams keep. Of an enquiry the sender's line is for whoever
    reads the sender's enquiries, and an offer that was taken back is no longer the receiver's.
    """
    if any("enquirer" in role for role, _ in person.roles):
        return False  # "enquirer sees status and messages but no internal notes"
    if may(person, f"{of}.read", offer.row, shares):
        return True
    sent = Row(offer.from_team, offer.row.restricted)
    if may(person, "case.transfer" if of == "case" else "enquiry.read", sent, {}):
        return True
    return receives_offer(person, of, offer)


def receives_offer(person: Principal, of: str, offer: Offer) -> bool:
    """Whether the offer is this person's to decide, or was."""
    if of == "enquiry" and offer.state == "withdrawn":
        return False
    return may(person, f"{of}.receive", Row(offer.to_team, offer.row.restricted), {})


def _part(person: Principal, role: str, of: UUID | None, action: str, row: Row, shares: Shares) -> bool:
    reach = authority()[action][role]
    if reach in ("none", "all"):
        return reach == "all"
    given = {
        "assigned": person.allocated,
        "involved": person.allocated | person.collaborating,
        "reviewing": person.reviewing,
        "own": person.own,
    }
    if row.case is not None and row.case in given.get(reach, ()):
        return True
    if reach == "own" and row.owner is not None and row.owner == person.name:
        return True
    if reach == "team" and of is not None and of == row.team:
        if not row.restricted or role in ("supervisor", "information_manager"):
            return True
        if role == "adviser" and row.case in person.allocated | person.collaborating:
            return True
    return _lent(person, role, of, action, row, shares)


def _lent(person: Principal, role: str, of: UUID | None, action: str, row: Row, shares: Shares) -> bool:
    """What is reached by a share, or by breaking the glass."""
    if row.case is None or role not in SHARED_WITH:
        return False
    mode = shares.get((row.case, of)) if of is not None else None
    if mode is not None and (action in SHARED_READ or (mode == "contribute" and action in SHARED_CONTRIBUTE)):
        return True
    return role == "supervisor" and row.case in person.opened and action in SHARED_READ
