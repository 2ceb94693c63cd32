"""The ledger's records of one run, for use after the run's artifacts are deleted.

A record belongs to the last run that had it: if a later run drops, sends, or reads it again, it belongs to that run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
#: In the order of the index on connector, run and key: no page reads more of the run than it shows, and what is not
#: wanted on the way.
_DROPPED = text(
    """
    SELECT d.event_key, d.event_id, d.stage, d.reason, d.seen_at
    FROM connector c CROSS JOIN LATERAL (
        SELECT event_key, event_id, stage, reason, seen_at FROM dropped_event e
        WHERE e.connector_id = c.id AND e.run_id = :run AND e.event_key > :key
          AND (:stage = '' OR e.stage = :stage) AND (:code = '' OR e.reason = :code)
        ORDER BY e.event_key LIMIT :limit
    ) d
    WHERE c.name = :connector ORDER BY d.event_key
    """
)
_QUARANTINED = text(
    """
    SELECT q.id, c.name, q.run_id, q.stage, q.event_id, q.issue, q.detail, q.seen_at, q.replayed_at, q.replay_note
    FROM connector c CROSS JOIN LATERAL (
        SELECT * FROM quarantine e
        WHERE e.connector_id = c.id AND e.run_id = :run AND e.id > :id
          AND (:stage = '' OR e.stage = :stage) AND (:code = '' OR e.issue = :code)
        ORDER BY e.id LIMIT :limit
    ) q
    WHERE c.name = :connector ORDER BY q.id
    """
)
_MANIFESTS = text(
    """
    SELECT r.stage, r.manifest FROM connector c JOIN stage_run r ON r.connector_id = c.id AND r.run_id = :run
    WHERE c.name = :connector
    """
)


@dataclass(frozen=True, slots=True)
class Picked:
    """The records to select: those of a stage, those with a code. An empty member does not filter."""

    stage: str = ""
    code: str = ""


ALL = Picked()


@dataclass(frozen=True, slots=True)
class RunDropped:
    """An event that a run dropped. key: identifies the connector and the event."""

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
    connection: Connection, connector: str, run_id: str, limit: int, after_key: bytes = b"", picked: Picked = ALL
) -> list[RunDropped]:
    """Return events that a run dropped, in the order of their keys."""
    values = {**asdict(picked), "connector": connector, "run": run_id, "limit": limit, "key": after_key}
    with speak_plainly(), connection.begin():
        return [RunDropped(bytes(key), *rest) for key, *rest in connection.execute(_DROPPED, values)]


def find_run_quarantined(
    connection: Connection, connector: str, run_id: str, limit: int, after_id: int = 0, picked: Picked = ALL
) -> list[Entry]:
    """Return what a run quarantined, without the records, in the order of their ids."""
    values = {**asdict(picked), "connector": connector, "run": run_id, "limit": limit, "id": after_id}
    with speak_plainly(), connection.begin():
        return [Entry(*row) for row in connection.execute(_QUARANTINED, values)]


def find_manifests(connection: Connection, connector: str, run_id: str) -> dict[str, Any]:
    """Return the manifests of a run, by stage."""
    with speak_plainly(), connection.begin():
        rows = connection.execute(_MANIFESTS, {"connector": connector, "run": run_id})
        return {stage: manifest for stage, manifest in rows}
