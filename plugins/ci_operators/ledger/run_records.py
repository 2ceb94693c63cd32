"""The records of one run that the ledger has: for when the run's artifacts are gone.

A record stands under the run that met it last: what a later run dropped again, sent again or read again is that one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.indicators import FoundDetection, read_found
from ci_operators.ledger.quarantined import Entry

#: Batch by batch, as they were planned: no page sorts the whole run.
_DETECTIONS = text(
    """
    SELECT c.name, d.event_id, d.indicator_type, d.indicator, d.detected_at, coalesce(d.state, b.state), b.id, d.key
    FROM connector c JOIN batch b ON b.connector_id = c.id CROSS JOIN LATERAL (
        SELECT * FROM detection
        WHERE batch_id = b.id AND (b.id > :batch OR key > :key) ORDER BY key LIMIT :limit
    ) d
    WHERE c.name = :connector AND b.run_id = :run AND b.id >= :batch ORDER BY b.id, d.key LIMIT :limit
    """
)
#: All of the run first: else the rows of all runs might be walked in the order of their keys.
_DROPPED = text(
    """
    WITH run AS MATERIALIZED (
        SELECT e.event_key, e.event_id, e.stage, e.reason, e.seen_at
        FROM dropped_event e JOIN connector c ON c.id = e.connector_id WHERE c.name = :connector AND e.run_id = :run
    )
    SELECT * FROM run WHERE event_key > :key ORDER BY event_key LIMIT :limit
    """
)
_QUARANTINED = text(
    """
    SELECT q.id, c.name, q.run_id, q.stage, q.event_id, q.issue, q.detail, q.seen_at, q.replayed_at, q.replay_note
    FROM quarantine q JOIN connector c ON c.id = q.connector_id
    WHERE c.name = :connector AND q.run_id = :run AND q.id > :id ORDER BY q.id LIMIT :limit
    """
)
_MANIFESTS = text(
    """
    SELECT r.stage, r.manifest FROM connector c JOIN stage_run r ON r.connector_id = c.id AND r.run_id = :run
    WHERE c.name = :connector
    """
)


@dataclass(frozen=True, slots=True)
class RunDropped:
    """An event that a run dropped; `key` stands for connector and event."""

    key: bytes
    event_id: str
    stage: str
    reason: str
    seen_at: datetime


def find_run_detections(
    connection: Connection, connector: str, run_id: str, limit: int, after: tuple[int, bytes] | None = None
) -> list[FoundDetection]:
    """Return detections of a run in the order of batch and key. after: both of the last one of the page before."""
    batch, key = after or (0, b"")
    values = {"connector": connector, "run": run_id, "limit": limit, "batch": batch, "key": key}
    with speak_plainly(), connection.begin():
        return [read_found(row) for row in connection.execute(_DETECTIONS, values)]


def find_run_dropped(
    connection: Connection, connector: str, run_id: str, limit: int, after_key: bytes = b""
) -> list[RunDropped]:
    """Return events that a run dropped, in the order of their keys."""
    values = {"connector": connector, "run": run_id, "limit": limit, "key": after_key}
    with speak_plainly(), connection.begin():
        return [RunDropped(bytes(key), *rest) for key, *rest in connection.execute(_DROPPED, values)]


def find_run_quarantined(
    connection: Connection, connector: str, run_id: str, limit: int, after_id: int = 0
) -> list[Entry]:
    """Return what a run quarantined, without the records, in the order of their ids."""
    values = {"connector": connector, "run": run_id, "limit": limit, "id": after_id}
    with speak_plainly(), connection.begin():
        return [Entry(*row) for row in connection.execute(_QUARANTINED, values)]


def find_manifests(connection: Connection, connector: str, run_id: str) -> dict[str, Any]:
    """Return the manifests of a run, by stage."""
    with speak_plainly(), connection.begin():
        rows = connection.execute(_MANIFESTS, {"connector": connector, "run": run_id})
        return {stage: manifest for stage, manifest in rows}
