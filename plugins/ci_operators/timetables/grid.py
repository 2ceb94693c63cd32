"""Computes windows, without Airflow and without a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grid:
    """Points in time `step` apart, shifted by `phase`."""

    step: timedelta
    phase: timedelta

    def floor(self, instant: datetime) -> datetime:
        """Return the last point at or before `instant`."""
        offset = (instant - EPOCH - self.phase) // self.step
        return EPOCH + self.phase + offset * self.step

    def after(self, instant: datetime) -> datetime:
        """Return the first point after `instant`."""
        return self.floor(instant) + self.step


def next_window(
    grid: Grid,
    *,
    last_end: datetime | None,
    settled: datetime,
    initial_import: timedelta,
    max_window: timedelta,
) -> tuple[datetime, datetime]:
    """Return the window after the one that ended at `last_end` (None: the first window, the initial import).

    settled: the time until which all events are published. The window ends at the last point of the grid before it,
    but has at least one step and at most `max_window`. Windows have no gaps and no overlap.
    """
    newest = grid.floor(settled)
    since = newest - initial_import if last_end is None else last_end
    until = newest if newest > since else grid.after(since)
    return since, min(until, since + max_window)
