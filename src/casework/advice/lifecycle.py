"""The way of a version of advice, and the two tracks of a recommendation."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class AdviceState(StrEnum):
    """Where a version of advice stands. Issued advice never changes; a correction is a new version."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    APPROVED = "approved"
    ISSUED = "issued"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class ReturnReason(StrEnum):
    """Why a version is back with its author."""

    REVIEW = "review"
    """The reviewer returned it; their comment says why."""
    CONTENT_CHANGED = "content_changed"
    """A finding that it cites was changed, or there is other interim advice for it to carry."""
    TAKEN_BACK = "taken_back"
    """Its adviser, or a supervisor, took it back before it was decided."""
    CASE_MOVED = "case_moved"
    """Its case moved to another force while it was in review."""


class Contribution(StrEnum):
    """What somebody contributed to a version of advice."""

    VERSION = "version"
    """They began it."""
    INTRODUCTION = "introduction"
    """The title or the introduction."""
    RECOMMENDATION = "recommendation"
    FINDING = "finding"
    """A finding that it cites."""
    VISIT = "visit"
    """They made or logged the visit of such a finding."""
    SUPPLEMENT = "supplement"
    """They added to what was logged of it."""
    INTERIM_ADVICE = "interim_advice"
    """Interim advice that it carries."""


class Answer(StrEnum):
    """The answer of the business to a recommendation."""

    ACCEPTED = "accepted"
    PART_ACCEPTED = "part_accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"


class VerificationState(StrEnum):
    """How far an adviser has seen that a recommendation was carried out."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    CLAIMED = "claimed"
    VERIFIED = "verified"
    SUPERSEDED = "superseded"
    NOT_APPLICABLE = "not_applicable"


class Principle(StrEnum):
    """What a measure does."""

    DETER = "deter"
    DETECT = "detect"
    DELAY = "delay"
    RESPOND = "respond"


class Domain(StrEnum):
    """The field a measure belongs to."""

    PHYSICAL = "physical"
    PERSONNEL = "personnel"
    CYBER = "cyber"
    PERSONAL = "personal"


class Priority(StrEnum):
    """How pressing a recommendation is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class DeliverBy(StrEnum):
    """How advice is to reach a business that cannot read it by its link."""

    IN_PERSON = "in_person"
    POST = "post"
    LATER = "later"
    """How is decided by that day."""


class DeliveredBy(StrEnum):
    """How advice reached the business."""

    IN_PERSON = "in_person"
    POST = "post"
    EMAIL = "email"
    READ_OUT = "read_out"


class DeliveryState(StrEnum):
    """What became of a delivery."""

    REACHED = "reached"
    """A verified contact could read it by the link when it was issued."""
    PENDING = "pending"
    DONE = "done"
    VOID = "void"
    """The version was superseded or withdrawn before it was delivered."""


class Decision(StrEnum):
    """What a review comes to."""

    RETURNED = "returned"
    APPROVED = "approved"


DRAFTED = (AdviceState.DRAFT, AdviceState.RETURNED)
WAITING = (AdviceState.IN_REVIEW, AdviceState.APPROVED)
WORKING = (*DRAFTED, *WAITING)
PUBLISHED = (AdviceState.ISSUED, AdviceState.SUPERSEDED, AdviceState.WITHDRAWN)
SETTLED = (VerificationState.VERIFIED, VerificationState.SUPERSEDED, VerificationState.NOT_APPLICABLE)
"""Nothing remains to be done about a recommendation; any other of issued advice is open."""

ADVICE = Lifecycle(
    "advice",
    [
        Move(Action.ADVICE_DRAFT, DRAFTED, None),
        Move(Action.ADVICE_SUBMIT, DRAFTED, AdviceState.IN_REVIEW),
        Move(
            Action.ADVICE_ASSIGN_REVIEWER,
            (AdviceState.DRAFT, AdviceState.RETURNED, AdviceState.IN_REVIEW),
            None,
        ),
        Move(Action.ADVICE_TAKE_BACK, (AdviceState.IN_REVIEW,), AdviceState.RETURNED),
        Move(Action.ADVICE_REVIEW, (AdviceState.IN_REVIEW,), AdviceState.APPROVED),
        Move(Action.ADVICE_ISSUE, (AdviceState.APPROVED,), AdviceState.ISSUED),
        Move(Action.ADVICE_WITHDRAW, (AdviceState.ISSUED,), AdviceState.WITHDRAWN),
    ],
    offers={},
)

# Recording a delivery moves nothing, but is seen by whoever changes the version at the same time.
DELIVERY = Lifecycle("delivery", [Move(Action.ADVICE_ISSUE, (AdviceState.ISSUED,), None)], offers={})

# A correction is drafted from the version that stands; the word is the same, so it has a kind of its own.
CORRECTION = Lifecycle("correction", [], offers={Action.ADVICE_DRAFT: (AdviceState.ISSUED,)})

RECOMMENDATION = Lifecycle(
    "recommendation",
    [],
    offers={
        Action.ADVICE_DRAFT: DRAFTED,
        Action.RECOMMENDATION_RESPOND: (AdviceState.ISSUED,),
        Action.RECOMMENDATION_VERIFY: (AdviceState.ISSUED,),
    },
)
