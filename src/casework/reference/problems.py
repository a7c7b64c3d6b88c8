"""The refusals of reference data."""

from casework.kernel.problems import Problem
from casework.work.troubles import by_constraint


class NationalSignpostStays(Problem):
    """A national signpost can be amended but not taken away: every need has a place to go. A force's own entry can."""

    status, slug, title = 409, "national-signpost-stays", "A national signpost always stands"


by_constraint["signpost_national_check"] = NationalSignpostStays
