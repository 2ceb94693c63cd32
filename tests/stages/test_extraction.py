"""Extract over its tries: read pages are kept, and no page is lost or staged twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types

from ci_operators.core.errors import RateLimitedError, RequestRefusedError, UnavailableError
from ci_operators.core.window import Window
from ci_operators.stages.extraction import PAGES_PER_PART, StaleNoteError, extract
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import write_artifact
from ci_operators.transport.paging import Page
from tests.artifacts import read_all
from tests.vendor_cases import WINDOW

QUESTION = "acme"
EXTRACT, NOTE = "extract.jsonl.zst", "extract.pages.jsonl.zst"


@dataclass
class Vendor:
    """Pages of two events each, spread over WINDOW.

    stops: page -> the error that is raised instead, once. ceiling: the maximum number of pages of one window.
    """

    pages: int
    stops: dict[int, BaseException] = field(default_factory=dict)
    ceiling: int = 1_000_000
    asked: list[int] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    def fetch(self, window: Window, tokens: Sequence[str]) -> Iterator[Page]:
        self.windows.append(window)
        numbers = [number for number in range(self.pages) if window.since <= self.instant(number) < window.until]
        assert list(tokens) == [f"to {number}" for number in numbers[1 : len(tokens) + 1]]
        for place, number in list(enumerate(numbers))[len(tokens) :]:
            if number in self.stops:
                raise self.stops.pop(number)
            if place >= self.ceiling:
                raise RequestRefusedError("Acme answered 400 (too many pages).", status=400)
            self.asked.append(number)
            yield Page([b"%d a" % number, b"%d b" % number], f"to {number + 1}" if number != numbers[-1] else None)

    def instant(self, number: int) -> datetime:
        return WINDOW.since + (WINDOW.until - WINDOW.since) * number / self.pages

    @property
    def events(self) -> list[bytes]:
        return [b"%d %b" % (number, which) for number in range(self.pages) for which in (b"a", b"b")]


def run(vendor: Vendor, folder: Any, question: str = QUESTION) -> StageResult:
    return extract(vendor.fetch, WINDOW, question, folder)


def extract_in_tries(vendor: Vendor, a_try: int, folder: Path, *, are_tokens_dead: bool = False) -> StageResult:
    """Return the result of as many tries as it takes, if a rate limit ends each try after `a_try` pages."""

    def fetch(window: Window, tokens: Sequence[str]) -> Iterator[Page]:
        if tokens and are_tokens_dead:
            raise RequestRefusedError("Acme answered 400 (the token has expired).", status=400)
        for page in vendor.fetch(window, tokens):
            if len(vendor.asked) - before > a_try:
                raise RateLimitedError("429", retry_after_s=61)
            yield page

    for _ in range(100):
        before = len(vendor.asked)
        with suppress(RateLimitedError):
            return extract(fetch, WINDOW, QUESTION, folder)
    raise AssertionError("100 tries without an end")


def check(vendor: Vendor, result: StageResult, folder: Any) -> None:
    """Compare the result with all events of the vendor, each once."""
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


def test_every_one_of_many_tries_advances(tmp_path: Path) -> None:
    vendor = Vendor(50, {number: RateLimitedError("429", retry_after_s=60) for number in range(1, 50)})
    for _ in range(49):
        with pytest.raises(RateLimitedError):
            run(vendor, tmp_path)
    check(vendor, run(vendor, tmp_path), tmp_path)
    assert vendor.asked == list(range(50))


def test_a_try_that_reads_nothing_keeps_the_staged_pages(tmp_path: Path) -> None:
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


def test_bounds_are_those_of_the_first_try(tmp_path: Path) -> None:
    vendor = Vendor(3, {1: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, tmp_path)
    later = Window(WINDOW.since.replace(minute=5), WINDOW.until)  # the source has fewer events now
    extract(vendor.fetch, later, QUESTION, tmp_path)
    assert vendor.windows == [WINDOW, WINDOW]


def test_another_request_starts_over(tmp_path: Path) -> None:
    vendor = Vendor(3, {2: UnavailableError("503")})
    with pytest.raises(UnavailableError):
        run(vendor, tmp_path)
    check(vendor, run(vendor, tmp_path, "acme, verified events alone"), tmp_path)
    assert vendor.asked == [0, 1, 0, 1, 2]


def test_a_cleared_run_reads_its_window_again(tmp_path: Path) -> None:
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
        """A vendor with 25 pages, of which twelve are staged in two parts."""
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

    def test_a_page_that_is_refused_later_starts_over_too(self, vendor: Vendor, tmp_path: Path) -> None:
        vendor.stops = {14: RequestRefusedError("Okta answered 400 (E0000001).", status=400)}
        check(vendor, run(vendor, tmp_path), tmp_path)
        assert vendor.asked == [12, 13, *range(25)]

    def test_a_link_that_leads_elsewhere_fails(self, vendor: Vendor, tmp_path: Path) -> None:
        vendor.stops = {12: RequestRefusedError("Okta's next link points to example.net.")}
        with pytest.raises(RequestRefusedError, match="points to"):
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


class TestCeiling:
    """A vendor with an undocumented maximum number of pages. Smaller windows have fewer pages."""

    @pytest.mark.parametrize("pages", [3, 25, 64])
    @pytest.mark.parametrize("ceiling", [1, 2, 7, PAGES_PER_PART, 24])
    def test_the_window_is_read_in_pieces(self, pages: int, ceiling: int, tmp_path: Path) -> None:
        vendor = Vendor(pages, ceiling=ceiling)
        check(vendor, run(vendor, tmp_path), tmp_path)

    def test_pieces_are_parts_of_the_window_that_follow_each_other(self, tmp_path: Path) -> None:
        vendor = Vendor(25, ceiling=10)
        run(vendor, tmp_path)
        whole, _, *pieces = vendor.windows
        assert (whole, len(pieces)) == (WINDOW, 4)
        assert (pieces[0].since, pieces[-1].until) == (WINDOW.since, WINDOW.until)
        assert all(first.until == second.since for first, second in pairwise(pieces))

    @pytest.mark.parametrize("a_try", [1, 2, 3, 10, 11])
    def test_tries_that_are_cut_short_come_to_the_end(self, a_try: int, tmp_path: Path) -> None:
        """Besides the ceiling, a rate limit allows a number of pages per try. The learned ceiling is kept."""
        vendor = Vendor(40, ceiling=10)
        check(vendor, extract_in_tries(vendor, a_try, tmp_path), tmp_path)

    def test_a_page_token_that_lives_shorter_than_the_wait_does_not_stop_it(self, tmp_path: Path) -> None:
        """Each try reads three pages, and the next page token is refused. Pieces of one page need no token."""
        vendor = Vendor(20)
        check(vendor, extract_in_tries(vendor, 3, tmp_path, are_tokens_dead=True), tmp_path)

    def test_a_vendor_that_refuses_every_second_page_is_not_asked_forever(self, tmp_path: Path) -> None:
        class Hopeless(Vendor):
            def instant(self, number: int) -> datetime:
                return WINDOW.since

        vendor = Hopeless(2, ceiling=1)
        with pytest.raises(RequestRefusedError, match=r"too many pages.*Smaller pieces of the window did not help"):
            run(vendor, tmp_path)
        assert vendor.asked == [0] * 11
        assert not (tmp_path / EXTRACT).exists()

    def test_the_next_try_knows_the_pieces(self, tmp_path: Path) -> None:
        vendor = Vendor(25, ceiling=10)
        starts = count()

        def fetch(window: Window, tokens: Sequence[str]) -> Iterator[Page]:
            if next(starts) == 2:
                raise UnavailableError("503")
            yield from vendor.fetch(window, tokens)

        with pytest.raises(UnavailableError):
            extract(fetch, WINDOW, QUESTION, tmp_path)
        vendor.windows.clear()
        check(vendor, extract(fetch, WINDOW, QUESTION, tmp_path), tmp_path)
        assert WINDOW not in vendor.windows

    def test_the_next_try_reads_what_the_source_still_keeps(self, tmp_path: Path) -> None:
        """No page was read, and the window's start is no longer available: the pieces are kept, the bounds move."""
        vendor = Vendor(25, ceiling=10)
        later = Window(WINDOW.since + (WINDOW.until - WINDOW.since) / 5, WINDOW.until)

        def fail(window: Window, tokens: Sequence[str]) -> Iterator[Page]:
            if window != WINDOW:
                raise UnavailableError("503")
            yield from vendor.fetch(window, tokens)

        with pytest.raises(UnavailableError):
            extract(fail, WINDOW, QUESTION, tmp_path)
        vendor.windows.clear()
        extract(vendor.fetch, later, QUESTION, tmp_path)
        assert vendor.windows[0].since == later.since
        assert len(vendor.windows) > 1
        assert read_all(tmp_path / EXTRACT) == vendor.events[10:]

    def test_a_note_of_an_older_version_is_not_continued(self, tmp_path: Path) -> None:
        """It has only the tokens."""
        vendor = Vendor(25, {12: UnavailableError("503")})
        with pytest.raises(UnavailableError):
            run(vendor, tmp_path)
        note = json.loads(read_all(tmp_path / NOTE)[0])
        del note["pieces"]
        with write_artifact(tmp_path / NOTE) as out:
            out.write(json.dumps(note).encode())
        check(vendor, run(vendor, tmp_path), tmp_path)


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
