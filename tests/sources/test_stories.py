"""Problems that users of other products report, tested for every source. A new source is included automatically.

A module `specimens` can name several APIs of a source (`SURFACES`); by default, `SPECIMENS` is the only one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine

from ci_operators.core.errors import CredentialsError, RateLimitedError, RequestRefusedError
from ci_operators.core.window import Window
from ci_operators.sources import SOURCES
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import StageResult
from ci_operators.transport.paging import Page
from simulator import Limits, Simulator, serve
from tests.artifacts import read_all
from tests.faults.test_late_events import Schedule
from tests.noting_session import NotingSession
from tests.sources.contract import SourceContract
from tests.sources.json_members import find_member, paths_of, with_member
from tests.sources.specimens import Specimens
from tests.virtual_time import NOON, VirtualTime

#: Longer than the hour that one request to Proofpoint can cover.
WINDOW = Window(NOON - timedelta(hours=4), NOON)
#: Requests that the vendor allows in a minute.
A_MINUTE = 20
BURST = 50_000
#: More tries than any test needs.
ENOUGH_TRIES = 100
#: Hashes and ATT&CK ids in any member.
HASH, TECHNIQUE = re.compile(r"[0-9a-fA-F]{32,64}"), re.compile(r"T\d{4}([./]\d{3})?", re.IGNORECASE)


def surfaces() -> list[Any]:
    """Return the specimens of every registered source, and of each of its APIs."""
    modules = [import_module(f"tests.sources.{name}.specimens") for name in SOURCES]
    found = [each for module in modules for each in getattr(module, "SURFACES", (module.SPECIMENS,))]
    return [pytest.param(each, id="-".join([each.source.name, *map(str, each.options.values())])) for each in found]


everyone = pytest.mark.parametrize("specimens", surfaces())


@dataclass
class Run:
    """One run's extract over its tries, on a served vendor. pages: number of answered page requests after each try."""

    specimens: Specimens
    folder: Path
    simulator: Simulator
    session: NotingSession
    time: VirtualTime
    pages: list[int] = field(default_factory=list)

    def fetch(self) -> Callable[[Window, Sequence[str]], Iterator[Page]]:
        """Return the client of a new process."""
        client = self.specimens.case.connect(self.simulator.url, self.session, self.time)
        return partial(self.specimens.source.fetch, client, self.specimens.connector())

    def try_once(self, fetch: Callable[[Window, Sequence[str]], Iterator[Page]] | None = None) -> StageResult:
        try:
            return extract(fetch or self.fetch(), WINDOW, "story", self.folder)
        finally:
            answered = [entry for entry in self.simulator.requests if entry.status == 200]
            self.pages.append(sum(entry.path == self.page_path for entry in answered))

    @property
    def name(self) -> str:
        """Return the simulator's word for the vendor."""
        return self.specimens.case.name

    def fault(self, kind: str, **members: Any) -> None:
        """Program a fault of the requests for pages."""
        self.simulator.add_fault(self.name, kind, path=self.page_path, **members)

    def make(self, number: int, *, at_once: bool = False) -> list[dict[str, Any]]:
        """Serve this many events, spread over the window or all at one instant, and return them."""
        pace = timedelta(0) if at_once else (WINDOW.until - WINDOW.since) / number
        events = [self.specimens.make_event(WINDOW.since + pace * place, place) for place in range(number)]
        self.specimens.serve_events(self.simulator, events)
        return events

    @property
    def page_path(self) -> str:
        """Return the path of the pages, from the last request if there is one."""
        return urlsplit(self.session.sent[-1].url or "/").path if self.session.sent else "/"

    @property
    def events(self) -> list[Any]:
        return [json.loads(event) for event in read_all(self.folder / "extract.jsonl.zst")]


@pytest.fixture
def run(specimens: Specimens, tmp_path: Path) -> Iterator[Run]:
    """A run of a source, its vendor empty and without limits."""
    time = VirtualTime()
    with serve(Simulator(clock=time, scenario=False, limits=Limits.off())) as simulator, NotingSession() as session:
        yield Run(specimens, tmp_path, simulator, session, time)


def page_size(specimens: Specimens) -> int:
    """Return the number of events in a page, from the first page of a vendor with many events."""
    time = VirtualTime()
    with serve(Simulator(clock=time, scenario=False, limits=Limits.off())) as simulator, NotingSession() as session:
        run = Run(specimens, Path(), simulator, session, time)
        run.make(2_500)
        return len(next(run.fetch()(WINDOW, ())).events)


@everyone
def test_a_burst_beyond_the_rate_limit_is_read_to_its_end(run: Run) -> None:
    """20 requests a minute for 50 pages, or 50,000 events: each try advances, and each page is requested once."""
    events = run.make(min(BURST, 50 * page_size(run.specimens)))
    for _ in range(ENOUGH_TRIES):
        run.simulator.clear_faults()
        run.simulator.add_fault(run.name, "status", status=429, headers={"Retry-After": "61"}, skip=A_MINUTE, count=99)
        try:
            result = run.try_once()
            break
        except RateLimitedError as err:
            run.time.sleep(err.retry_after_s or 60)
    assert run.events == events
    assert run.pages == sorted(set(run.pages)), "a try that did not advance"
    assert run.pages[-1] == result.extra["pages"]
    assert len(run.pages) > result.extra["pages"] // A_MINUTE


def stop_after(run: Run, pages: int) -> None:
    """Let a try end after some pages, at a rate limit with a long wait."""
    run.fault("status", status=429, headers={"Retry-After": "90"}, skip=pages)
    with pytest.raises(RateLimitedError):
        run.try_once()
    run.simulator.clear_faults()


@everyone
def test_a_page_token_that_has_died_between_two_tries_starts_the_window_again(run: Run) -> None:
    events = run.make(3 * page_size(run.specimens))
    next(run.fetch()(WINDOW, ()))
    stop_after(run, 2)
    run.fault("status", status=400)
    run.try_once()
    assert run.events == events


@everyone
def test_a_page_token_that_dies_in_mid_paging_starts_the_window_again(run: Run) -> None:
    events = run.make(4 * page_size(run.specimens))
    next(run.fetch()(WINDOW, ()))
    run.fault("status", status=400, skip=2)
    run.try_once()
    assert run.events == events


@everyone
def test_a_bearer_token_that_dies_in_mid_paging_costs_no_page(run: Run) -> None:
    """An access token is replaced at once. A person has to replace an API token; then the next try continues."""
    events = run.make(4 * page_size(run.specimens))
    next(run.fetch()(WINDOW, ()))
    run.simulator.clear_requests()
    run.fault("status", status=401, skip=2)
    try:
        run.try_once()
    except CredentialsError:
        run.try_once()
    assert run.events == events
    assert run.pages[-1] == 4, "a page was asked for twice"


@everyone
def test_smaller_windows_pass_a_ceiling_of_pages(run: Run) -> None:
    events = run.make(4 * page_size(run.specimens))
    read = run.fetch()

    def fetch(window: Window, tokens: Sequence[str]) -> Iterator[Page]:
        for number, page in enumerate(read(window, tokens)):
            if number + len(tokens) == 2:
                raise RequestRefusedError("answered 400 (no more than two pages)", status=400)
            yield page

    run.try_once(fetch)
    assert run.events == events


@everyone
def test_an_empty_page_in_the_middle_is_not_the_end(run: Run) -> None:
    size = page_size(run.specimens)
    events = run.make(4 * size)
    next(run.fetch()(WINDOW, ()))
    run.fault("emptied_page", skip=1)
    run.try_once()
    assert run.events == events[:size] + events[2 * size :]


@everyone
def test_events_of_one_instant_cross_the_edges_of_pages(run: Run) -> None:
    events = run.make(2 * page_size(run.specimens) + 1, at_once=True)
    run.try_once()
    assert sorted(map(json.dumps, run.events)) == sorted(map(json.dumps, events))


@everyone
def test_a_malformed_id_gives_a_detection_or_a_reason(specimens: Specimens) -> None:
    """A sha1 of 27 digits, a technique "T7": sent detections are well-formed, and left out values are noted."""
    contract, changed = SourceContract(), count(1)
    contract.specimens = specimens
    for specimen in specimens.kept.values():
        for path in paths_of(specimen.event):
            text = find_member(specimen.event, path)
            if isinstance(text, str) and (HASH.fullmatch(text) or TECHNIQUE.fullmatch(text)):
                broken = text[:27] if HASH.fullmatch(text) else "T7"
                contract.check_outcome(specimen, with_member(specimen.event, path, broken))
                next(changed)


class TestLedger:
    """Whole runs of a live connector, one window after the other."""

    @pytest.fixture
    def world(self, specimens: Specimens, ledger_engine: Engine, tmp_path: Path) -> Iterator[Schedule]:
        time = VirtualTime()
        with serve(Simulator(clock=time, scenario=False, limits=Limits.off())) as simulator, NotingSession() as session:
            connector = specimens.connector({"initial_import": "1 day"})
            yield Schedule(specimens, connector, simulator, ledger_engine, tmp_path / "first", time, session)

    @everyone
    def test_an_event_whose_time_moves_is_sent_once(self, world: Schedule) -> None:
        """Only its update time changes: it is in each window again."""
        for hours in range(3):
            event = world.specimens.make_event(NOON + timedelta(hours=hours, minutes=10), 1)
            world.specimens.serve_events(world.simulator, [event])
        world.run_until(NOON + timedelta(hours=4))
        assert world.delivered == Counter({world.specimens.read_id(event): 1})

    @everyone
    def test_a_new_installation_with_the_same_ledger_sends_nothing_twice(self, world: Schedule) -> None:
        events = [world.specimens.make_event(NOON + timedelta(minutes=7 * number), number) for number in range(30)]
        world.specimens.serve_events(world.simulator, events)
        world.run_until(NOON + timedelta(hours=3))
        assert 20 < len(world.delivered) < 30
        shutil.rmtree(world.folder)
        world.last_end = None  # Airflow's database is gone too: the connector begins with its initial import
        world.run_until(NOON + timedelta(hours=5))
        assert world.delivered == Counter({world.specimens.read_id(event): 1 for event in events})
