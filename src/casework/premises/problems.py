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


by_constraint["premises_party_phone_check"] = numberless
by_constraint["premises_priority_check"] = _priority_without_reason
by_constraint["premises_closed_on_check"] = _open_but_closed
