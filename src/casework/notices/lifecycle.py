"""The way of a notice: written, approved by somebody else, and in force until the next one is."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class NoticeKind(StrEnum):
    """What a notice is about."""

    PRIVACY = "privacy"
    ACCESSIBILITY = "accessibility"


class NoticeState(StrEnum):
    """Where a version stands. The approved one is in force; the one before it is superseded, and stays readable."""

    DRAFT = "draft"
    APPROVED = "approved"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


NOTICE = Lifecycle(
    "notice",
    [
        # Amended, or withdrawn by an operation of the same action. The database supersedes what was in force.
        Move(Action.NOTICE_PUBLISH, (NoticeState.DRAFT,), None),
        Move(Action.NOTICE_APPROVE, (NoticeState.DRAFT,), NoticeState.APPROVED),
    ],
    offers={},
)
