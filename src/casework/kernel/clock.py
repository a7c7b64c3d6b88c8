"""The one clock of the field's rules: the real time, moved by an offset that only a trial or a test may set.

Sessions, tokens, one-time codes, the processing log, seals and jobs keep the real time. ``casework.now()`` is the same
clock in the database, which alone reads the offset: Python is told the moment (``docs/decisions/0018-one-clock.md``).
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = "Europe/London"
ENVIRONMENT = "casework.environment"
"""How a connection says of which kind its service is: only a trial's honours the offset."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is for whoever is at work: the moment when their transaction began, as the database told it."""

    moment: datetime

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self.moment

    def today(self, zone: str = LONDON) -> date:
        """The day on the calendar at the site."""
        return self.moment.astimezone(ZoneInfo(zone)).date()
