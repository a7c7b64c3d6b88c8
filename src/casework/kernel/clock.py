"""The one clock of the field's rules: real time, moved by an offset that only a trial or a test may set.

Sessions, tokens, one-time codes, the processing log, seals and jobs keep the real time; ``casework.now()`` is the same
clock in the database.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = "Europe/London"


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is for whoever is at work; ``offset`` is what the database said when the work began."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC) + self.offset

    def today(self, zone: str = LONDON) -> date:
        """The day on the calendar at the site."""
        return self.now().astimezone(ZoneInfo(zone)).date()
