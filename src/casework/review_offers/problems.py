"""Refusals of the slice of review offers."""

from casework.kernel.problems import AlreadyExists, Problem
from casework.work.troubles import by_constraint


class NoReviewer(Problem):
    """Whoever offers to review holds the role reviewer, and is neither locked out nor gone."""

    status, slug, title = 409, "no-reviewer", "This person reviews no advice, so they can offer none"


by_constraint["review_offer_reviewer"] = NoReviewer
by_constraint["review_offer_standing_key"] = lambda: AlreadyExists("An offer of this person stands: amend it.")
