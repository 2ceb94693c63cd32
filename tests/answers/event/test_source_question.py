"""An event unknown to the ledger, held against the criteria; SentinelOne's part (Okta's: test_explain.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.answers.event.source_question import Coverage, ask_source, foresee
from ci_operators.sources.registry import OPTIONS
from tests.commands.conftest import Desk
from tests.sources.sentinelone.specimens import SPECIMENS

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_threat_is_found_by_its_id(desk: Desk) -> None:
    threat = SPECIMENS.make_event(desk.ago(20), 1)
    desk.simulator.add_threat(threat)
    event_id = str(SPECIMENS.read_id(threat))
    coverage = Coverage(desk.ago(60), desk.ago(10))
    answer = ask_source(desk.connector("s1"), event_id, coverage, desk.now)
    assert answer.found
    assert answer.time is not None
    assert answer.sentence.startswith("s1: SentinelOne has it, of ")
    assert "lies in a window that was delivered without it" in answer.sentence
    answer = ask_source(desk.connector("s1"), "999", coverage, desk.now)
    assert (answer.found, answer.sentence) == (False, "s1: SentinelOne does not know the event.")


def test_an_event_without_a_time_cannot_be_foreseen() -> None:
    connector = OPTIONS["okta"].model_validate({"name": "a", "source": "okta", "debug": False})
    assert "names no time" in foresee(connector, None, Coverage(NOW, NOW))
    sentence = foresee(connector, NOW - timedelta(hours=5, minutes=1), Coverage(NOW - timedelta(hours=3), NOW))
    assert "run a backfill of 2026-03-10T06:00:00.000Z to 2026-03-10T07:00:00.000Z" in sentence


def test_whoever_fetches_is_told_how_long_somebody_waits() -> None:
    connector = OPTIONS["okta"].model_validate({"name": "a", "source": "okta", "debug": False})
    told = list[Deadline]()

    def fetch(*given: Any) -> None:
        told.append(given[-1])

    deadline = Deadline.after(1.0)
    ask_source(connector, "event-0001", Coverage(NOW, NOW), NOW, fetch, deadline)
    ask_source(connector, "event-0001", Coverage(NOW, NOW), NOW, fetch)
    assert told == [deadline, NEVER]
