"""The way of a recorded threat level."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class EntryState(StrEnum):
    """What a recorded threat level counts for. A provisional one counts at once; a struck one counts no more."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    STRUCK = "struck"


THREAT_LEVEL = Lifecycle(
    "threat_level",
    [
        # A supervisor's entry, confirmed by a professional lead: an operation of the same action as recording one.
        Move(Action.THREAT_LEVEL_SET, (EntryState.PROVISIONAL,), EntryState.CONFIRMED),
        Move(Action.THREAT_LEVEL_STRIKE, (EntryState.PROVISIONAL, EntryState.CONFIRMED), EntryState.STRUCK),
    ],
    offers={},
)
