"""Extract over its tries: what was read stays, and no page is lost or staged twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types

from ci_operators.core.errors import RateLimitedError, RequestRefusedError, StagingError, UnavailableError
from ci_operators.core.window import Window
from ci_operators.stages import extraction
from ci_operators.stages.extraction import PAGES_PER_PART, StaleNoteError, extract
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import write_artifact
from ci_operators.transport.paging import Page
from simulator import Limits, Simulator, serve
from tests.artifacts import read_all
from tests.noting_session import NotingSession
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens
from tests.vendor_cases import WINDOW
from tests.virtual_time import VirtualTime

QUESTION = "acme"
EXTRACT = "extract.jsonl.zst"


@dataclass
class Vendor:
    """Pages of two events, a try after the other. stops: page -> the error that is raised instead, once."""

    pages: int
    stops: dict[int, BaseException] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    def fetch(self, window: Window, tokens: Sequence[str]) -> Iterator[Page]:
        self.windows.append(window)
        assert list(tokens) == [f"to {number}" for number in range(1, len(tokens) + 1)]
        for number in range(len(tokens), self.pages):
            if number in self.stops:
                raise self.stops.pop(number)
            self.asked.append(number)
            is_last = number == self.pages - 1
            yield Page([b"%d a" % number, b"%d b" % number], None if is_last else f"to {number + 1}")

    @property
    def events(self) -> list[bytes]:
        return [b"%d %b" % (number, which) for number in range(self.pages) for which in (b"a", b"b")]


def run(vendor: Vendor, folder: Any, question: str = QUESTION) -> StageResult:
    return extract(vendor.fetch, WINDOW, question, folder)


def check(vendor: Vendor, result: StageResult, folder: Any) -> None:
    """Hold the result against all that the vendor has, each once."""
    assert read_all(folder / EXTRACT) == vendor.events
    assert result.artifact is not None
    assert result.artifact.path == folder / EXTRACT
    assert result.tally.records_in == result.tally.records_out == result.artifact.records == 2 * vendor.pages
    assert result.extra == {"pages": vendor.pages}
    assert [path.name for path in folder.iterdir()] == [EXTRACT]


@pytest.mark.parametrize("pages", [1, 2, PAGES_PER_PART, PAGES_PER_PART + 1, 3 * PAGES_PER_PART])
def test_one_try_reads_all(pages: int, tmp_path: Path) -> None:
    vendor = Vendor(pages)
    check(vendor, run(vendor, tmp_path), tmp_path)


def test_a_window_without_pages_is_an_empty_artifact(tmp_path: Path) -> None:
    check(Vendor(0), run(Vendor(0), tmp_path), tmp_path)


@pytest.mark.parametrize("stop", [1, 2, PAGES_PER_PART - 1, PAGES_PER_PART, PAGES_PER_PART + 1, 24])
@pytest.mark.parametrize(
    "error", [RateLimitedError("429", retry_after_s=300), UnavailableError("503"), KeyError("a defect")]
)
def test_the_next_try_continues_at_the_page_that_failed(stop: int, error: Exception, tmp_path: Path) -> None:
    vendor = Vendor(25, {stop: error})
    with pytest.raises(type(error)) as caught:
        run(vendor, tmp_path)
    assert caught.value is error
    assert not (tmp_path / EXTRACT).exists()
    check(vendor, run(vendor, tmp_path), tmp_path)
    assert vendor.asked == list(range(25)), "a page was asked for twice"


def test_every_try_advances_however_many_there_are(tmp_path: Path) -> None:
    vendor = Vendor(50, {number: RateLimitedError("429", retry_after_s=60) for number in range(1, 50)})
    for _ in range(49):
        with pytest.raises(RateLimitedError):
            run(vendor, tmp_path)
    check(vendor, run(vendor, tmp_path), tmp_path)
    assert vendor.asked == list(range(50))


def test_a_try_that_reads_nothing_leaves_what_was_there(tmp_path: Path) -> None:
    vendor = Vendor(5, {2: UnavailableError("503")})
    for page in (2, 2, 3):
        with pytest.raises(UnavailableError):
            run(vendor, tmp_path)
        vendor.stops[page] = UnavailableError("503")
    vendor.stops.clear()
    check(vendor, run(vendor, tmp_path), tmp_path)
    assert vendor.asked == list(range(5))


def test_the_first_page_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        run(Vendor(2, {0: UnavailableError("503")}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_bounds_are_those_that_were_first_asked_for(tmp_path: Path) -> None:
    vendor = Vendor(3, {1: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, tmp_path)
    later = Window(WINDOW.since.replace(minute=5), WINDOW.until)  # what the source keeps has become less
    extract(vendor.fetch, later, QUESTION, tmp_path)
    assert vendor.windows == [WINDOW, WINDOW]


def test_another_question_starts_over(tmp_path: Path) -> None:
    vendor = Vendor(3, {2: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, tmp_path)
    check(vendor, run(vendor, tmp_path, "acme, verified events alone"), tmp_path)
    assert vendor.asked == [0, 1, 0, 1, 2]


def test_a_cleared_run_reads_its_window_anew(tmp_path: Path) -> None:
    vendor = Vendor(25, {15: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, tmp_path)
    run(vendor, tmp_path)
    vendor.asked.clear()
    check(vendor, run(vendor, tmp_path), tmp_path)
    assert vendor.asked == list(range(25))


class TestStale:
    @pytest.fixture
    def vendor(self, tmp_path: Path) -> Vendor:
        """A vendor of whose 25 pages twelve are staged, in two parts."""
        vendor = Vendor(25, {12: UnavailableError("503")})
        with pytest.raises(UnavailableError):
            run(vendor, tmp_path)
        vendor.asked.clear()
        return vendor

    def test_a_page_token_that_the_vendor_refuses_starts_over(self, vendor: Vendor, tmp_path: Path) -> None:
        vendor.stops = {12: RequestRefusedError("Okta answered 400 (E0000001: after).", status=400)}
        check(vendor, run(vendor, tmp_path), tmp_path)
        assert vendor.asked == list(range(25))

    def test_a_request_that_is_refused_from_page_1_on_too_fails(self, vendor: Vendor, tmp_path: Path) -> None:
        refusal = RequestRefusedError("Okta answered 400 (E0000053).", status=400)
        vendor.stops = {12: refusal, 0: refusal}
        with pytest.raises(RequestRefusedError, match="E0000053"):
            run(vendor, tmp_path)
        assert vendor.asked == []

    def test_a_page_that_is_refused_later_fails(self, vendor: Vendor, tmp_path: Path) -> None:
        vendor.stops = {14: RequestRefusedError("Okta answered 400 (E0000001).", status=400)}
        with pytest.raises(RequestRefusedError):
            run(vendor, tmp_path)
        assert vendor.asked == [12, 13]

    def test_a_link_that_leads_elsewhere_fails(self, vendor: Vendor, tmp_path: Path) -> None:
        vendor.stops = {12: RequestRefusedError("Okta's next link leads to example.net.")}
        with pytest.raises(RequestRefusedError, match="leads to"):
            run(vendor, tmp_path)

    @pytest.mark.parametrize("damage", ["emptied", "cut", "gone"])
    @pytest.mark.parametrize("pattern", ["extract.part1*", "extract.part2*", "extract.pages*"])
    def test_a_damaged_part_or_note_starts_over(
        self, pattern: str, damage: str, vendor: Vendor, tmp_path: Path
    ) -> None:
        (path,) = tmp_path.glob(pattern)
        whole = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
        check(vendor, run(vendor, tmp_path), tmp_path)

    def test_a_part_that_is_damaged_in_the_same_try_is_read_again_by_the_next(self, tmp_path: Path) -> None:
        vendor = Vendor(25)

        def fetch(window: Window, tokens: Sequence[str]) -> Iterator[Page]:
            for page in vendor.fetch(window, tokens):
                for path in tmp_path.glob("extract.part1*") if page.token == "to 22" else ():
                    path.unlink()
                yield page

        with pytest.raises(StaleNoteError, match="A part of the extract is damaged or gone"):
            extract(fetch, WINDOW, QUESTION, tmp_path)
        check(vendor, run(vendor, tmp_path), tmp_path)


class KilledError(BaseException):
    """The process ends here: what it would have cleaned up stays."""


def kill(vendor: Vendor, folder: Path, at: int) -> bool:
    """Return whether a try was killed before its nth step in the staging area. (SIGKILL: tests/faults.)"""
    steps = count(1)

    def watch(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if next(steps) >= at:  # once killed, nothing more is done
                raise KilledError
            return call(*arguments, **named)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "replace", "unlink"):
            patch.setattr(Path, name, watch(getattr(Path, name)))
        try:
            run(vendor, folder)
        except KilledError:
            return True
        except RateLimitedError:
            return False
    return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a killed process closes no file
@pytest.mark.parametrize("stop", [None, 3], ids=["to the end", "leaving for a rate limit"])
def test_killed_before_any_step_nothing_is_lost_or_doubled(
    stop: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the draft, the rename, the note, the join, each removal; then once more in the try after it."""
    monkeypatch.setattr(extraction, "PAGES_PER_PART", 2)
    first = second = 1
    killed = 0
    while True:
        folder = tmp_path / f"{first}-{second}"
        if not kill(Vendor(4, {stop: RateLimitedError("429")} if stop else {}), folder, first):
            break
        if kill(Vendor(4), folder, second):
            killed, second = killed + 1, second + 7
        else:
            first, second = first + 1, 1
        check(vendor := Vendor(4), run(vendor, folder), folder)
    assert killed > 30


@pytest.mark.parametrize("pages", [1, 2 * PAGES_PER_PART])
@pytest.mark.parametrize("at", [0, -1], ids=["at its first page", "at its last page"])
def test_a_process_that_was_given_up_replaces_nothing(pages: int, at: int, tmp_path: Path) -> None:
    """Its successor begins and ends while it waits for a page."""
    successor = Vendor(pages)

    def fetch(_window: Window, _tokens: Sequence[str]) -> Iterator[Page]:
        for number in range(pages):
            if number == at % pages:
                extract(successor.fetch, WINDOW, QUESTION, tmp_path)
            yield Page([b"given up"], f"to {number + 1}" if number < pages - 1 else None)

    with pytest.raises(StagingError):
        extract(fetch, WINDOW, "another question", tmp_path)
    assert read_all(tmp_path / EXTRACT) == successor.events


def test_a_process_that_was_given_up_while_it_joins_replaces_nothing(tmp_path: Path) -> None:
    successor, joining = Vendor(1), write_artifact(tmp_path / EXTRACT)
    joining.__enter__().write(b"given up")
    run(successor, tmp_path)
    with pytest.raises(StagingError, match="another process of this task has begun after this one"):
        joining.__exit__(None, None, None)
    assert read_all(tmp_path / EXTRACT) == successor.events


def test_object_storage_continues_too() -> None:
    attach("memory", fs=MemoryFileSystem())
    folder = ObjectStoragePath("memory://continued") / "dag" / "run"
    vendor = Vendor(25, {12: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, folder)
    result = run(vendor, folder)
    assert [each.name for each in folder.iterdir()] == [EXTRACT]
    assert read_all(folder / EXTRACT) == vendor.events
    assert result.tally.records_out == 50
    assert vendor.asked == list(range(25))


A_MINUTE = 20


@pytest.mark.parametrize(("specimens", "size"), [(OKTA, 50_000), (SENTINELONE, 30_000)], ids=["okta", "sentinelone"])
def test_a_window_larger_than_the_rate_limit_is_read_to_its_end(
    specimens: Specimens, size: int, tmp_path: Path
) -> None:
    """20 requests a minute, and the slot given back each minute: each page is asked for once."""
    time, tries, pages = VirtualTime(), 0, list[int]()
    limits = Limits(okta_per_minute=A_MINUTE, sentinelone_per_second=A_MINUTE / 60, sentinelone_burst=5)
    limits = replace(limits, sentinelone_retry_after_s=61)
    pace = (WINDOW.until - WINDOW.since) / size
    events = [specimens.make_event(WINDOW.since + pace * number, number) for number in range(size)]
    with serve(Simulator(clock=time, scenario=False, limits=limits)) as simulator, NotingSession() as session:
        specimens.serve_events(simulator, events)
        while True:
            client = specimens.case.connect(simulator.url, session, time)
            fetch = partial(specimens.source.fetch, client, specimens.connector())
            tries += 1
            try:
                result = extract(fetch, WINDOW, QUESTION, tmp_path)
            except RateLimitedError as err:
                pages.append(sum(entry.status == 200 for entry in simulator.requests))
                time.sleep(err.retry_after_s or 60)
                continue
            break
        answered = [entry for entry in simulator.requests if entry.status == 200]
    assert [json.loads(event) for event in read_all(tmp_path / EXTRACT)] == events
    assert result.extra == {"pages": size // 1000}
    assert len(answered) == size // 1000
    assert pages == sorted(set(pages)), "a try that did not advance"
    assert tries == len(pages) + 1 >= 3
