"""The refusals of reference data."""

from casework.kernel.problems import Problem
from casework.work.troubles import by_constraint


class NationalSignpostStays(Problem):
    """A national signpost can be amended but not taken away: every need has a place to go. A force's own entry can."""

    status, slug, title = 409, "national-signpost-stays", "A national signpost always stands"


class NotTheNewest(Problem):
    """An entry of this kind begins at the same moment or later (``newest``). If this one is meant to stand before it, send
    ``insert: true``; if the other was a mistake, strike it first."""

    status, slug, title = 409, "not-the-newest", "A later threat level is recorded already"


class LevelStands(Problem):
    """This level is recorded for that moment already, so there is nothing to record provisionally."""

    status, slug, title = 409, "level-stands", "This threat level is recorded already"


class LeadConfirms(Problem):
    """What a supervisor recorded is confirmed by a professional lead, or struck. It counts meanwhile."""

    status, slug, title = 409, "lead-confirms", "Only a professional lead confirms a threat level"


by_constraint["signpost_national_check"] = NationalSignpostStays
