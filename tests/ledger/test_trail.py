"""The trail of an event is found by ranges of keys with any bytes."""

from __future__ import annotations

from sqlalchemy import Connection

from ci_operators.ledger.history import History
from ci_operators.ledger.keys import event_key
from ci_operators.ledger.trail import find_connectors, find_states, find_trail, last_key
from tests.ledger.delivered import accept_batch, lose_batch, make_row, plan_batch
from tests.ledger.samples import refuse


def test_the_last_key_has_no_overflow() -> None:
    assert last_key(b"\xff" * 8) == b"\xff" * 16
    assert last_key(event_key("okta", "x")) > event_key("okta", "x")


def test_only_the_events_own_detections_are_found(ledger_connection: Connection) -> None:
    accept_batch(ledger_connection, *range(1, 30))
    lose_batch(ledger_connection, 5, connector="other")
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


def test_states_of_a_page(ledger_connection: Connection) -> None:
    accepted = accept_batch(ledger_connection, 1, 2)
    doubted = lose_batch(ledger_connection, 3)
    deliveries, _ = plan_batch(ledger_connection, 4, run_id="another")
    refuse(deliveries, [make_row(2)], "no address")
    found = find_states(ledger_connection, [make_row(number).key for number in (4, 3, 2, 1, 99)])
    assert set(found) == {make_row(number).key for number in (1, 2, 3, 4)}
    told = {
        number: (each.state, each.message, each.run_id, each.attempts)
        for number in (1, 2, 3, 4)
        for each in [found[make_row(number).key]]
    }
    assert told == {
        1: ("accepted", None, "scheduled__1", 1),
        2: ("rejected", "no address", "scheduled__1", 1),
        3: ("unknown", "no answer", "scheduled__1", 1),
        4: ("planned", None, "another", 0),
    }
    assert (found[make_row(1).key].batch, found[make_row(3).key].batch) == (accepted.number, doubted.number)
    assert found[make_row(1).key].settled_at is not None
    assert find_states(ledger_connection, []) == {}
