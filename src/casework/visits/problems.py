"""Refusals of the visits slice."""

from casework.kernel.problems import Problem
from casework.work.troubles import by_constraint


class AdviserUnavailable(Problem):
    """The adviser has another visit that overlaps this time. Choose another time or another adviser."""

    status, slug, title = 409, "adviser-unavailable", "The adviser has another visit at that time"


class VisitsUpcoming(Problem):
    """A case is not closed while visits of it are still to come; ``visits`` names them. Complete or cancel them first."""

    status, slug, title = 409, "visits-upcoming", "Visits of this case are still to come"


by_constraint["site_visit_adviser_available_excl"] = AdviserUnavailable
