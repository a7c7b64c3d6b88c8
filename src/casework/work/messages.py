"""Messages that go out: a reference and a link, never what stands behind them. Jobs carry ids; the worker reads and writes."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from casework.work.unit import Work

SEND = "messages.send"
"""The task that writes and sends the letters of a job (``work.tasks``)."""


class Notice(StrEnum):
    """What is told to a business: what it is about, never of which place nor what stands behind the link."""

    RECEIVED = "received"
    CODE = "code"
    MESSAGE = "message"
    VISIT = "visit"
    ADVICE = "advice"
    PASSED = "passed"
    REOPENED = "reopened"
    ADVICE_WITHDRAWN = "advice_withdrawn"
    REFUSED = "refused"
    SIGNPOSTED = "signposted"
    CLOSED = "closed"
    CONTACT_NAMED = "contact_named"
    CONTACT_ENDED = "contact_ended"
    VISIT_CANCELLED = "visit_cancelled"


UNTOLD = frozenset({"hoax_or_abuse", "no_connection_to_place", "contact_not_verified"})
"""Reasons of which the business is not told, nor of what they led to, unless staff say so. Nor is it of what ends after a
hand-over, which ``work.letters`` looks at when it writes."""


def untold(reason_code: str, *, tell_business: bool) -> bool:
    """Whether the business is to learn nothing of what was done for this reason."""
    return reason_code in UNTOLD and not tell_business


class TeamNotice(StrEnum):
    """What is told to a team, in its mailbox."""

    EMERGENCY_ACCESS = "emergency_access"
    CASE_OFFERED = "case_offered"
    ENQUIRY_OFFERED = "enquiry_offered"
    CODES_USED_UP = "codes_used_up"
    """Said by the database, where the day's codes are counted."""


class AdviserNotice(StrEnum):
    """What is told to the adviser of a case about its contacts, where somebody else did it."""

    CONTACT_VERIFIED = "contact_verified"
    CONTACT_UNVERIFIED = "contact_unverified"
    CONTACT_REPLACED = "contact_replaced"
    LINK_GIVEN = "link_given"
    ENQUIRY_JOINED = "enquiry_joined"
    CASE_OPENED = "case_opened"


RAISED = "threat_level_raised"
"""What is told to the authors of advice that is not issued yet."""


def tell_authors(work: Work, level_id: UUID, *, when: datetime | None = None) -> None:
    """Tell each author of advice that is not issued yet that a threat level was raised, once its entry holds."""
    work.enqueue(SEND, {"kind": RAISED, "threat_level_id": str(level_id)}, not_before=when)


class PersonNotice(StrEnum):
    """What is told to one of us, by the reference of the case."""

    ADVICE_RETURNED = "advice_returned"
    """By the database, when what advice says has changed (``casework.return_advice``)."""
    ADVICE_TAKEN_BACK = "advice_taken_back"
    REVIEWER_NEEDED = "reviewer_needed"
    """By the database, when whoever was asked has contributed (``casework.ask_no_longer``)."""
    REVIEWER_LEFT = "reviewer_left"
    """By the database, when whoever was asked reviews no more (``access.let_go``)."""


def notify(
    work: Work,
    notice: Notice,
    *,
    enquiry_id: UUID | None = None,
    case_id: UUID | None = None,
    contact_id: UUID | None = None,
    tell_business: bool = False,
) -> None:
    """Tell the business of an enquiry, or the verified contacts of a case, that there is news. Those without e-mail are rung.

    What is not yet sent is not said twice: several changes in a row are one message. ``contact_id``: one who was replaced.
    ``tell_business``: staff say that the letter goes out after a hand-over as well.
    """
    named = {"enquiry_id": str(enquiry_id)} if enquiry_id is not None else {"case_id": str(case_id)}
    if contact_id is not None:
        named["contact_id"] = str(contact_id)
    if tell_business:
        named["tell"] = "business"
    lock = ":".join([SEND, notice, *named.values()])
    work.enqueue(SEND, {"kind": notice.value, **named}, lock=lock)


def notify_team(
    work: Work, team_id: UUID, notice: TeamNotice, *, case_id: UUID | None = None, enquiry_id: UUID | None = None
) -> None:
    """Write to a team's mailbox about a case or an enquiry, by its reference."""
    named = {"case_id": case_id, "enquiry_id": enquiry_id}
    ids = {name: str(id_) for name, id_ in named.items() if id_ is not None}
    work.enqueue(SEND, {"kind": notice.value, "team_id": str(team_id), **ids})


def notify_adviser(work: Work, notice: AdviserNotice, enquiry_id: UUID) -> None:
    """Write to the adviser of the enquiry's case; to its team where it has none, and to nobody where it has no case."""
    work.enqueue(SEND, {"kind": notice.value, "enquiry_id": str(enquiry_id), "to": "adviser"})


def notify_person(work: Work, person_id: UUID, notice: PersonNotice, *, case_id: UUID) -> None:
    """Write to one of us about a case, by its reference."""
    work.enqueue(SEND, {"kind": notice.value, "person_id": str(person_id), "case_id": str(case_id)})
