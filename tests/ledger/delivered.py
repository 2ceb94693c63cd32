"""Deliveries as runs write them, with the ledger's own functions."""

from __future__ import annotations

from sqlalchemy import Connection

from ci_operators.ledger.batch import Batch
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row, read_row
from tests.ledger.samples import detection


def make_row(number: int, connector: str = "okta", at: str = "2026-03-10T12:00:00.000Z") -> Row:
    """Return a detection of the event `event-<number>`."""
    text = detection(number, value=f"198.51.100.{number}", event_id=f"event-{number}", codes=(), at=at)
    return read_row(connector, text)


def plan_batch(
    connection: Connection, *numbers: int, connector: str = "okta", run_id: str = "scheduled__1"
) -> tuple[Deliveries, Batch]:
    """Return a planned batch of detections of these numbers."""
    deliveries = Deliveries(connection, connector, run_id, "rf").lock()
    (batch,) = deliveries.plan([[make_row(number, connector) for number in numbers]], [])
    return deliveries, batch


def accept_batch(connection: Connection, *numbers: int, connector: str = "okta") -> Batch:
    """Return a batch that the API has accepted."""
    deliveries, batch = plan_batch(connection, *numbers, connector=connector)
    deliveries.reserve([batch], 1000)
    deliveries.accept([batch])
    return batch


def lose_batch(connection: Connection, *numbers: int, connector: str = "okta") -> Batch:
    """Return a batch whose outcome is unknown."""
    deliveries, batch = plan_batch(connection, *numbers, connector=connector)
    deliveries.reserve([batch], 1000)
    deliveries.mark_unknown(batch, "no answer")
    return batch
