"""The detections of an indicator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from ci_operators.core.text import storable
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.tables import State

#: The newest detections of each connector by the index, which has only the hash of an indicator. The indicator is
#: compared afterwards: in the condition, the database would expect few rows, and read and sort all of them.
_OF_INDICATOR = """
    SELECT c.name, d.event_id, d.indicator_type, d.indicator, d.detected_at, coalesce(d.state, b.state), b.id, d.key
    FROM connector c CROSS JOIN LATERAL (
        SELECT * FROM detection
        WHERE hashtextextended(indicator, 0) = hashtextextended(:indicator, 0) AND connector_id = c.id {before}
        ORDER BY detected_at DESC, key DESC LIMIT :limit
    ) d JOIN batch b ON b.id = d.batch_id
    WHERE c.name = ANY(:connectors) AND d.indicator = :indicator
    ORDER BY d.detected_at DESC, d.key DESC LIMIT :limit
"""
_NEWEST = text(_OF_INDICATOR.format(before=""))
_OLDER = text(_OF_INDICATOR.format(before="AND (detected_at, key) < (:at, :key)"))


@dataclass(frozen=True, slots=True)
class FoundDetection:
    """A detection of the ledger. state: the state's name in lower case; batch: the batch that it is in."""

    connector: str
    event_id: str
    indicator_type: str
    indicator: str
    detected_at: datetime
    state: str
    batch: int
    key: bytes


def find_by_indicator(
    connection: Connection,
    connectors: Iterable[str],
    indicator: str,
    limit: int,
    before: tuple[datetime, bytes] | None = None,
) -> list[FoundDetection]:
    """Return the detections of an indicator in the ledger's spelling, newest first.

    before: the time and key of the previous page's last detection.
    """
    values: dict[str, Any] = {"connectors": list(connectors), "indicator": storable(indicator), "limit": limit}
    if before is not None:
        values |= {"at": before[0], "key": before[1]}
    with speak_plainly(), connection.begin():
        return [read_found(row) for row in connection.execute(_NEWEST if before is None else _OLDER, values)]


def read_found(row: Sequence[Any]) -> FoundDetection:
    """Return the detection of a row with these columns."""
    name, event_id, kind, value, at, state, batch, key = row
    return FoundDetection(name, event_id, kind, value, at, State(state).name.lower(), batch, bytes(key))
