"""Refusals of the notices slice."""

from casework.kernel.problems import Problem, ValidationFailed
from casework.work.troubles import by_constraint


class NeverTheWriter(Problem):
    """Whoever wrote or amended a notice does not approve it. Ask a supervisor of the team, or another information manager."""

    status, slug, title = 409, "never-the-writer", "Somebody else approves what you wrote"


class WelshMissing(Problem):
    """The force serves Wales, so its notice is approved in Welsh as well as in English. ``missing`` names the fields."""

    status, slug, title = 409, "welsh-missing", "The notice is not complete in Welsh"


def incomplete() -> ValidationFailed:
    """A privacy notice says who is responsible, and how to complain."""
    message = "A privacy notice names the controller, the data protection officer and how to complain to the force."
    fields = ("controller", "data_protection_officer", "complaints")
    return ValidationFailed(errors=[{"pointer": f"/{name}", "code": "missing", "message": message} for name in fields])


by_constraint["notice_apart_check"] = lambda: NeverTheWriter(
    "You wrote this text, or part of it. Ask a supervisor or another information manager of the team to approve it."
)
by_constraint["notice_privacy_check"] = incomplete
