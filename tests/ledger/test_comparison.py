"""Detections of all connectors, by their own times, streamed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ci_operators.ledger.comparison import read_detected
from ci_operators.ledger.tables import State
from tests.ledger.delivered import accept_batch, lose_batch

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_the_end_is_exclusive_and_each_has_its_state(ledger_connection: Connection) -> None:
    accept_batch(ledger_connection, *range(1, 201))
    lose_batch(ledger_connection, 1, connector="other")
    found = list(read_detected(ledger_connection, NOON, NOON + timedelta(milliseconds=1)))
    assert len(found) == 201
    assert {(each.connector, each.destination, each.state) for each in found} == {
        ("okta", "rf", State.ACCEPTED),
        ("other", "rf", State.UNKNOWN),
    }
    assert not list(read_detected(ledger_connection, NOON - timedelta(days=1), NOON))
    assert {each.event_id for each in found if each.connector == "other"} == {"event-1"}
