"""Forgetting what is old: in small transactions, beside running deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly

#: Batches, or rows, of one transaction.
CHUNK = 500

_DELIVERED = text(
    """
    WITH old AS (SELECT id FROM batch WHERE state = 2 AND settled_at < :before ORDER BY settled_at LIMIT :chunk),
    gone AS (
        DELETE FROM detection d USING old WHERE d.batch_id = old.id AND coalesce(d.state, 2) IN (2, 3) RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone), (SELECT array_agg(id) FROM old)
    """
)
_EMPTY = text(
    """
    DELETE FROM batch b WHERE b.state IN (0, 2) AND b.planned_at < :before
    AND (:ids IS NULL OR b.id = ANY(:ids)) AND NOT EXISTS (SELECT 1 FROM detection d WHERE d.batch_id = b.id)
    """
)
_HISTORY = {
    "runs": text("DELETE FROM stage_run WHERE finished_at < :before"),
    "dropped": text("DELETE FROM dropped_event WHERE seen_at < :before"),
    "quarantined": text("DELETE FROM quarantine WHERE seen_at < :before"),
    "budgets": text("DELETE FROM budget WHERE day < CAST(:before AS date)"),
}


def forget_delivered(connection: Connection, before: datetime) -> int:
    """Delete what was delivered before an instant; return the number of detections.

    What is unknown, waiting or planned stays, however old.
    """
    forgotten = 0
    while True:
        with speak_plainly(), connection.begin():
            count, ids = connection.execute(_DELIVERED, {"before": before, "chunk": CHUNK}).one()
            if ids is None:
                return forgotten
            connection.execute(_EMPTY, {"before": before, "ids": ids})
        forgotten += count


def forget_history(connection: Connection, before: datetime) -> dict[str, int]:
    """Delete counts of runs, ids of dropped events and quarantined records from before an instant."""
    with speak_plainly(), connection.begin():
        return {
            name: connection.execute(statement, {"before": before}).rowcount for name, statement in _HISTORY.items()
        }
