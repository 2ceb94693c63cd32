"""The trail of one event through the ledger: every run that had it, and its outcome there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from ci_operators.core.text import storable
from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.keys import KEY_BYTES, event_key
from ci_operators.ledger.tables import State

_DROPPED = text(
    """
    SELECT c.name, e.stage, e.reason, e.run_id, e.seen_at
    FROM dropped_event e JOIN connector c ON c.id = e.connector_id WHERE e.event_key = ANY(:keys)
    """
)
_QUARANTINED = text(
    """
    SELECT c.name, q.id, q.stage, q.issue, q.detail, q.run_id, q.seen_at, q.replayed_at, q.replay_note
    FROM quarantine q JOIN connector c ON c.id = q.connector_id
    WHERE q.event_id = :event_id AND c.name = ANY(:connectors) ORDER BY q.id
    """
)
_DETECTION = """
    SELECT c.name, d.key, d.indicator_type, d.indicator, d.detected_at, d.codes, coalesce(d.state, b.state),
           b.id, b.run_id, b.attempts, b.resends > 0, d.first_seen, b.reserved_at, b.settled_at,
           coalesce(d.issue, b.note)
    FROM detection d JOIN batch b ON b.id = d.batch_id JOIN connector c ON c.id = d.connector_id
"""
#: A range with its bounds in the text, for one connector at a time: always an index scan.
_DETECTIONS = text(_DETECTION + "WHERE d.key BETWEEN :first AND :last ORDER BY d.key")
_OF_KEYS = text(_DETECTION + "WHERE d.key = ANY(:keys)")
_WINDOWS = text(
    """
    SELECT c.name, r.run_id, r.run_kind, r.debug, min(r.since), max(r.until), max(r.finished_at)
    FROM stage_run r JOIN connector c ON c.id = r.connector_id
    WHERE c.name = :connector AND r.run_id = ANY(:runs) GROUP BY c.name, r.run_id, r.run_kind, r.debug
    """
)


@dataclass(frozen=True, slots=True)
class DroppedEvent:
    """The event was excluded by a criterion or, at submit, had already arrived."""

    connector: str
    stage: str
    reason: str
    run_id: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantinedEvent:
    """The event, or a detection of it, was quarantined."""

    connector: str
    id: int
    stage: str
    issue: str
    detail: str
    run_id: str
    seen_at: datetime
    replayed_at: datetime | None
    replay_note: str | None


@dataclass(frozen=True, slots=True)
class DeliveredDetection:
    """A detection of the event, with its batch. message: the API's or the ledger's."""

    connector: str
    key: str
    indicator_type: str
    indicator: str
    detected_at: datetime
    codes: list[str]
    state: str
    batch: int
    run_id: str
    attempts: int
    resent: bool
    first_seen: datetime
    reserved_at: datetime | None
    settled_at: datetime | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that had the event."""

    connector: str
    run_id: str
    kind: str
    debug: bool
    since: datetime
    until: datetime
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Trail:
    """All that the ledger knows of an event."""

    dropped: Sequence[DroppedEvent]
    quarantined: Sequence[QuarantinedEvent]
    detections: Sequence[DeliveredDetection]
    runs: Sequence[Run]

    def __bool__(self) -> bool:
        return bool(self.dropped or self.quarantined or self.detections)


def find_connectors(connection: Connection) -> list[str]:
    """Return the names of all connectors in the ledger, including those that are no longer in the connectors file."""
    with speak_plainly(), connection.begin():
        return list(connection.scalars(select(tables.connector.c.name).order_by(tables.connector.c.name)))


def find_trail(connection: Connection, connectors: Sequence[str], event_id: str) -> Trail:
    """Return the trail of an event of any of the connectors."""
    keys = {name: event_key(name, event_id) for name in connectors}
    values = {"event_id": storable(event_id), "connectors": list(connectors)}
    with speak_plainly(), connection.begin():
        dropped = [DroppedEvent(*row) for row in connection.execute(_DROPPED, {"keys": list(keys.values())})]
        quarantined = [QuarantinedEvent(*row) for row in connection.execute(_QUARANTINED, values)]
        detections = [found for prefix in keys.values() for found in _find_detections(connection, prefix)]
        entries: list[DroppedEvent | QuarantinedEvent | DeliveredDetection] = [*dropped, *quarantined, *detections]
        met = {(entry.connector, entry.run_id) for entry in entries}
        runs = _find_runs(connection, met)
    return Trail(dropped, quarantined, detections, runs)


def find_states(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
    """Return the ledger's detections by key, without those that it does not have."""
    with speak_plainly(), connection.begin():
        found = _read_detections(connection.execute(_OF_KEYS, {"keys": list(keys)}))
    return {bytes.fromhex(each.key): each for each in found}


def last_key(prefix: bytes) -> bytes:
    """Return the greatest key that begins with an event's bytes."""
    return prefix + b"\xff" * (KEY_BYTES - len(prefix))


def _find_detections(connection: Connection, prefix: bytes) -> list[DeliveredDetection]:
    return _read_detections(connection.execute(_DETECTIONS, {"first": prefix, "last": last_key(prefix)}))


def _read_detections(rows: Iterable[Sequence[Any]]) -> list[DeliveredDetection]:
    return [
        DeliveredDetection(name, bytes(key).hex(), kind, value, at, codes, State(state).name.lower(), *rest)
        for name, key, kind, value, at, codes, state, *rest in rows
    ]


def _find_runs(connection: Connection, met: Iterable[tuple[str, str]]) -> list[Run]:
    by_connector: dict[str, list[str]] = {}
    for connector, run_id in sorted(met):
        by_connector.setdefault(connector, []).append(run_id)
    return [
        Run(*row)
        for connector, runs in by_connector.items()
        for row in connection.execute(_WINDOWS, {"connector": connector, "runs": runs})
    ]
