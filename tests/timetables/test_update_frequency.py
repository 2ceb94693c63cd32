"""The schedule of a connector over hours, outages, restarts and changes, with a manual clock."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable, phase_of
from tests.virtual_time import NOON, VirtualTime

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: In normal scheduling a DAG without start and end date restricts nothing.
FREE = TimeRestriction(earliest=None, latest=None, catchup=False)
FREQUENCIES = st.integers(1, 3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


def make(clock: VirtualTime, **options: Any) -> UpdateFrequencyTimetable:
    defaults = {"name": "okta", "update_frequency": 30 * MINUTE, "initial_import": DAY, "max_window": DAY}
    return UpdateFrequencyTimetable(**{**defaults, **options}, clock=clock)


def restarted(timetable: UpdateFrequencyTimetable) -> UpdateFrequencyTimetable:
    """Return the timetable as another process reads it from the database."""
    again = UpdateFrequencyTimetable.deserialize(json.loads(json.dumps(timetable.serialize())))
    again.clock = timetable.clock
    return again


@dataclass(frozen=True)
class Run:
    """A run planned by the timetable: its window, its logical date, and its earliest start."""

    since: datetime
    until: datetime
    logical_date: datetime
    run_after: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def interval(self) -> DataInterval:
        return DataInterval(pendulum.instance(self.since), pendulum.instance(self.until))


def read(info: DagRunInfo | None) -> Run:
    """Return the planned run in the standard library's types."""
    assert info is not None
    assert info.data_interval is not None
    assert info.logical_date is not None
    instants = (info.data_interval.start, info.data_interval.end, info.logical_date, info.run_after)
    return Run(*(datetime.fromisoformat(instant.isoformat()) for instant in instants))


@dataclass
class Scheduler:
    """Works like Airflow's scheduler: keeps the next run, starts it when it is due, and requests another."""

    timetable: UpdateFrequencyTimetable
    clock: VirtualTime
    runs: list[Run] = field(default_factory=list)
    pending: Run | None = None

    def ask(self) -> Run:
        """Return the next run after the last one, from the timetable."""
        last = self.runs[-1].interval if self.runs else None
        return read(self.timetable.next_dagrun_info(last_automated_data_interval=last, restriction=FREE))

    def catch_up(self) -> list[Run]:
        """Start all runs that are due, and return them."""
        before = len(self.runs)
        self.pending = self.pending or self.ask()
        while self.pending.run_after <= self.clock():
            self.runs.append(self.pending)
            self.pending = self.ask()
        return self.runs[before:]

    def advance(self, duration: timedelta) -> list[Run]:
        """Let time pass, then start what is due."""
        self.clock.instant += duration
        return self.catch_up()


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime(NOON + timedelta(milliseconds=1))


@pytest.fixture
def scheduler(clock: VirtualTime) -> Scheduler:
    return Scheduler(make(clock), clock)


def backfill(
    timetable: UpdateFrequencyTimetable, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows of a backfill; Airflow asks until it gets None, so a timetable must end."""
    restriction = TimeRestriction(pendulum.instance(since), pendulum.instance(until), catchup=True)
    last: DataInterval | None = None
    for _ in range(1000):
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        if info is None:
            return
        run = read(info)
        yield run.since, run.until
        last = run.interval
    raise AssertionError("the backfill does not end")


class TestSchedule:
    def test_first_run_is_the_initial_import(self, scheduler: Scheduler) -> None:
        (run,) = scheduler.catch_up()
        assert run.length == DAY
        assert NOON - 30 * MINUTE < run.until <= NOON

    def test_then_windows_of_the_update_frequency_follow(self, scheduler: Scheduler) -> None:
        scheduler.catch_up()
        runs = [run for _ in range(10) for run in scheduler.advance(30 * MINUTE)]
        assert [run.length for run in runs] == [30 * MINUTE] * 10
        assert all(late.since == early.until for early, late in itertools.pairwise(runs))
        assert all(run.run_after == run.until for run in runs)

    def test_a_long_initial_import_comes_in_pieces(self, clock: VirtualTime) -> None:
        runs = Scheduler(make(clock, initial_import=timedelta(days=2, hours=6)), clock).catch_up()
        assert [run.length for run in runs] == [DAY, DAY, 6 * HOUR]

    def test_an_outage_gives_one_merged_window_to_now(self, scheduler: Scheduler) -> None:
        scheduler.catch_up()
        kept, merged = scheduler.advance(8 * HOUR)
        # The window that was pending before the outage starts as it was computed then.
        assert kept.length == 30 * MINUTE
        assert merged.since == kept.until
        assert merged.length == 7.5 * HOUR

    def test_a_long_outage_gives_pieces_of_max_window(self, scheduler: Scheduler) -> None:
        scheduler.catch_up()
        lengths = [run.length for run in scheduler.advance(3 * DAY)]
        assert lengths == [30 * MINUTE, DAY, DAY, DAY - 30 * MINUTE]

    def test_a_restart_does_not_change_the_schedule(self, scheduler: Scheduler, clock: VirtualTime) -> None:
        scheduler.catch_up()
        clock.instant += 5 * HOUR
        before = scheduler.ask()
        scheduler.timetable = restarted(scheduler.timetable)
        assert scheduler.ask() == before
        assert scheduler.timetable.serialize() == make(clock).serialize()
        assert (scheduler.timetable.summary, scheduler.timetable.description) == (
            "every 30 minutes",
            "Every 30 minutes, without gaps",
        )

    @pytest.mark.parametrize("frequency", [5 * MINUTE, 7 * MINUTE, 2 * HOUR, DAY])
    def test_a_changed_frequency_leaves_no_gap(
        self, scheduler: Scheduler, clock: VirtualTime, frequency: timedelta
    ) -> None:
        scheduler.advance(HOUR)
        scheduler.timetable = make(clock, update_frequency=frequency)
        scheduler.advance(3 * DAY)
        assert_one_interval(scheduler.runs)
        assert scheduler.runs[-1].until > clock() - frequency

    def test_publication_delay_moves_the_start_of_runs_only(self, clock: VirtualTime) -> None:
        delayed = Scheduler(make(clock, publication_delay=4 * MINUTE), clock).catch_up()[-1]
        clock.instant -= 4 * MINUTE
        plain = Scheduler(make(clock), clock).catch_up()[-1]
        assert delayed.interval == plain.interval
        assert delayed.run_after == plain.run_after + 4 * MINUTE

    @given(
        st.lists(
            st.tuples(
                st.timedeltas(timedelta(0), 5 * DAY),
                st.none() | st.tuples(FREQUENCIES, st.integers(0, 5), st.integers(0, 30)),
            ),
            min_size=1,
            max_size=12,
        ),
        st.integers(1, 10 * 24).map(lambda hours: hours * HOUR),
    )
    def test_whatever_happens_the_windows_are_one_interval(
        self, steps: list[tuple[timedelta, tuple[timedelta, int, int] | None]], initial_import: timedelta
    ) -> None:
        """Outages, restarts and changed options in any order cause no gap, no overlap and no missing window."""
        clock = VirtualTime()
        scheduler = Scheduler(make(clock, initial_import=initial_import), clock)
        scheduler.catch_up()
        begin = scheduler.runs[0].since
        for duration, change in steps:
            if change is not None:
                frequency, extra, delay = change
                options = {"update_frequency": frequency, "max_window": frequency + extra * HOUR}
                scheduler.timetable = make(clock, **options, publication_delay=delay * MINUTE)
            scheduler.timetable = restarted(scheduler.timetable)
            scheduler.advance(duration)
        assert_one_interval(scheduler.runs)
        assert scheduler.runs[0].since == begin
        assert scheduler.pending is not None
        assert scheduler.pending.since == scheduler.runs[-1].until
        assert scheduler.pending.run_after > clock()


def assert_one_interval(runs: list[Run]) -> None:
    """Check that windows join, that none is empty, and that logical dates (a window's start) strictly advance."""
    for early, late in itertools.pairwise(runs):
        assert early.until == late.since
        assert early.logical_date < late.logical_date
    assert all(run.since < run.until for run in runs)
    assert all(run.run_after >= run.until for run in runs)


class TestPhase:
    @given(st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True), FREQUENCIES)
    def test_is_below_the_frequency_and_never_a_whole_second(self, name: str, frequency: timedelta) -> None:
        phase = phase_of(name, frequency)
        assert timedelta(0) < phase < frequency
        assert phase.microseconds != 0
        assert phase == phase_of(name, frequency)

    def test_differs_by_name(self) -> None:
        phases = {phase_of(f"tenant-{number}", 30 * MINUTE) for number in range(200)}
        assert len(phases) == 200

    def test_is_the_same_in_every_process_and_release(self) -> None:
        assert phase_of("okta", 30 * MINUTE) == timedelta(seconds=330, milliseconds=456)

    def test_a_logical_date_of_the_schedule_has_microseconds(self, scheduler: Scheduler) -> None:
        scheduler.advance(DAY)
        assert all(run.logical_date.microsecond for run in scheduler.runs)


class TestManualRun:
    @given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - UTC is added
    def test_has_the_last_complete_window(self, logical_date: datetime) -> None:
        timetable = make(VirtualTime())
        interval = timetable.infer_manual_data_interval(run_after=pendulum.instance(logical_date))
        assert interval.end - interval.start == 30 * MINUTE
        assert interval.end <= logical_date < interval.end + 30 * MINUTE
        grid = timetable.grid
        assert grid.floor(datetime.fromtimestamp(interval.end.timestamp(), UTC)) == interval.end


class TestBackfill:
    @pytest.fixture
    def timetable(self, clock: VirtualTime) -> UpdateFrequencyTimetable:
        return make(clock, max_window=6 * HOUR)

    def test_comes_in_pieces_of_max_window_from_its_first_date(self, timetable: UpdateFrequencyTimetable) -> None:
        since, until = NOON - 3 * DAY, NOON - 2 * DAY + HOUR
        windows = list(backfill(timetable, since, until))
        assert [end - start for start, end in windows] == [6 * HOUR] * 4 + [HOUR]
        assert (windows[0][0], windows[-1][1]) == (since, until)

    def test_ends_where_events_are_not_yet_published(self, clock: VirtualTime) -> None:
        timetable = make(clock, publication_delay=10 * MINUTE)
        *_, (_, end) = backfill(timetable, NOON - 5 * HOUR, NOON + 5 * HOUR)
        assert end == timetable.grid.floor(clock() - 10 * MINUTE)

    def test_in_the_future_has_no_runs(self, timetable: UpdateFrequencyTimetable) -> None:
        assert not list(backfill(timetable, NOON + MINUTE, NOON + DAY))

    def test_without_a_first_date_has_no_runs(self, timetable: UpdateFrequencyTimetable) -> None:
        restriction = TimeRestriction(None, pendulum.instance(NOON), catchup=True)
        assert timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction) is None

    @given(st.timedeltas(-20 * DAY, 5 * DAY), st.timedeltas(timedelta(0), 20 * DAY), FREQUENCIES)
    def test_covers_its_range_exactly_once_and_ends(
        self, begin: timedelta, length: timedelta, piece: timedelta
    ) -> None:
        timetable = make(VirtualTime(), max_window=max(piece, 30 * MINUTE))
        since, until = NOON + begin, NOON + begin + length
        windows = list(backfill(timetable, since, until))
        end = min(until, timetable.grid.floor(NOON))
        if since >= end:
            assert windows == []
            return
        assert (windows[0][0], windows[-1][1]) == (since, end)
        assert all(early[1] == late[0] for early, late in itertools.pairwise(windows))
        assert all(stop - start == timetable.max_window for start, stop in windows[:-1])
