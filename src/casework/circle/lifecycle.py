"""What another force may do with a case, and the way of an offer to take one over."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class ShareMode(StrEnum):
    """What another force may do with a case that is shared with it."""

    READ = "read"
    CONTRIBUTE = "contribute"


class ShareState(StrEnum):
    """How a share stands now; derived, because time and the case decide it."""

    HOLDS = "holds"
    RESTS = "rests"
    OVER = "over"
    ENDED = "ended"


class TransferState(StrEnum):
    """Where the offer of a transfer stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Direction(StrEnum):
    """Whether an offer came in or went out."""

    RECEIVED = "received"
    MADE = "made"


TRANSFER = Lifecycle(
    "case_transfer",
    [Move(Action.CASE_TRANSFER, (TransferState.OFFERED,), TransferState.WITHDRAWN)],
    # Accepted or returned: one action with two ends, carried out by a function (access/sql/moving.sql).
    offers={Action.CASE_RECEIVE: (TransferState.OFFERED,)},
)
