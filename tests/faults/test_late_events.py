"""Late and changing events in simulations: the real sources, in the consecutive windows of the schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ci_operators.core.connector import Connector
from ci_operators.core.tally import STAGES
from ci_operators.core.window import Window
from ci_operators.timetables.grid import EPOCH, Grid, next_window
from simulator import Limits, Simulator, serve
from tests.faults.line import Line
from tests.noting_session import NotingSession
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens
from tests.vendor_cases import LIVE
from tests.virtual_time import NOON, VirtualTime


@dataclass
class Schedule:
    """A connector whose scheduled runs follow each other in virtual time.

    skew: how far our clock is ahead of the vendors' clocks.
    """

    specimens: Specimens
    connector: Connector
    simulator: Simulator
    engine: Engine
    folder: Path
    time: VirtualTime
    session: NotingSession
    skew: timedelta = timedelta(0)
    last_end: datetime | None = None
    runs: int = 0

    def run_until(self, instant: datetime) -> None:
        """Run every window that is due until this time, each as soon as it is due."""
        while (window := self.next_window())[1] + self.connector.publication_delay <= instant:
            self.time.instant = max(self.time.instant, window[1] + self.connector.publication_delay - self.skew)
            self.run(*window)

    def next_window(self) -> tuple[datetime, datetime]:
        """Return the window of the next run from the timetable."""
        return next_window(
            Grid(self.connector.update_frequency, NOON - EPOCH),
            last_end=self.last_end,
            settled=self.time.instant + self.skew - self.connector.publication_delay,
            initial_import=self.connector.initial_import,
            max_window=self.connector.max_window,
        )

    def run(self, since: datetime, until: datetime) -> None:
        """Do one run. As in ExtractOperator, a live scheduled run also reads the end of the previous window."""
        self.runs += 1
        line = Line(
            connector=self.connector,
            source=self.specimens.case.connect(self.simulator.url, self.session, self.time),
            destination=LIVE.connect(self.simulator.url, self.session, self.time),
            engine=self.engine,
            directory=self.folder / str(self.runs),
            window=Window(since - self.connector.overlap, until),
            run_id=f"run-{self.runs}",
        )
        for stage in STAGES:
            line.run_stage(stage)
        self.last_end = until

    @property
    def delivered(self) -> Counter[str | None]:
        """How often each event has been delivered."""
        return Counter(one.incident_id for one in self.simulator.detections)


@pytest.fixture
def world(ledger_engine: Engine, tmp_path: Path) -> Iterator[Schedule]:
    """A live Okta connector with the defaults, its vendors empty."""
    time = VirtualTime()
    with serve(Simulator(clock=time, scenario=False, limits=Limits.off())) as simulator, NotingSession() as session:
        yield Schedule(OKTA, OKTA.connector(), simulator, ledger_engine, tmp_path, time, session)


def okta_event(number: int, at: datetime) -> dict[str, Any]:
    return OKTA.make_event(at, number)


def threat(number: int, at: datetime) -> dict[str, Any]:
    return SENTINELONE.make_event(at, number)


def at(hour: int, minute: int, second: int = 0, *, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=NOON.tzinfo)


@pytest.mark.parametrize("delay_min", [0, 1, 3, 5, 9])
def test_an_okta_event_published_minutes_late_arrives_once(delay_min: int, world: Schedule) -> None:
    """At each minute around the edge of a window, so that only some exist when their window is read."""
    for number, minute in enumerate(range(20, 41)):
        event = okta_event(number, at(12, minute, 59))
        world.simulator.add_okta_event(event, at(12, minute, 59) + timedelta(minutes=delay_min))
    world.run_until(at(15, 0))
    assert world.delivered == {f"event-{number:05d}": 1 for number in range(21)}


def test_without_overlap_the_late_event_would_be_lost(world: Schedule) -> None:
    """This proves that the test above can fail."""
    world.connector = OKTA.connector({"overlap": "0 min"})
    world.simulator.add_okta_event(okta_event(1, at(12, 29, 59)), at(12, 33))
    world.run_until(at(15, 0))
    assert world.delivered == {}


def test_overlap_reads_again_and_sends_nothing_again(world: Schedule) -> None:
    for number in range(60):
        world.simulator.add_okta_event(okta_event(number, at(12, 0) + timedelta(minutes=2 * number)))
    world.run_until(at(16, 0))
    assert set(world.delivered.values()) == {1}
    assert len(world.delivered) == 60


def test_an_event_on_the_edge_of_two_windows_arrives_once(world: Schedule) -> None:
    for number, instant in enumerate([at(12, 30), at(12, 30) - timedelta(milliseconds=1), at(12, 30, 1)]):
        world.simulator.add_okta_event(okta_event(number, instant))
    world.run_until(at(14, 0))
    assert set(world.delivered.values()) == {1}
    assert len(world.delivered) == 3


@pytest.mark.parametrize("hours", [0.1, 1, 20, 47, 24 * 30])
def test_a_verdict_given_hours_late_arrives_once(hours: float, world: Schedule) -> None:
    world.specimens, world.connector = SENTINELONE, SENTINELONE.connector({"only_analyst_verified": True})
    created = at(12, 10)
    for number in range(3):
        world.simulator.add_threat(threat(number, created))
    world.run_until(created + timedelta(hours=min(hours, 2)))
    assert world.delivered == {}
    given = created + timedelta(hours=hours)
    world.time.instant = max(world.time.instant, given - timedelta(hours=1))
    world.simulator.set_verdict(f"{1:019d}", "true_positive", given)
    world.simulator.set_verdict(f"{2:019d}", "false_positive", given)
    world.run_until(given + timedelta(hours=3))
    assert world.delivered == {f"{1:019d}": 1}


def test_a_threat_that_changes_again_is_not_sent_again(world: Schedule) -> None:
    """A verdict, another one, and the first one again: each moves updatedAt into another window."""
    world.specimens, world.connector = SENTINELONE, SENTINELONE.connector({"only_analyst_verified": True})
    world.simulator.add_threat(threat(1, at(12, 10)))
    for hour, verdict in ((14, "true_positive"), (16, "suspicious"), (18, "true_positive")):
        world.simulator.set_verdict(f"{1:019d}", verdict, at(hour, 0))
        world.run_until(at(hour + 1, 0))
    assert world.delivered == {f"{1:019d}": 1}


def test_a_verdict_beyond_the_floor_is_left_out(world: Schedule) -> None:
    options = {"only_analyst_verified": True, "verified_floor": "7 days"}
    world.specimens, world.connector = SENTINELONE, SENTINELONE.connector(options)
    world.simulator.add_threat(threat(1, at(12, 10)))
    world.run_until(at(13, 0))
    world.time.instant = at(12, 0, day=20)
    world.simulator.set_verdict(f"{1:019d}", "true_positive", at(12, 1, day=20))
    world.run_until(at(14, 0, day=20))
    assert world.delivered == {}


@pytest.mark.parametrize("seconds", [-540, -45, 45, 540])
def test_clocks_that_differ_lose_nothing(seconds: int, world: Schedule) -> None:
    """They differ by less than overlap and publication delay: the end of our window is not published yet."""
    world.skew = timedelta(seconds=seconds)
    for number in range(90):
        world.simulator.add_okta_event(okta_event(number, at(12, 0) + timedelta(minutes=number, seconds=30)))
    world.run_until(at(15, 0) + world.skew)
    assert set(world.delivered.values()) == {1}
    assert len(world.delivered) == 90


def test_after_an_outage_the_gap_is_read(world: Schedule) -> None:
    for number in range(40):
        world.simulator.add_okta_event(okta_event(number, at(12, 0) + timedelta(hours=number)))
    world.run_until(at(13, 0))
    world.time.instant = at(5, 0, day=12)
    world.run_until(at(6, 0, day=12))
    assert set(world.delivered.values()) == {1}
    assert len(world.delivered) == 40
    assert world.runs < 12
