"""Refusals of the enquiries slice."""

from casework.kernel.problems import Problem, ValidationFailed
from casework.work.doorway import by_constraint


class NoTeam(Problem):
    """No team takes enquiries for the force where the site lies. Nothing was stored; ``signpost`` says where to turn to."""

    status, slug, title = 409, "no-team", "No team takes enquiries for that place"


class ContactNotVerified(Problem):
    """A new tracking token is given to a verified contact only: verify the contact first, another way than by e-mail."""

    status, slug, title = 409, "contact-not-verified", "The contact is not verified"


def _absent(name: str) -> ValidationFailed:
    told = "There is no such record in the team of the enquiry."
    return ValidationFailed(errors=[{"pointer": f"/{name}", "code": "absent", "message": told}])


by_constraint["enquiry_premises_id_team_id_fkey"] = lambda: _absent("premises_id")
by_constraint["enquiry_organisation_id_fkey"] = lambda: _absent("organisation_id")
