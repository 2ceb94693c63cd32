"""The trail of an event is found by ranges of keys, whatever bytes they hold."""

from __future__ import annotations

from sqlalchemy import Connection, text

from ci_operators.ledger.history import History
from ci_operators.ledger.keys import event_key
from ci_operators.ledger.trail import find_connectors, find_trail, last_key
from tests.ledger.delivered import accept_batch, doubt_batch


def test_the_last_key_has_no_overflow() -> None:
    assert last_key(b"\xff" * 8) == b"\xff" * 16
    assert last_key(event_key("okta", "x")) > event_key("okta", "x")


def test_only_the_events_own_detections_are_found(ledger_connection: Connection) -> None:
    accept_batch(ledger_connection, *range(1, 30))
    doubt_batch(ledger_connection, 5, connector="other")
    assert find_connectors(ledger_connection) == ["okta", "other"]
    trail = find_trail(ledger_connection, ["okta", "other", "third"], "event-5")
    assert [(found.connector, found.state, found.message) for found in trail.detections] == [
        ("okta", "accepted", None),
        ("other", "unknown", "no answer"),
    ]
    assert not find_trail(ledger_connection, ["third"], "event-5")
    assert not find_trail(ledger_connection, ["okta"], "event-\x00")


def test_drops_and_quarantine_of_named_connectors(ledger_connection: Connection) -> None:
    History(ledger_connection, "okta", "run", "filter").add_dropped([[b'{"event_id": "e", "reason": "r"}']])
    line = b'{"event_id": "e", "issue": "i", "detail": "d", "record": {"a": 1}}'
    History(ledger_connection, "other", "run", "map").add_quarantined([[line]])
    trail = find_trail(ledger_connection, ["okta", "other"], "e")
    assert [(drop.stage, drop.reason) for drop in trail.dropped] == [("filter", "r")]
    assert [(entry.connector, entry.issue) for entry in trail.quarantined] == [("other", "i")]
    assert not find_trail(ledger_connection, ["okta"], "e").quarantined


def test_a_look_up_is_an_index_scan(ledger_connection: Connection) -> None:
    with ledger_connection.begin():
        ledger_connection.execute(text("SET LOCAL enable_seqscan = off"))
        query = "EXPLAIN SELECT 1 FROM detection WHERE key BETWEEN :first AND :last"
        key = event_key("okta", "x")
        plan = str(ledger_connection.execute(text(query), {"first": key, "last": last_key(key)}).all())
    assert "detection_pkey" in plan
