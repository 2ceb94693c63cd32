"""One event among those that extract staged."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ci_operators.answers.event.finder import EventFinder, NoTimeError, find_event
from ci_operators.answers.question import Deadline, Limits
from ci_operators.core.connector import Connector
from ci_operators.core.detection import shorten_id
from ci_operators.staging.artifact import write_artifact
from tests.answers.staged_run import AT, OKTA, S1, StagedRun, event


def test_an_event_is_found_by_its_whole_id(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(number) for number in range(3000)], until="extract")
    found = find_event(run.files, OKTA, "event-02999").event
    assert found is not None
    assert json.loads(found)["uuid"] == "event-02999"
    for wrong in ("event-0299", "EVENT-02999", "198.51.100.2", "", "*"):
        missing = find_event(run.files, OKTA, wrong)
        assert (missing.event, missing.note) == (None, "None of the 3000 events that extract staged has this id.")


@pytest.mark.parametrize("event_id", ["ÄÖ", 'a"b\\c', "line\nbreak", "<b>", "\U0001f600", " padded ", "x" * 10_000])
def test_ids_of_any_letters_are_found(tmp_path: Path, event_id: str) -> None:
    for text in (json.dumps(event(1, uuid=event_id)), json.dumps(event(1, uuid=event_id), ensure_ascii=False)):
        run = StagedRun(tmp_path).run([event(2), text.encode()], until="extract")
        assert find_event(run.files, OKTA, event_id).event == text.encode()
        assert find_event(run.files, OKTA, shorten_id(event_id)).event == text.encode()


def test_a_threats_number_is_its_id(tmp_path: Path) -> None:
    run = StagedRun(tmp_path, S1).run([{"threatInfo": {"threatId": 1234}}], until="extract")
    assert find_event(run.files, S1, "1234").event is not None
    assert find_event(run.files, S1, "123").event is None


def test_a_line_that_is_not_an_event_is_skipped(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([b"event-1", b'["event-1"]', b'{"uuid":["event-1"]}', b"[" * 9999], until="extract")
    assert find_event(run.files, OKTA, "event-1").event is None


def test_the_search_is_bounded(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(number) for number in range(3000)], until="extract")
    ticks = count()
    found = find_event(run.files, OKTA, "event-02999", Limits(seconds=1.0, clock=lambda: float(next(ticks))))
    assert found.event is None
    assert found.note.startswith("Not found among the first ")
    assert found.note.endswith(" of 3000 events.")
    assert find_event(run.files, OKTA, "event-02999", Limits(text_bytes=1)).is_late
    assert not find_event(run.files, OKTA, "nobody").is_late


def test_missing_artifacts_are_reported(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1)], until="extract")
    (tmp_path / "extract.jsonl.zst").unlink()
    assert find_event(run.files, OKTA, "event-00001").note.startswith("The artifact extract.jsonl.zst was deleted")
    with write_artifact(tmp_path / "extract.jsonl.zst") as out:
        out.write(b"x" * 100_000)
    whole = (tmp_path / "extract.jsonl.zst").read_bytes()
    (tmp_path / "extract.jsonl.zst").write_bytes(whole[:8] + b"\xff\xff" + whole[10:])
    assert find_event(run.files, OKTA, "event-00001").note != ""
    assert "has not finished" in find_event(StagedRun(tmp_path).files, OKTA, "event-00001").note


def test_artifacts_are_searched_before_the_source() -> None:
    now = 100.0
    deadline = Deadline.after(8.0, lambda: now)
    asked = list[Any]()

    def find_staged(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes | None:
        asked.append((connector.name, run_id, event_id, limits.seconds))
        return b"staged" if event_id == "e1" else None

    def fetch(connector: Connector, event_id: str, at: datetime, until: Deadline) -> bytes:
        asked.append((connector.name, event_id, at, until))
        return b"fetched"

    finder = EventFinder(AT, fetch, find_staged, deadline)
    assert (finder.find(OKTA, "run", "e1"), finder.find(OKTA, "run", "e2")) == (b"staged", b"fetched")
    assert asked == [
        ("okta-acme", "run", "e1", 4.0),
        ("okta-acme", "run", "e2", 4.0),
        ("okta-acme", "e2", AT, deadline),
    ]
    assert EventFinder(AT, fetch, find_staged).find(OKTA, "run", "e1") == b"staged"
    assert asked[-1][-1] == 10.0


def test_nothing_is_searched_after_the_deadline() -> None:
    asked = list[str]()
    now = 100.0

    def find_staged(*_: Any) -> bytes | None:
        nonlocal now
        asked.append("artifacts")
        now = 108.0
        return None

    def fetch(*_: Any) -> bytes | None:
        raise AssertionError("the source is asked too late")

    finder = EventFinder(AT, fetch, find_staged, Deadline.after(8.0, lambda: now))
    for _ in range(2):
        with pytest.raises(
            NoTimeError, match=r"the answer took too long\. `python -m ci_operators explain ID` waits longer"
        ):
            finder.find(OKTA, "run", "e")
    assert asked == ["artifacts"]
