"""The refusals of shares, emergency access and transfers."""

from casework.kernel.problems import Problem
from casework.work.troubles import by_constraint


class AlreadyShared(Problem):
    """The case is shared with this team already. End that share first, or let it be."""

    status, slug, title = 409, "already-shared", "The case is shared with this team already"


class AlreadyOffered(Problem):
    """The case has been offered to a team that has not decided yet. Withdraw that offer first."""

    status, slug, title = 409, "already-offered", "The case has been offered already"


class NoEmergencyAccessNeeded(Problem):
    """You may read this case as it is: find it with `GET /v1/cases?reference=`."""

    status, slug, title = 409, "no-emergency-access-needed", "You may read this case already"


by_constraint["case_share_case_id_to_team_id_key"] = AlreadyShared
by_constraint["case_transfer_case_id_offered_key"] = AlreadyOffered
