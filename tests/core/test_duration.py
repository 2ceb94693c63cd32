"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.connector import Connector
from ci_operators.core.duration import format_duration, read_duration

PATTERN = Connector.model_json_schema()["properties"]["update_frequency"]["pattern"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30 minutes", 1800),
        ("1 minute", 60),
        ("5 min", 300),
        ("5 mins", 300),
        ("45 sec", 45),
        ("1 day", 86400),
        ("7 Days", 604800),
        ("2hours", 7200),
        ("1.5 hours", 5400),
        (" 90 seconds ", 90),
    ],
)
def test_duration_is_number_and_unit(text: str, seconds: int) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", ["", "30", "minutes", "30 m", "-1 day", "1 week", "1 day 2 hours", "\u0663 days", 30, None, []]
)
def test_other_values_are_refused_with_the_allowed_forms(value: object) -> None:
    with pytest.raises(ValueError, match="30 minutes"):
        read_duration(value)


def test_duration_passes_through() -> None:
    assert read_duration(timedelta(hours=3)) == timedelta(hours=3)


@given(st.integers(0, 999_999))
def test_a_written_duration_is_read_again(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert read_duration(format_duration(duration)) == duration


@given(st.integers(1, 10_000).map(lambda days: timedelta(days=days)))
def test_whole_days_are_written_as_days(duration: timedelta) -> None:
    assert format_duration(duration) == f"{duration.days} day{'' if duration.days == 1 else 's'}"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 seconds"), (1, "1 second"), (90, "90 seconds"), (3600, "1 hour"), (5400, "90 minutes")]
)
def test_largest_whole_unit_is_chosen(seconds: int, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@given(st.from_regex(PATTERN.replace(r"\d", "[0-9]").replace(r"\s", "[ ]"), fullmatch=True))
def test_the_editors_schema_promises_no_form_that_is_refused(text: str) -> None:
    assert read_duration(text.rstrip("\n")) >= timedelta(0)
