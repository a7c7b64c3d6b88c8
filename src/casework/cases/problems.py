"""The refusals of cases."""

from casework.kernel.problems import Problem
from casework.work.troubles import by_constraint


class CompetenceMissing(Problem):
    """The adviser lacks the competence that the case needs; ``suitable`` names colleagues of the team who hold it."""

    status, slug, title = 409, "competence-missing", "The adviser lacks the competence for this case"


class NothingToTake(Problem):
    """No unallocated case of your teams waits for a competence that you hold; ``competences`` are those you hold."""

    status, slug, title = 409, "nothing-to-take", "No case waits for you to take"


class AlreadyInvolved(Problem):
    """This person works on the case already, as its adviser or as a collaborator."""

    status, slug, title = 409, "already-involved", "This person works on the case already"


class VisitsUndecided(Problem):
    """The former adviser has visits to come, or some are in nobody's hands (their adviser left, or the case came from another force);
    ``visits`` names them. Say of each whether the new adviser makes it (``move``) or whoever was to make it still does (``leave``)."""

    status, slug, title = 409, "visits-undecided", "Say what becomes of the visits to come"


by_constraint["collaborator_case_id_person_id_key"] = AlreadyInvolved
