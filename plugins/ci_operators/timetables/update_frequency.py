"""The schedule of a connector: initial import, contiguous windows, merged catch-up, bounded backfills."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from ci_operators.core.duration import format_duration
from ci_operators.timetables.grid import Grid, next_window


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class UpdateFrequencyTimetable(Timetable):
    """Windows of `update_frequency` on a grid for each connector.

    The first window is the initial import. After an outage, one window starts at the end of the last one and ends
    now. Windows longer than `max_window` are split, and so are backfills, from their first date on. A run starts
    `publication_delay` after the end of its window.

    The grid is shifted by a phase derived from `name`. This spreads the load of many connectors, and nobody enters a
    logical date that is the start of a window (which would stall the schedule: dates are unique in a DAG).

    `clock` is not part of the schedule: it is not serialized, and a deserialized timetable has the default.
    """

    def __init__(
        self,
        *,
        name: str,
        update_frequency: timedelta,
        initial_import: timedelta,
        max_window: timedelta,
        publication_delay: timedelta = timedelta(0),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.update_frequency = update_frequency
        self.initial_import = initial_import
        self.max_window = max_window
        self.publication_delay = publication_delay
        self.clock = clock
        self.grid = Grid(update_frequency, phase_of(name, update_frequency))
        self.description = f"Every {format_duration(update_frequency)}, without gaps"

    @property
    def summary(self) -> str:
        """Return the schedule as the UI shows it."""
        return f"every {format_duration(self.update_frequency)}"

    def serialize(self) -> dict[str, Any]:
        """Return the timetable as JSON values."""
        return {
            "name": self.name,
            "update_frequency": self.update_frequency.total_seconds(),
            "initial_import": self.initial_import.total_seconds(),
            "max_window": self.max_window.total_seconds(),
            "publication_delay": self.publication_delay.total_seconds(),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> UpdateFrequencyTimetable:
        """Return the timetable that `serialize` wrote."""
        durations: dict[str, Any] = {key: timedelta(seconds=value) for key, value in data.items() if key != "name"}
        return cls(name=data["name"], **durations)

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """Return the last complete window before a manual run's logical date."""
        until = self.grid.floor(_plain(run_after))
        return _interval(until - self.update_frequency, until)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run, None after the last run of a backfill (which has an upper bound)."""
        now = self.clock()
        last_end = last_automated_data_interval and _plain(last_automated_data_interval.end)
        if restriction.latest is not None:
            since = last_end or (restriction.earliest and _plain(restriction.earliest))
            return self._next_backfill(since, _plain(restriction.latest), now)
        since, until = next_window(
            self.grid,
            last_end=last_end,
            settled=now - self.publication_delay,
            initial_import=self.initial_import,
            max_window=self.max_window,
        )
        return self._run(since, until)

    def _next_backfill(self, since: datetime | None, latest: datetime, now: datetime) -> DagRunInfo | None:
        # Airflow ignores windows that end after the time of its first call: the grid's floor is before that.
        end = min(latest, self.grid.floor(now - self.publication_delay))
        if since is None or since >= end:
            return None
        return self._run(since, min(since + self.max_window, end))

    def _run(self, since: datetime, until: datetime) -> DagRunInfo:
        interval = _interval(since, until)  # DagRunInfo has more fields in some versions: Airflow fills them
        run_after = pendulum.instance(until + self.publication_delay)
        return DagRunInfo.interval(interval.start, interval.end)._replace(run_after=run_after)


def phase_of(name: str, update_frequency: timedelta) -> timedelta:
    """Return the phase of a connector's grid: less than `update_frequency`, never a whole second."""
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    seconds = digest % max(int(update_frequency.total_seconds()), 1)
    return timedelta(seconds=seconds, milliseconds=1 + digest // 7919 % 999)


def _plain(instant: datetime) -> datetime:
    """Return a standard library datetime, because pendulum's differences cannot be divided by a timedelta."""
    return datetime.fromisoformat(instant.isoformat()).astimezone(UTC)


def _interval(since: datetime, until: datetime) -> DataInterval:
    return DataInterval(pendulum.instance(since), pendulum.instance(until))
