"""Refusals of the premises slice: what the database's own rules say in words."""

from casework.kernel.problems import Problem, ValidationFailed
from casework.work.troubles import by_constraint, numberless


def _priority_without_reason() -> Problem:
    return ValidationFailed(
        "A priority needs its reason.",
        errors=[
            {
                "pointer": "/priority_reason",
                "code": "missing",
                "message": "Say why this place is a priority, or set priority to false.",
            }
        ],
    )


def _open_but_closed() -> Problem:
    return ValidationFailed(
        "An open place has no day of closing.",
        errors=[{"pointer": "/closed_on", "code": "closed-on", "message": "Set state to closed, or leave this out."}],
    )


def _excluded_without_basis() -> Problem:
    message = "An exclusion has its basis and the day on which it was established, or is taken away (null)."
    told = [
        {"pointer": f"/{name}", "code": "missing", "message": message} for name in ("exclusion_basis", "excluded_on")
    ]
    return ValidationFailed("An exclusion under Schedule 2 needs its basis and its day.", errors=told)


by_constraint["premises_excluded_check"] = _excluded_without_basis
by_constraint["premises_party_phone_check"] = numberless
by_constraint["premises_priority_check"] = _priority_without_reason
by_constraint["premises_closed_on_check"] = _open_but_closed
