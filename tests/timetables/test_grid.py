"""The arithmetic of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ci_operators.timetables.grid import EPOCH, Grid, next_window

STEPS = st.integers(60, 7 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
GRIDS = STEPS.flatmap(
    lambda step: st.timedeltas(timedelta(0), step - timedelta(milliseconds=1)).map(lambda phase: Grid(step, phase))
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is added
SPANS = st.integers(1, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))


@given(GRIDS, INSTANTS)
def test_an_instant_lies_between_two_points_of_the_grid(grid: Grid, instant: datetime) -> None:
    assert grid.floor(instant) <= instant < grid.after(instant)
    assert grid.after(instant) - grid.floor(instant) == grid.step
    assert (grid.floor(instant) - EPOCH - grid.phase) % grid.step == timedelta(0)


@given(GRIDS, INSTANTS)
def test_a_point_of_the_grid_is_its_own_floor(grid: Grid, instant: datetime) -> None:
    point = grid.floor(instant)
    assert grid.floor(point) == point
    assert grid.after(point) == point + grid.step


@given(GRIDS, INSTANTS, SPANS, SPANS)
def test_first_window_begins_with_the_initial_import(
    grid: Grid, settled: datetime, initial_import: timedelta, max_window: timedelta
) -> None:
    since, until = next_window(
        grid, last_end=None, settled=settled, initial_import=initial_import, max_window=max_window
    )
    assert since == grid.floor(settled) - initial_import
    assert until == min(grid.floor(settled), since + max_window)


@given(GRIDS, INSTANTS, INSTANTS, SPANS)
def test_next_window_follows_the_last_one_and_is_never_empty(
    grid: Grid, last_end: datetime, settled: datetime, max_window: timedelta
) -> None:
    since, until = next_window(
        grid, last_end=last_end, settled=settled, initial_import=timedelta(days=1), max_window=max_window
    )
    assert since == last_end
    assert since < until <= since + max_window
    if until > settled:  # the pending window of the future is the shortest there is
        assert until == min(grid.after(last_end), since + max_window)
