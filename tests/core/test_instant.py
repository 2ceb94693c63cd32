"""Points in time as vendors write them and as we write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.instant import format_instant, read_instant

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "written", "has_zone"),
    [
        ("2026-03-10T12:00:00.123Z", "2026-03-10T12:00:00.123Z", True),
        ("2026-03-10T12:00:00.123456Z", "2026-03-10T12:00:00.123Z", True),
        ("2026-03-10T12:00:00Z", "2026-03-10T12:00:00.000Z", True),
        ("2026-03-10T14:00:00+02:00", "2026-03-10T12:00:00.000Z", True),
        ("2026-03-10 12:00:00+0000", "2026-03-10T12:00:00.000Z", True),
        ("2026-03-10T12:00:00", "2026-03-10T12:00:00.000Z", False),
        ("2026-03-10", "2026-03-10T00:00:00.000Z", False),
        (" 2026-03-10T12:00:00Z ", "2026-03-10T12:00:00.000Z", True),
    ],
)
def test_iso_8601_is_read(text: str, written: str, has_zone: bool) -> None:
    instant, named = read_instant(text)
    assert (format_instant(instant), named) == (written, has_zone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-10T12:00:00Z",
        "2026-02-30",
        "2026-03-10T25:00:00Z",
        "1712011200000",  # milliseconds since 1970, which the library reads as the year 1712
        "1712011200",
        "20260310",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "\u0662\u0660\u0662\u0666-03-10T12:00:00Z",
    ],
)
def test_an_invalid_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_instant(text)


@given(st.text())
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        instant, _ = read_instant(text)
    except ValueError:
        return
    assert instant.tzinfo is UTC


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES))  # noqa: DTZ001 - zones are added
def test_instants_are_written_in_utc_to_the_millisecond_and_read_again(instant: datetime) -> None:
    text = format_instant(instant)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    again, has_zone = read_instant(text)
    assert has_zone
    assert timedelta(0) <= instant - again < timedelta(milliseconds=1)
