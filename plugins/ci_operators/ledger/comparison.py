"""Read the ledger's detections of a period, to compare them with those that the API has stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.tables import State

#: Rows fetched from the database at once.
FETCH = 5000

_ROWS = text(
    """
    SELECT c.name, b.destination, d.key, d.event_id, d.indicator_type, d.indicator, coalesce(d.state, b.state)
    FROM detection d JOIN batch b ON b.id = d.batch_id JOIN connector c ON c.id = d.connector_id
    WHERE d.detected_at >= :since AND d.detected_at < :until
    """
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A detection of the ledger, of any connector."""

    connector: str
    destination: str
    key: bytes
    event_id: str
    indicator_type: str
    indicator: str
    state: State


def read_detected(connection: Connection, since: datetime, until: datetime) -> Iterator[Kept]:
    """Yield the detections of [since, until) of all connectors. Only a part is in memory at a time."""
    with speak_plainly(), connection.begin():
        values = {"since": since, "until": until}
        rows = connection.execute(_ROWS, values, execution_options={"yield_per": FETCH})
        for name, destination, key, event_id, kind, value, state in rows:
            yield Kept(name, destination, bytes(key), event_id, kind, value, State(state))
