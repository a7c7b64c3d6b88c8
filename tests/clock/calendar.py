"""Days of the year after this one, for the clock to be put to: no test depends on the day it is run."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEXT_YEAR = datetime.now(UTC).year + 1
LONDON = ZoneInfo("Europe/London")


def monday(month: int) -> date:
    """The first Monday of a month."""
    first = date(NEXT_YEAR, month, 1)
    return first + timedelta(days=-first.weekday() % 7)


def last_sunday(month: int) -> date:
    """The day on which the clocks change, in March and October: both months have 31 days."""
    last = date(NEXT_YEAR, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def in_london(day: date, hour: int, minute: int = 0) -> datetime:
    """A time on the wall, as a moment."""
    return datetime.combine(day, time(hour, minute), LONDON).astimezone(UTC)
