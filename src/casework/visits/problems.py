"""Refusals of the visits slice."""

from collections.abc import Sequence

from casework.kernel.problems import Problem, ValidationFailed
from casework.visits.lifecycle import TimeMark
from casework.work.troubles import by_constraint


class AdviserUnavailable(Problem):
    """The adviser has another visit that overlaps this time. Choose another time or another adviser."""

    status, slug, title = 409, "adviser-unavailable", "The adviser has another visit at that time"


class VisitsUpcoming(Problem):
    """A case is not closed while visits of it are still to come; ``visits`` names them. Complete or cancel them first."""

    status, slug, title = 409, "visits-upcoming", "Visits of this case are still to come"


class VisitNotBegun(Problem):
    """That nobody was there is seen when the visit has begun. Cancel or move one that is still to come."""

    status, slug, title = 409, "visit-not-begun", "The visit has not begun"


SAID = {
    TimeMark.WITHOUT_APPOINTMENT: "it was not agreed beforehand",
    TimeMark.BEFORE_DUE: "it was over before it was due, or began more than four hours before",
    TimeMark.AFTER_DUE: "it began more than four hours after its appointment had ended",
    TimeMark.BEFORE_CASE: "it began before the case was opened",
    TimeMark.LONG: "it took longer than twelve hours",
    TimeMark.OVERLAPPING: "it overlaps another visit of the same adviser",
}
"""The marks that take a reason, in words."""


def reason_wanted(marks: Sequence[str] = ()) -> ValidationFailed:
    """Unusual times are taken with a word of why."""
    said = "; ".join(words for mark, words in SAID.items() if mark in marks)
    message = (
        f"Say why these are the times of the visit: {said}." if said else "Say why these are the times of the visit."
    )
    told = {"pointer": "/time_reason", "code": "required", "message": message, "time_marks": [*marks]}
    return ValidationFailed(errors=[told])


def not_as_made() -> ValidationFailed:
    """A visit ends after it began, and is logged when it is over."""
    message = "A visit ends after it began, and is logged when it is over."
    return ValidationFailed(errors=[{"pointer": "/left_at", "code": "order", "message": message}])


by_constraint["site_visit_adviser_available_excl"] = AdviserUnavailable
# Raised by access.keep_visit, which judges whatever door a visit is logged by.
by_constraint["site_visit_begun_check"] = VisitNotBegun
by_constraint["site_visit_made_check"] = not_as_made
by_constraint["site_visit_time_reason_check"] = reason_wanted
