"""The records of a run that the ledger still has, a page at a time."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection

from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.keys import event_key
from ci_operators.ledger.run_records import Picked, find_run_detections, find_run_dropped, find_run_quarantined
from tests.ledger.samples import rows


@pytest.fixture
def runs(ledger_connection: Connection) -> Connection:
    """Two runs of one connector, and a run of another connector with the same name."""
    for connector, run, first in (("acme", "run-1", 0), ("acme", "run-2", 20), ("globex", "run-1", 0)):
        deliveries = Deliveries(ledger_connection, connector, run, "rf").lock()
        batches = deliveries.plan([rows(range(first + n, first + n + 4), connector) for n in range(0, 12, 4)], [])
        deliveries.accept([batches[0]])
        lines = [json.dumps({"event_id": f"{run}-{n}", "reason": "r"}).encode() for n in range(7)]
        History(ledger_connection, connector, run, "filter").add_dropped([lines])
        lines = [
            json.dumps({"event_id": f"{run}-{n}", "issue": "i", "detail": "d", "record": {"n": f"{run}{n}"}}).encode()
            for n in range(5)
        ]
        History(ledger_connection, connector, run, "map").add_quarantined([lines])
    return ledger_connection


def test_detections_of_a_run(runs: Connection) -> None:
    whole = find_run_detections(runs, "acme", "run-1", 100)
    assert {each.key for each in whole} == {row.key for row in rows(range(12), "acme")}
    assert {each.connector for each in whole} == {"acme"}
    assert [each.state for each in whole] == ["accepted"] * 4 + ["planned"] * 8
    parts, after = [], None
    for _ in range(4):
        page = find_run_detections(runs, "acme", "run-1", 5, after)
        parts += page
        after = (page[-1].batch, page[-1].key) if page else after
    assert parts == whole


def test_a_detection_that_a_later_run_sends_belongs_to_that_run(runs: Connection) -> None:
    taken = rows(range(4, 12), "acme")
    Deliveries(runs, "acme", "run-3", "rf").lock().plan([taken], [row.key for row in taken])
    assert len(find_run_detections(runs, "acme", "run-1", 100)) == 4
    assert len(find_run_detections(runs, "acme", "run-3", 100)) == 8


def test_dropped_events_of_a_run(runs: Connection) -> None:
    whole = find_run_dropped(runs, "acme", "run-2", 100)
    assert {each.event_id for each in whole} == {f"run-2-{n}" for n in range(7)}
    assert {(each.stage, each.reason) for each in whole} == {("filter", "r")}
    assert whole[0].key == event_key("acme", whole[0].event_id)
    first = find_run_dropped(runs, "acme", "run-2", 4)
    assert first + find_run_dropped(runs, "acme", "run-2", 4, first[-1].key) == whole


def test_quarantined_records_of_a_run(runs: Connection) -> None:
    whole = find_run_quarantined(runs, "acme", "run-2", 100)
    assert [each.event_id for each in whole] == [f"run-2-{n}" for n in range(5)]
    assert {(each.connector, each.run_id, each.stage, each.issue, each.record) for each in whole} == {
        ("acme", "run-2", "map", "i", b"")
    }
    first = find_run_quarantined(runs, "acme", "run-2", 3)
    assert first + find_run_quarantined(runs, "acme", "run-2", 3, first[-1].id) == whole


def test_records_are_picked_by_stage_and_code(runs: Connection) -> None:
    lines = [json.dumps({"event_id": f"other-{n}", "reason": "rare"}).encode() for n in range(3)]
    History(runs, "acme", "run-2", "map").add_dropped([lines])
    History(runs, "acme", "run-2", "validate").add_quarantined([[b'{"event_id":"odd","issue":"rare","record":{}}']])
    dropped = (("", "", 10), ("filter", "", 7), ("map", "rare", 3), ("", "rare", 3), ("filter", "rare", 0))
    for stage, code, count in dropped:
        found = find_run_dropped(runs, "acme", "run-2", 100, picked=Picked(stage, code))
        assert len(found) == count
        assert found == [
            each
            for each in find_run_dropped(runs, "acme", "run-2", 100)
            if stage in ("", each.stage) and code in ("", each.reason)
        ]
    for stage, code, count in (("", "", 6), ("map", "", 5), ("", "rare", 1), ("map", "rare", 0)):
        assert len(find_run_quarantined(runs, "acme", "run-2", 100, picked=Picked(stage, code))) == count
    first = find_run_dropped(runs, "acme", "run-2", 2, picked=Picked(code="rare"))
    rest = find_run_dropped(runs, "acme", "run-2", 2, first[-1].key, Picked(code="rare"))
    assert len({each.event_id for each in first + rest}) == 3


@pytest.mark.parametrize(("connector", "run"), [("acme", "nothing"), ("unmet", "run-1")])
def test_an_unknown_run_has_nothing(connector: str, run: str, runs: Connection) -> None:
    for find in (find_run_detections, find_run_dropped, find_run_quarantined):
        assert find(runs, connector, run, 10) == []
