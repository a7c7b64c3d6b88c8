"""The way of a case, from opening to closing."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class CaseState(StrEnum):
    """Where a case stands. Where its visits and advice stand is derived from them, not stored twice."""

    OPEN = "open"
    ALLOCATED = "allocated"
    ACTIVE = "active"
    FOLLOW_UP = "follow_up"
    ON_HOLD = "on_hold"
    CLOSED = "closed"
    REOPENED = "reopened"


class Handed(StrEnum):
    """What becomes of a visit to come when its case changes hands: the new adviser makes it, or whoever was to make it."""

    MOVE = "move"
    LEAVE = "leave"


class Audience(StrEnum):
    """Who reads a note: coordinators and tools too, or only those who read what was found and advised."""

    DESK = "desk"
    CASEWORK = "casework"


class CaseKind(StrEnum):
    """How a case came about."""

    ENQUIRY = "enquiry"
    PROACTIVE = "proactive"
    EVENT = "event"


WAITING = (CaseState.OPEN, CaseState.REOPENED)
WORKED = (CaseState.ALLOCATED, CaseState.ACTIVE, CaseState.FOLLOW_UP)
RUNNING = (*WAITING, *WORKED)
UNCLOSED = (*RUNNING, CaseState.ON_HOLD)

CASE = Lifecycle(
    "case",
    [
        Move(Action.CASE_TAKE, WAITING, CaseState.ALLOCATED),
        # Re-allocating leaves a case that is being worked on where it stands.
        Move(Action.CASE_ALLOCATE, RUNNING, CaseState.ALLOCATED),
        Move(Action.CASE_HAND_OVER, WORKED, None),
        Move(Action.CASE_AMEND, UNCLOSED, None),
        Move(Action.CASE_COLLABORATE, UNCLOSED, None),
        Move(Action.CASE_UNCOLLABORATE, UNCLOSED, None),
        Move(Action.CASE_SHARE, UNCLOSED, None),
        Move(Action.CASE_TRANSFER, UNCLOSED, None),
        Move(Action.CASE_HOLD, RUNNING, CaseState.ON_HOLD),
        Move(Action.CASE_RESUME, (CaseState.ON_HOLD,), None),
        Move(Action.CASE_CLOSE, RUNNING, CaseState.CLOSED),
        Move(Action.CASE_REOPEN, (CaseState.CLOSED,), CaseState.REOPENED),
        Move(Action.CASE_RESTRICT, UNCLOSED, None),
        Move(Action.CASE_UNRESTRICT, UNCLOSED, None),
    ],
    offers={
        Action.CASE_NOTE: None,
        Action.CASE_UNSHARE: None,
        Action.CASE_ACCESS_LOG: None,
        Action.VISIT_PROPOSE: RUNNING,
        Action.ADVICE_DRAFT: RUNNING,
        Action.INTERIM_ADVICE_RECORD: RUNNING,
    },
)

# One whose adviser has left is taken as it stands.
LEFT_CASE = Lifecycle("left_case", [], offers={Action.CASE_TAKE: RUNNING})
