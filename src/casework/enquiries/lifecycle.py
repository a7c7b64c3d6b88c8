"""The way of an enquiry, from received to its end."""

from enum import StrEnum

from casework.access.actions import Action
from casework.kernel.lifecycle import Lifecycle, Move


class EnquiryState(StrEnum):
    """Where an enquiry stands."""

    RECEIVED = "received"
    TRIAGED = "triaged"
    ACCEPTED = "accepted"
    SIGNPOSTED = "signposted"
    TRANSFERRED = "transferred"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Channel(StrEnum):
    """How an enquiry came in."""

    WEB = "web"
    PHONE = "phone"
    EMAIL = "email"
    IN_PERSON = "in_person"
    TOOL = "tool"


class PassingState(StrEnum):
    """Where the offer of an enquiry to another force stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Author(StrEnum):
    """Who speaks in the conversation with a business."""

    BUSINESS = "business"
    STAFF = "staff"


OPEN = (EnquiryState.RECEIVED, EnquiryState.TRIAGED)
ENDED = (EnquiryState.SIGNPOSTED, EnquiryState.REFUSED, EnquiryState.WITHDRAWN)
"""Where nobody answers it any more, unless it is reopened. A duplicate is answered with its original."""
RUNNING = (*OPEN, EnquiryState.ACCEPTED)

ENQUIRY = Lifecycle(
    "enquiry",
    [
        Move(Action.ENQUIRY_TRIAGE, OPEN, EnquiryState.TRIAGED),
        Move(Action.ENQUIRY_ACCEPT, OPEN, EnquiryState.ACCEPTED),
        Move(Action.ENQUIRY_SIGNPOST, OPEN, EnquiryState.SIGNPOSTED),
        Move(Action.ENQUIRY_REFUSE, OPEN, EnquiryState.REFUSED),
        # Marking again names another original; undoing it is an operation of the same action.
        Move(Action.ENQUIRY_MARK_DUPLICATE, (*OPEN, EnquiryState.DUPLICATE), EnquiryState.DUPLICATE),
        Move(Action.ENQUIRY_WITHDRAW, OPEN, EnquiryState.WITHDRAWN),
        Move(Action.ENQUIRY_REOPEN, ENDED, EnquiryState.RECEIVED),
        # Whatever became of the enquiry: what must not be kept is taken out all the same.
        Move(Action.ENQUIRY_HAND_OVER, tuple(EnquiryState), None),
        Move(Action.ENQUIRY_REISSUE_TOKEN, RUNNING, None),
        Move(Action.CONTACT_VERIFY, RUNNING, None),
        Move(Action.CONTACT_UNVERIFY, RUNNING, None),
        Move(Action.CONTACT_REPLACE, RUNNING, None),
        # Offered to another force; where it goes from here is the offer's affair.
        Move(Action.ENQUIRY_TRANSFER, OPEN, EnquiryState.TRANSFERRED),
    ],
    offers={
        # Also when it has ended: what a business writes is kept, whatever it is about, and can be answered.
        Action.ENQUIRY_MESSAGE: tuple(EnquiryState),
    },
)

PASSING = Lifecycle(
    "enquiry_transfer",
    [
        # Accepted, or returned: an operation each of one action.
        Move(Action.ENQUIRY_RECEIVE, (PassingState.OFFERED,), PassingState.ACCEPTED),
        Move(Action.ENQUIRY_TRANSFER, (PassingState.OFFERED,), PassingState.WITHDRAWN),
    ],
    offers={},
)
