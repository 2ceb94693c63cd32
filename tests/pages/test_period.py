"""The time range of a request."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ci_operators.core.errors import ConfigurationError
from ci_operators.pages.period import Period, read_period


def test_range_is_read_with_any_zone() -> None:
    found = read_period("2026-03-01T00:00:00+01:00", "2026-03-02T00:00:00Z")
    assert found == Period(datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


def test_default_is_the_last_week() -> None:
    found = read_period()
    assert found.until - found.since == timedelta(days=7)
    assert abs(datetime.now(UTC) - found.until) < timedelta(minutes=1)


def test_since_defaults_to_a_week_before_until() -> None:
    assert read_period(None, "2026-03-08T00:00:00Z").since == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("yesterday", None, "since is no date and time"),
        (None, "2026-13-01T00:00:00Z", "until is no date and time"),
        ("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "since must be before until"),
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "since must be before until"),
    ],
)
def test_what_is_no_range_is_refused(since: str | None, until: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_period(since, until)


def test_days_count_whole_and_the_end_is_exclusive() -> None:
    period = Period(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert (period.first_day, period.end_day) == (date(2026, 3, 1), date(2026, 3, 3))
    later = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC))
    assert later.end_day == date(2026, 3, 4)
