"""What a date means: whether it lies ahead or behind, by the clock of the field's rules (``work.clock``).

That a date can be meant at all is judged by its kind (``kernel/columns``); what it means, by the action that takes it.
"""

from datetime import date, datetime, timedelta
from typing import TypeVar

from casework.kernel.problems import ValidationFailed
from casework.work.unit import Work

CLOCKS_APART = timedelta(minutes=5)
"""How far ahead of ours somebody's clock may be: what they say has just happened is not yet to come."""
FAR = 10
"""Years ahead that anybody plans: beyond, a digit is wrong."""


def require_behind(work: Work, pointer: str, at: date | datetime | None, message: str) -> None:
    """Raise unless it has happened, or is today."""
    if at is None:
        return
    if at > (work.clock.now() + CLOCKS_APART if isinstance(at, datetime) else work.clock.today()):
        raise wrong(pointer, "future", message)


def require_ahead(
    work: Work,
    pointer: str,
    at: date | datetime | None,
    message: str,
    *,
    years: int = FAR,
    from_tomorrow: bool = False,
) -> None:
    """Raise unless it is still to come, ``years`` ahead at most. A day is to come until it is over, unless ``from_tomorrow``."""
    if at is None:
        return
    if isinstance(at, datetime):
        now = work.clock.now()
        over, beyond = at < now - CLOCKS_APART, at > _years_on(now, years)
    else:
        today = work.clock.today()
        over, beyond = (at <= today if from_tomorrow else at < today), at > _years_on(today, years)
    if over:
        raise wrong(pointer, "past", message)
    if beyond:
        raise wrong(
            pointer, "too-far", f"Give a date within {_YEARS.get(years, years)} years from now; look at the year."
        )


def require_near(work: Work, pointer: str, day: date | None, years: int = FAR) -> None:
    """Raise where a day that may be over or to come is further away than anybody means."""
    today = work.clock.today()
    if day is not None and not _years_on(today, -years) <= day <= _years_on(today, years):
        message = f"Give a date within {_YEARS.get(years, years)} years of today; look at the year."
        raise wrong(pointer, "too-far", message)


_YEARS = {1: "one", 2: "two", 10: "ten"}
_Day = TypeVar("_Day", date, datetime)


def _years_on(at: _Day, years: int) -> _Day:
    try:
        return at.replace(year=at.year + years)
    except ValueError:  # the 29th of February
        return at.replace(year=at.year + years, month=3, day=1)


def wrong(pointer: str, code: str, message: str) -> ValidationFailed:
    """A date that is well formed, and cannot be meant here."""
    return ValidationFailed(errors=[{"pointer": pointer, "code": code, "message": message}])
