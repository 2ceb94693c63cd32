"""Extract, killed before each of its steps, or abandoned by Airflow while it still runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ci_operators.core.errors import RateLimitedError, StagingError
from ci_operators.core.window import Window
from ci_operators.stages import extraction
from ci_operators.stages.extraction import PAGES_PER_PART, extract
from ci_operators.staging.artifact import write_artifact
from ci_operators.transport.paging import Page
from tests.artifacts import read_all
from tests.stages.test_extraction import EXTRACT, QUESTION, Vendor, check, run
from tests.vendor_cases import WINDOW


class KilledError(BaseException):
    """The process ends here without cleanup."""


def kill(vendor: Vendor, folder: Path, at: int) -> bool:
    """Return whether a try was killed before its nth step in the staging area. (SIGKILL: tests/faults.)"""
    steps = count(1)

    def watch(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if next(steps) >= at:  # nothing is done after a kill
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
@pytest.mark.parametrize(
    ("stop", "ceiling"),
    [(None, 9), (3, 9), (None, 3)],
    ids=["to the end", "leaving for a rate limit", "starting over in pieces"],
)
def test_killed_before_any_step_nothing_is_lost_or_doubled(
    stop: int | None, ceiling: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the draft, the rename, the note, the join and each removal, then again in the next try."""
    monkeypatch.setattr(extraction, "PAGES_PER_PART", 2)
    first = second = 1
    killed = 0
    while True:
        folder = tmp_path / f"{first}-{second}"
        if not kill(Vendor(4, {stop: RateLimitedError("429")} if stop else {}, ceiling), folder, first):
            break
        if kill(Vendor(4, ceiling=ceiling), folder, second):
            killed, second = killed + 1, second + (7 if ceiling > 4 else 19)
        else:
            first, second = first + 1, 1
        check(vendor := Vendor(4, ceiling=ceiling), run(vendor, folder), folder)
    assert killed > 30


@pytest.mark.parametrize("pages", [1, 2 * PAGES_PER_PART])
@pytest.mark.parametrize("at", [0, -1], ids=["at its first page", "at its last page"])
def test_an_abandoned_process_replaces_nothing(pages: int, at: int, tmp_path: Path) -> None:
    """Its successor starts and ends while it waits for a page."""
    successor = Vendor(pages)

    def fetch(_window: Window, _tokens: Sequence[str]) -> Iterator[Page]:
        for number in range(pages):
            if number == at % pages:
                extract(successor.fetch, WINDOW, QUESTION, tmp_path)
            yield Page([b"given up"], f"to {number + 1}" if number < pages - 1 else None)

    with pytest.raises(StagingError):
        extract(fetch, WINDOW, "another question", tmp_path)
    assert read_all(tmp_path / EXTRACT) == successor.events


def test_a_process_abandoned_while_it_joins_replaces_nothing(tmp_path: Path) -> None:
    successor, joining = Vendor(1), write_artifact(tmp_path / EXTRACT)
    joining.__enter__().write(b"given up")
    run(successor, tmp_path)
    with pytest.raises(StagingError, match="another process of this task started after this one"):
        joining.__exit__(None, None, None)
    assert read_all(tmp_path / EXTRACT) == successor.events
