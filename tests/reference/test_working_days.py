"""Working days: weekends and bank holidays of each nation don't count."""

from datetime import date

import pytest

from casework.reference.working_days import (
    NATIONS,
    add_working_days,
    bank_holidays,
    is_working_day,
    working_days_between,
)

ALL = tuple(NATIONS)


@pytest.mark.parametrize(
    ("start", "days", "nation", "due"),
    [
        # Easter 2026: Good Friday 3 April; Easter Monday 6 April is a bank holiday everywhere but in Scotland.
        ("2026-04-02", 1, "England", "2026-04-07"),
        ("2026-04-02", 1, "Wales", "2026-04-07"),
        ("2026-04-02", 1, "Northern Ireland", "2026-04-07"),
        ("2026-04-02", 1, "Scotland", "2026-04-06"),
        # St Andrew's Day 2026 is a Monday; in 2025 it was a Sunday, and the Monday after was kept.
        ("2026-11-27", 1, "Scotland", "2026-12-01"),
        ("2026-11-27", 1, "England", "2026-11-30"),
        ("2025-11-28", 1, "Scotland", "2025-12-02"),
        # The Twelfth 2027 is a Monday; in 2026 a Sunday, and Monday the 13th is kept.
        ("2027-07-09", 1, "Northern Ireland", "2027-07-13"),
        ("2027-07-09", 1, "England", "2027-07-12"),
        ("2026-07-10", 1, "Northern Ireland", "2026-07-14"),
        # St Patrick's Day, 2 January, the two August holidays.
        ("2026-03-16", 1, "Northern Ireland", "2026-03-18"),
        ("2025-12-31", 1, "Scotland", "2026-01-05"),
        ("2025-12-31", 1, "England", "2026-01-02"),
        ("2026-07-31", 1, "Scotland", "2026-08-04"),
        ("2026-08-28", 1, "England", "2026-09-01"),
        # Across Christmas and the year's end; Boxing Day 2026 is a Saturday, Monday the 28th is kept.
        ("2026-12-24", 5, "England", "2027-01-05"),
        ("2026-12-24", 5, "Scotland", "2027-01-06"),
        # A weekend as the start, and long ways.
        ("2026-11-21", 1, "England", "2026-11-23"),
        ("2026-11-20", 10, "England", "2026-12-04"),
        ("2026-11-20", 10, "Scotland", "2026-12-07"),
    ],
)
def test_a_deadline_is_counted_around_the_days_of_its_nation(start: str, days: int, nation: str, due: str) -> None:
    assert add_working_days(date.fromisoformat(start), days, nation) == date.fromisoformat(due)
    assert working_days_between(date.fromisoformat(start), date.fromisoformat(due), nation) == days


@pytest.mark.parametrize("nation", ALL)
def test_no_days_are_no_days(nation: str) -> None:
    assert add_working_days(date(2026, 4, 3), 0, nation) == date(2026, 4, 3)
    assert working_days_between(date(2026, 4, 7), date(2026, 4, 1), nation) == 0


def test_days_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="forwards"):
        add_working_days(date(2026, 4, 3), -1, "England")


def test_the_list_that_administrators_keep_goes_before_the_packaged_one() -> None:
    thursday, friday, monday = date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 6)
    assert add_working_days(thursday, 1, "England", closed=set()) == friday
    assert add_working_days(thursday, 1, "England", closed={friday}) == monday


def test_a_weekend_is_no_working_day_and_no_bank_holiday() -> None:
    assert not is_working_day(date(2026, 12, 26), "England")
    assert all(day.weekday() < 5 for nation in ALL for day in bank_holidays(nation, 2027))
