"""Delete old rows in small transactions, while deliveries run."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.tables import make_statement

#: Batches, or rows, of one transaction.
CHUNK = 500

#: Runs before any deletion, in its own transaction: a run locks its connector first, then rows.
_KNOWN = make_statement(
    """
    UPDATE connector c SET known_since = :before
    WHERE (known_since IS NULL OR known_since < :before) AND EXISTS (
        SELECT FROM batch b WHERE b.connector_id = c.id AND b.settled_at < :before AND (
            b.state = ACCEPTED
            OR b.state NOT IN (RESERVED, ACCEPTED) AND EXISTS (
                SELECT FROM detection d WHERE d.batch_id = b.id AND d.state IN (ACCEPTED, REJECTED)
            )
        )
    )
    """
)
#: The next batches after the one at (`at`, `id`), so that a batch which keeps a detection is not read again.
_DELIVERED = make_statement(
    """
    WITH old AS (
        SELECT id, state, settled_at FROM batch
        WHERE state <> RESERVED AND settled_at < :before AND (settled_at, id) > (CAST(:at AS timestamptz), :id)
        ORDER BY settled_at, id LIMIT :chunk
    ),
    gone AS (
        DELETE FROM detection d USING old
        WHERE d.batch_id = old.id AND coalesce(d.state, old.state) IN (ACCEPTED, REJECTED)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone), array_agg(id), max(settled_at),
           (array_agg(id ORDER BY settled_at DESC, id DESC))[1]
    FROM old
    """
)
_EMPTY = text(
    """
    DELETE FROM batch b WHERE b.id = ANY(:ids) AND NOT EXISTS (SELECT 1 FROM detection d WHERE d.batch_id = b.id)
    """
)
#: Batches whose detections moved to others, because they were halved, deferred, or sent again.
_LEFT = make_statement(
    """
    DELETE FROM batch b WHERE b.state NOT IN (RESERVED, ACCEPTED) AND b.planned_at < :before
    AND NOT EXISTS (SELECT 1 FROM detection d WHERE d.batch_id = b.id)
    """
)
_HISTORY = {
    # The row with the time from which a run counts its deliveries stays as long as they do.
    "runs": text(
        """
        DELETE FROM stage_run r WHERE finished_at < :before AND NOT (stage = 'submit' AND EXISTS (
            SELECT FROM batch b WHERE b.connector_id = r.connector_id AND b.run_id = r.run_id
        ))
        """
    ),
    "dropped": text("DELETE FROM dropped_event WHERE seen_at < :before"),
    # An open entry may be the only copy of its record: it stays until somebody settles it.
    "quarantined": text("DELETE FROM quarantine WHERE seen_at < :before AND replayed_at >= seen_at"),
    "budgets": text("DELETE FROM budget WHERE day < CAST(:before AS date)"),
}
#: Figures count by the day of detection, but detections are deleted by the day of delivery, so those of a backfill
#: stay longer. The figures of a day stay unchanged while the ledger has any of its detections.
_DAYS = (
    text(
        """
        DELETE FROM delivered_day t WHERE t.day < :day AND NOT EXISTS (
            SELECT FROM detection d WHERE d.connector_id = t.connector_id
            AND d.detected_at >= t.day::timestamp AT TIME ZONE 'UTC'
            AND d.detected_at < (t.day + 1)::timestamp AT TIME ZONE 'UTC'
        )
        """
    ),
    text("DELETE FROM stage_day WHERE day < :day"),
)


def forget_delivered(connection: Connection, before: datetime) -> int:
    """Delete the detections delivered before an instant. Return their number.

    Unknown, waiting, and planned detections stay, however old. Each connector whose deliveries are deleted keeps the
    instant (`overview.find_memory`), since a longer retention does not restore them.
    """
    with speak_plainly(), connection.begin():
        connection.execute(_KNOWN, {"before": before})
    forgotten, at, last = 0, "-infinity", 0
    while True:
        with speak_plainly(), connection.begin():
            values = {"before": before, "chunk": CHUNK, "at": at, "id": last}
            count, ids, at, last = connection.execute(_DELIVERED, values).one()
            if ids is None:
                connection.execute(_LEFT, {"before": before})
                return forgotten
            connection.execute(_EMPTY, {"ids": ids})
        forgotten += count


def forget_history(connection: Connection, before: datetime) -> dict[str, int]:
    """Delete counts of runs, ids of dropped events, and settled quarantined records from before an instant."""
    with speak_plainly(), connection.begin():
        return {
            name: connection.execute(statement, {"before": before}).rowcount for name, statement in _HISTORY.items()
        }


def forget_days(connection: Connection, before: datetime) -> int:
    """Delete the figures of the days before the day of an instant (UTC). Return the number of rows.

    Figures of a day stay while the ledger has detections of that day, so `forget_delivered` runs first.
    """
    with speak_plainly(), connection.begin():
        values = {"day": before.astimezone(UTC).date()}
        return sum(connection.execute(statement, values).rowcount for statement in _DAYS)
