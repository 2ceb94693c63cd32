"""How long to wait, and the counting of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.transport.pacing import LONGEST_WAIT_S, RateLimitHeaders, limit_wait, read_date, read_retry_after
from tests.virtual_time import NOON, VirtualTime

NOW = NOON.timestamp()
RATE_LIMIT = RateLimitHeaders("Limit-All", "Limit-Remaining", "Limit-Reset", 60.0, reserve=0.1)
RESET = int(NOW) + 30
DATE = {"Date": "Tue, 10 Mar 2026 12:00:00 GMT"}


def test_waits_are_slept_and_counted() -> None:
    time = VirtualTime()
    pacer = time.pacer()
    for seconds in (2.0, 0.0, -1.0, 0.5):
        pacer.wait(seconds)
    assert time.slept == [2.0, 0.5]
    assert pacer.waited_s == 2.5


def test_an_interval_is_kept_between_starts() -> None:
    time = VirtualTime()
    pacer = time.pacer()
    pacer.keep_interval(0.5)
    pacer.keep_interval(0.5)
    time.sleep(0.25)
    pacer.keep_interval(0.5)
    time.sleep(9.0)
    pacer.keep_interval(0.5)
    assert time.slept == [0.5, 0.25, 0.25, 9.0]


def test_a_clock_set_back_never_makes_it_wait_longer_than_the_interval() -> None:
    time = VirtualTime()
    pacer = time.pacer()
    pacer.keep_interval(0.5)
    time.instant = datetime(2020, 1, 1, tzinfo=UTC)
    pacer.keep_interval(0.5)
    assert time.slept == [0.5]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Tue, 10 Mar 2026 12:00:30 GMT", 30.0),
        ("Tue, 10 Mar 2026 11:00:00 GMT", 0.0),
        ("Tue, 10 Mar 2099 11:00:00 GMT", LONGEST_WAIT_S),
        ("inf", LONGEST_WAIT_S),
        ("1e300", LONGEST_WAIT_S),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert read_retry_after({"Retry-After": text}, NOW) == seconds


def test_without_retry_after_nothing_is_asked() -> None:
    assert read_retry_after({}, NOW) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} (Jan|Feb) \d{1,5} \d\d:\d\d:\d\d [+-]?\w{1,5}"))
def test_any_header_gives_a_wait_or_none(text: str) -> None:
    wait = read_retry_after({"Retry-After": text}, NOW)
    assert wait is None or 0.0 <= wait <= LONGEST_WAIT_S
    date = read_date({"Date": text})
    assert date is None or date.tzinfo is UTC


@given(st.floats())
def test_no_wait_is_negative_or_longer_than_a_day(seconds: float) -> None:
    wait = limit_wait(seconds)
    assert wait is None or 0.0 <= wait <= LONGEST_WAIT_S


def test_the_servers_clock_is_read() -> None:
    assert read_date({"Date": "Tue, 10 Mar 2026 12:00:00 GMT"}) == NOON
    assert read_date({"Date": "noon"}) is None
    assert read_date({}) is None


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Limit-Reset": str(RESET), **DATE}, 31.0),
        ({"Limit-Reset": f"{RESET}, {RESET + 9}", **DATE}, 31.0),
        ({"Limit-Reset": str(RESET)}, 21.0),
        ({"Limit-Reset": str(RESET + 7200)}, 61.0),  # the local clock is slow: the period is a minute
        ({"Limit-Reset": str(RESET - 99), **DATE}, 1.0),
        ({"Limit-Reset": str(RESET), "Limit-All": "0", **DATE}, None),
        ({"Limit-Reset": "inf", **DATE}, 86_401.0),
        ({"Limit-Reset": "nan", **DATE}, None),
        ({"Limit-Reset": "soon", **DATE}, None),
        ({}, None),
    ],
)
def test_a_cooldown_is_read_from_the_headers_of_a_rate_limit(headers: dict[str, str], wait: float | None) -> None:
    assert RATE_LIMIT.read_cooldown(headers, NOW + 10) == wait


@pytest.mark.parametrize(
    ("limit", "remaining", "pause"),
    [
        ("20", "2", 31.0),
        ("20, 200", "2, 100", 31.0),
        ("20", "3", 0.0),
        ("5", "1", 31.0),
        ("0", "0", 0.0),
        ("x", "0", 0.0),
    ],
)
def test_a_pause_leaves_the_reserve_of_a_rate_limit_unused(limit: str, remaining: str, pause: float) -> None:
    headers = {"Limit-All": limit, "Limit-Remaining": remaining, "Limit-Reset": str(RESET), **DATE}
    assert RATE_LIMIT.read_pause(headers, NOW) == pause
    del headers["Limit-Reset"]
    assert RATE_LIMIT.read_pause(headers, NOW) == 0.0
