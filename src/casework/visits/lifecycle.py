"""The way of a site visit, and when a finding may still change.

A business that declines leaves the visit proposed, with the time at which it declined: staff propose another time
(``visit.amend``) or cancel. A new time makes a confirmed visit proposed again, because nobody has confirmed *that* time.
"""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class VisitState(StrEnum):
    """Where a visit stands."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    NO_ACCESS = "no_access"
    CANCELLED = "cancelled"


class VisitKind(StrEnum):
    """What a visit is for. A survey is the initial visit with a checklist."""

    SURVEY = "survey"
    FOLLOW_UP = "follow_up"
    EVENT = "event"


class TimeMark(StrEnum):
    """What is not plausible about the times of a visit that was made (``access.time_marks``). All but *unconfirmed* take a reason."""

    UNCONFIRMED = "unconfirmed"
    WITHOUT_APPOINTMENT = "without_appointment"
    BEFORE_DUE = "before_due"
    AFTER_DUE = "after_due"
    BEFORE_CASE = "before_case"
    LONG = "long"
    OVERLAPPING = "overlapping"


class Phase(StrEnum):
    """The phase of use of a place that a finding is about."""

    BUILD = "build"
    INGRESS = "ingress"
    DURING = "during"
    EGRESS = "egress"
    CLOSED = "closed"


class FindingState(StrEnum):
    """Whether a finding may change: not once advice that cites it is issued. Derived from ``frozen``."""

    RECORDED = "recorded"
    FROZEN = "frozen"


class Decision(StrEnum):
    """The answer to a proposed time."""

    CONFIRM = "confirm"
    DECLINE = "decline"


UPCOMING = (VisitState.PROPOSED, VisitState.CONFIRMED)

VISIT = Lifecycle(
    "visit",
    [
        Move(Action.VISIT_AMEND, UPCOMING, None),
        Move(Action.VISIT_CONFIRM, (VisitState.PROPOSED,), VisitState.CONFIRMED),
        Move(Action.VISIT_COMPLETE, UPCOMING, VisitState.COMPLETED),
        Move(Action.VISIT_SUPPLEMENT, (VisitState.COMPLETED,), None),
        Move(Action.VISIT_NO_ACCESS, UPCOMING, VisitState.NO_ACCESS),
        Move(Action.VISIT_CANCEL, UPCOMING, VisitState.CANCELLED),
    ],
    offers={Action.FINDING_RECORD: (VisitState.COMPLETED,)},
)
FINDING = Lifecycle("finding", [Move(Action.FINDING_RECORD, (FindingState.RECORDED,), None)], offers={})
