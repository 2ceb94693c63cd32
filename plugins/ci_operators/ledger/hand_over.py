"""Hand over a connector: its rows in the ledger become another connector's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ci_operators.ledger import delivery_sql as sql
from ci_operators.ledger.keys import detection_key
from ci_operators.ledger.lease import Lease
from ci_operators.ledger.row import read_row
from ci_operators.ledger.tables import State, make_statement

#: Detections, or batches, of one transaction.
CHUNK = 2000
#: If both connectors have a detection, the more advanced state is kept.
FINALITY = [State.PLANNED, State.WAITING, State.RESERVED, State.UNKNOWN, State.REJECTED, State.ACCEPTED]

_REMEMBER = text(
    """
    UPDATE connector n SET known_since = greatest(n.known_since, o.known_since)
    FROM connector o WHERE n.id = :new AND o.id = :old
    """
)
_DETECTIONS = """
    SELECT d.key, d.detected_at, coalesce(d.state, b.state), d.event_id, d.indicator_type, d.indicator
    FROM detection d JOIN batch b ON b.id = d.batch_id
"""
#: The newest first, since an overlap reads those. Starts after the previous chunk, so rows that moved are skipped.
_OF_OLD = text(
    _DETECTIONS
    + """
    WHERE d.connector_id = :old AND (d.detected_at, d.key) < (CAST(:at AS timestamptz), :key)
    ORDER BY d.detected_at DESC, d.key DESC LIMIT :chunk
    """
)
_OF_KEYS = text(_DETECTIONS + "WHERE d.key = ANY(:keys)")
#: Triggers subtract detections that are no longer accepted, but not deleted ones.
_UNCOUNT = make_statement("UPDATE detection SET state = PLANNED WHERE key = ANY(:keys)")
_DELETE = text("DELETE FROM detection WHERE key = ANY(:keys)")
_RENAME = text(
    """
    UPDATE detection d SET key = m.becomes, connector_id = :new
    FROM unnest(CAST(:keys AS bytea[]), CAST(:becomes AS bytea[])) m (key, becomes) WHERE d.key = m.key
    """
)
_TAKE_WAITING = text(
    """
    WITH taken AS (
        DELETE FROM waiting WHERE id IN (SELECT id FROM waiting WHERE connector_id = :old ORDER BY id LIMIT :chunk)
        RETURNING id, detection
    )
    SELECT detection FROM taken ORDER BY id
    """
)
_FORGET_SAME = text(
    """
    DELETE FROM quarantine n USING quarantine o
    WHERE n.connector_id = :new AND o.connector_id = :old AND (o.replayed_at IS NULL OR o.replayed_at < o.seen_at)
      AND n.stage = o.stage AND n.record_digest = o.record_digest
    """
)
_MOVE_QUARANTINE = text(
    """
    UPDATE quarantine SET connector_id = :new
    WHERE connector_id = :old AND (replayed_at IS NULL OR replayed_at < seen_at)
    """
)
_MOVE_BATCHES = text(
    """
    UPDATE batch SET connector_id = :new
    WHERE id IN (SELECT id FROM batch WHERE connector_id = :old LIMIT :chunk)
    """
)
#: A run of the old connector, on a worker with the old file, would send its detections again.
_MARK = text(
    """
    UPDATE connector SET handed_over_to = CASE WHEN id = :old THEN CAST(:successor AS text) END WHERE id IN (:old, :new)
    """
)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The numbers of detections handed over, of those that wait for budget, and of open quarantine entries."""

    detections: int = 0
    waiting: int = 0
    quarantined: int = 0


def hand_over(old: Lease, new: Lease) -> HandedOver:
    """Move the detections, waiting texts, and open quarantine entries of a connector to another one.

    Keys depend on the connector's name. They are made again, so the new connector does not resend what the old one
    delivered. The history of runs stays. Both leases are taken. After an interruption, the next call continues.
    Raises LedgerError when a lease is lost.
    """
    connection, values = old.connection, {"old": old.number, "new": new.number, "chunk": CHUNK}
    with _both(old, new):
        connection.execute(_REMEMBER, values)
    detections, at, key = 0, "infinity", b""
    while moved := _move_detections(old, new, {**values, "at": at, "key": key}):
        count, at, key = moved
        detections += count
    # A waiting text without its detection would be sent as a new one.
    waiting = sum(iter(lambda: _move_waiting(old, new, values), 0))
    with _both(old, new):
        connection.execute(_FORGET_SAME, values)
        quarantined = connection.execute(_MOVE_QUARANTINE, values).rowcount
    sum(iter(lambda: _move_batches(old, new, values), 0))
    with _both(old, new):
        connection.execute(_MARK, {**values, "successor": new.connector})
    return HandedOver(detections, waiting, quarantined)


@contextmanager
def _both(old: Lease, new: Lease) -> Iterator[Connection]:
    with new.transaction():
        old.prove()
        yield old.connection


def _move_detections(old: Lease, new: Lease, values: dict[str, Any]) -> tuple[int, Any, bytes] | None:
    """Move some detections. Return their number and the last one's time and key, or None when none is left."""
    with _both(old, new) as connection:
        found = connection.execute(_OF_OLD, values).all()
        becomes = {bytes(key): detection_key(new.connector, *name) for key, _, _, *name in found}
        met = connection.execute(_OF_KEYS, {"keys": list(becomes.values())})
        kept = {bytes(key): (bytes(key), State(state)) for key, _, state, *_ in met}
        losers = []
        for key, _, state, *_ in found:
            place, ours = becomes[bytes(key)], (bytes(key), State(state))
            first, last = sorted((kept.get(place, ours), ours), key=lambda each: FINALITY.index(each[1]))
            if first is not last:
                losers.append(first[0])
            kept[place] = last
        connection.execute(_UNCOUNT, {"keys": losers})
        connection.execute(_DELETE, {"keys": losers})
        pairs = {"keys": list(becomes), "becomes": list(becomes.values())}
        connection.execute(_RENAME, {**values, **pairs})
        return (len(found), found[-1].detected_at, bytes(found[-1].key)) if found else None


def _move_waiting(old: Lease, new: Lease, values: dict[str, int]) -> int:
    with _both(old, new) as connection:
        rows = [read_row(new.connector, bytes(text)) for text in connection.scalars(_TAKE_WAITING, values)]
        texts = {"keys": [row.key for row in rows], "texts": [row.text for row in rows]}
        connection.execute(sql.QUEUE, {"connector": new.number, **texts})
        return len(rows)


def _move_batches(old: Lease, new: Lease, values: dict[str, int]) -> int:
    with _both(old, new) as connection:
        return connection.execute(_MOVE_BATCHES, values).rowcount
