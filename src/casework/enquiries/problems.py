"""Refusals of the enquiries slice."""

from casework.kernel.problems import Problem, StateConflict, ValidationFailed
from casework.work.troubles import by_constraint


class NoTeam(Problem):
    """No team takes enquiries for the force where the site lies. Nothing was stored; ``signpost`` says where to turn to."""

    status, slug, title = 409, "no-team", "No team takes enquiries for that place"


class ContactNotVerified(Problem):
    """A new tracking token is given to a verified contact only: verify the contact first, another way than by e-mail."""

    status, slug, title = 409, "contact-not-verified", "The contact is not verified"


class OwnContact(Problem):
    """Nobody becomes the business alone: whoever brought a contact in, or was shown its token, does not verify it, and an address of
    the force or of a colleague is verified by a supervisor only, who says why. ``why`` says which it is. Ask a colleague."""

    status, slug, title = 409, "own-contact", "Somebody else has to verify this contact"


class OwnVerification(Problem):
    """Nobody becomes the business alone: whoever verified a contact is not shown its tracking token. Ask a colleague to give it."""

    status, slug, title = 409, "own-verification", "Somebody else gives this contact its token"


class CaseWithheld(Problem):
    """What the case held before is opened to an enquiry that joined it by the case's adviser, or a supervisor of its team, unless it
    is they who verified its contact."""

    status, slug, title = 409, "case-withheld", "The case's adviser or a supervisor opens it"


class AwaitingVerification(Problem):
    """Staff ring first, on a number that they find themselves. Until then there is the status and the messages."""

    status, slug, title = 409, "awaiting-verification", "Staff will call you first"


class NoEmail(Problem):
    """A code is sent by e-mail, and there is no address to send it to. Ring the team: they tell you by telephone what you ask."""

    status, slug, title = 409, "no-email", "There is no e-mail address for a code"


class CodeWrong(Problem):
    """That is not the code that was sent last. ``tries_left`` says how often you may try again."""

    status, slug, title = 409, "code-wrong", "That is not the code"


class CodeExpired(Problem):
    """No code can be entered now: it is older than ten minutes, was used, was tried too often, or none has been sent yet."""

    status, slug, title = 409, "code-expired", "Ask for a new code"


def _absent(name: str) -> ValidationFailed:
    told = "There is no such record in the team of the enquiry."
    return ValidationFailed(errors=[{"pointer": f"/{name}", "code": "absent", "message": told}])


by_constraint["enquiry_premises_id_team_id_fkey"] = lambda: _absent("premises_id")
by_constraint["enquiry_transfer_enquiry_id_offered_key"] = StateConflict
by_constraint["enquiry_organisation_id_fkey"] = lambda: _absent("organisation_id")
by_constraint["contact_own"] = OwnContact
by_constraint["enquiry_case_withheld"] = CaseWithheld
by_constraint["enquiry_case_own_verification"] = lambda: CaseWithheld(
    "You verified its contact: somebody else opens the case to it."
)
by_constraint["contact_own_token"] = OwnVerification
