"""Working days: which days the nations of the United Kingdom keep, and counting around them."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

NATIONS = {"England": "ENG", "Wales": "WLS", "Scotland": "SCT", "Northern Ireland": "NIR"}
_DAY = timedelta(days=1)
_SATURDAY = 5


@cache
def bank_holidays(nation: str, year: int) -> Mapping[date, str]:
    """The bank holidays of a nation and their names; of one that falls on a weekend, the day kept instead."""
    import holidays  # six megabytes that only loading reference data needs

    known = holidays.country_holidays("GB", subdiv=NATIONS[nation], years=year, language="en_GB")
    return MappingProxyType({day: name for day, name in sorted(known.items()) if day.weekday() < _SATURDAY})


def is_working_day(day: date, nation: str, closed: Collection[date] | None = None) -> bool:
    """Whether offices are open. ``closed``: the bank holidays, where an administrator's own list is at hand."""
    if day.weekday() >= _SATURDAY:
        return False
    return day not in (bank_holidays(nation, day.year) if closed is None else closed)


def add_working_days(start: date, days: int, nation: str, closed: Collection[date] | None = None) -> date:
    """The day by which ``days`` working days have passed since ``start``, which itself doesn't count."""
    if days < 0:
        raise ValueError("working days are counted forwards")
    if start.year > 9000:
        return start  # nobody waits for it, and the calendar ends
    day = start
    while days > 0:
        day += _DAY
        days -= is_working_day(day, nation, closed)
    return day


def working_days_between(start: date, end: date, nation: str, closed: Collection[date] | None = None) -> int:
    """How many working days lie after ``start``, up to and including ``end``; 0 when ``end`` is not later."""
    days = (start + _DAY * n for n in range(1, (end - start).days + 1))
    return sum(is_working_day(day, nation, closed) for day in days)
