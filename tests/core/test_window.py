"""Which window a run reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import ResolvedWindow, RunKind, RunRequest, Window, resolve_window

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)
INTERVAL = Window(NOW - HALF_HOUR, NOW)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is added


def resolve(kind: RunKind, **known: Any) -> ResolvedWindow:
    request = RunRequest(kind=kind, **{"run_after": NOW, **known})
    return resolve_window(request, update_frequency=HALF_HOUR, initial_import=DAY, now=NOW)


def test_window_is_written_half_open() -> None:
    assert str(INTERVAL) == "[2026-03-10T11:30:00.000Z, 2026-03-10T12:00:00.000Z)"


@given(st.integers(1, 1024), INSTANTS, st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_pieces_of_a_window_make_it_up(pieces: int, since: datetime, length: timedelta) -> None:
    window = Window(since, since + length)
    found = window.cut(pieces)
    assert len(found) == pieces
    assert [piece.since for piece in found] + [window.until] == [window.since] + [piece.until for piece in found]
    assert all(piece.since <= piece.until for piece in found)


@pytest.mark.parametrize("kind", ["scheduled", "backfill", "manual"])
def test_data_interval_is_the_window(kind: RunKind) -> None:
    known = {"data_interval": INTERVAL, "watermark": INTERVAL.since}
    assert resolve(kind, **known) == ResolvedWindow(INTERVAL, "data interval")


@pytest.mark.parametrize("interval", [None, Window(NOW, NOW)])
def test_without_interval_it_is_the_last_update_frequency(interval: Window | None) -> None:
    found = resolve("manual", data_interval=interval)
    assert found == ResolvedWindow(INTERVAL, "last update frequency")


def test_scheduled_run_closes_the_gap_that_a_failed_one_left() -> None:
    found = resolve("scheduled", data_interval=INTERVAL, watermark=NOW - DAY)
    assert found == ResolvedWindow(Window(NOW - DAY, NOW), "data interval and the gap before it")


@pytest.mark.parametrize("kind", ["backfill", "manual"])
def test_other_runs_leave_the_gap_alone(kind: RunKind) -> None:
    assert resolve(kind, data_interval=INTERVAL, watermark=NOW - DAY).window == INTERVAL


def test_watermark_ahead_changes_nothing() -> None:
    assert resolve("scheduled", data_interval=INTERVAL, watermark=NOW).window == INTERVAL


def test_scheduled_run_without_watermark_brings_the_initial_import() -> None:
    """After debug mode, and when the very first run died before it could set one."""
    found = resolve("scheduled", data_interval=INTERVAL)
    assert found == ResolvedWindow(Window(NOW - DAY, NOW), "data interval and the initial import")


def test_first_piece_of_a_long_initial_import_stays_a_piece() -> None:
    piece = Window(NOW - 3 * DAY, NOW - 2 * DAY)
    assert resolve("scheduled", data_interval=piece) == ResolvedWindow(piece, "data interval")


def test_initial_import_never_narrows_a_merged_interval() -> None:
    merged = Window(NOW - 3 * DAY, NOW)
    assert resolve("scheduled", data_interval=merged).window == merged


def test_form_wins_over_interval_and_watermark() -> None:
    found = resolve(
        "manual", data_interval=INTERVAL, since="2026-03-01T00:00:00Z", until="2026-03-02T01:00:00+01:00", watermark=NOW
    )
    assert found == ResolvedWindow(
        Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)), "trigger form"
    )


def test_half_a_form_is_completed() -> None:
    assert resolve("manual", since="2026-03-10T00:00:00Z").window == Window(datetime(2026, 3, 10, tzinfo=UTC), NOW)
    assert resolve("manual", until="2026-03-10T10:00:00Z").window == Window(
        datetime(2026, 3, 10, 9, 30, tzinfo=UTC), datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "must be later than since"),
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-02T00:00:00Z"}, "must be later than since"),
        ({"since": "2026-03-11T00:00:00Z"}, "since .* is in the future"),
        ({"until": "2026-03-11T00:00:00Z"}, "until .* is in the future"),
        ({"since": "2026-03-02T00:00:00"}, "has no time zone. Write it for example 2026-03-10T12:00:00.000Z"),
        ({"since": "last monday"}, "'last monday' is not a date and time. Write it for example"),
        ({"until": "1773100800000"}, "until '1773100800000' is not a date and time"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_a_sentence(form: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        resolve("manual", **form)


@pytest.mark.parametrize("kind", ["scheduled", "backfill"])
def test_a_form_is_for_manual_runs_only(kind: RunKind) -> None:
    with pytest.raises(ConfigurationError, match="manual runs only"):
        resolve(kind, data_interval=INTERVAL, since="2026-03-01T00:00:00Z")


@given(
    st.sampled_from(["scheduled", "backfill", "manual"]),
    INSTANTS,
    st.none() | st.tuples(INSTANTS, INSTANTS).map(lambda pair: Window(*pair)),
    st.none() | INSTANTS,
)
def test_a_resolved_window_is_never_empty_and_never_loses_the_interval(
    kind: RunKind, run_after: datetime, interval: Window | None, watermark: datetime | None
) -> None:
    window = resolve(kind, run_after=run_after, data_interval=interval, watermark=watermark).window
    assert window.since < window.until
    if interval is not None and interval.since < interval.until:
        assert window.since <= interval.since
        assert window.until == interval.until


@given(st.tuples(INSTANTS, INSTANTS).filter(lambda pair: pair[1] - pair[0] >= timedelta(milliseconds=1)))
def test_a_form_written_by_us_is_read_again(pair: tuple[datetime, datetime]) -> None:
    request = RunRequest("manual", NOW, since=format_instant(pair[0]), until=format_instant(pair[1]))
    far = datetime(2031, 1, 1, tzinfo=UTC)
    found = resolve_window(request, update_frequency=HALF_HOUR, initial_import=DAY, now=far).window
    assert str(found) == str(Window(*pair))
