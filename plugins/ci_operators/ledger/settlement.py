"""Settle detections after their run, by the decision of a person, a search, or a replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import insert

from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.keys import KEY_BYTES, event_key
from ci_operators.ledger.quarantined import Wanted, close_entries, read_pages
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.tables import State, make_statement
from ci_operators.ledger.trail import last_key

_COLUMNS = """
    SELECT d.key, d.event_id, d.indicator_type, d.indicator, coalesce(d.state, b.state), coalesce(d.issue, b.note)
    FROM detection d JOIN batch b ON b.id = d.batch_id
"""
_UNKNOWN = make_statement(
    _COLUMNS
    + """
    WHERE b.connector_id = :connector AND b.state <> ACCEPTED AND b.state = UNKNOWN AND d.state IS NULL
    ORDER BY b.id, d.key LIMIT :limit
    """
)
_BETWEEN = text(_COLUMNS + "WHERE d.key BETWEEN :first AND :last AND d.connector_id = :connector ORDER BY d.key")
_OF_KEYS = text(_COLUMNS + "WHERE d.key = ANY(:keys) ORDER BY d.key")
#: Only from an expected state, because a run can have settled the detection.
_OVERRIDE = text(
    """
    UPDATE detection d SET state = :state, issue = :issue FROM batch b
    WHERE b.id = d.batch_id AND d.key = ANY(:keys) AND coalesce(d.state, b.state) = ANY(:only)
    RETURNING d.key
    """
)


@dataclass(frozen=True, slots=True)
class DetectionState:
    """A detection and its state. message: the reason for the state."""

    key: bytes
    event_id: str
    indicator_type: str
    indicator: str
    state: State
    message: str | None


def find_unknown(connection: Connection, connector_id: int, limit: int) -> list[DetectionState]:
    """Return detections of a connector whose outcome is unknown, the oldest batches first."""
    values = {"connector": connector_id, "limit": limit}
    with speak_plainly(), connection.begin():
        return _read_states(connection.execute(_UNKNOWN, values))


def find_named(connection: Connection, connector: str, connector_id: int, name: str) -> list[DetectionState]:
    """Return the detections of a connector with a key (32 hexadecimal digits) or an event id."""
    prefix = event_key(connector, name)
    ranges = [(prefix, last_key(prefix))]
    if (key := read_key(name)) is not None:
        ranges.append((key, key))
    with speak_plainly(), connection.begin():
        return [
            detection
            for first, last in ranges
            for detection in _read_states(
                connection.execute(_BETWEEN, {"first": first, "last": last, "connector": connector_id})
            )
        ]


def find_states(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, DetectionState]:
    """Return the ledger's states of detections, by key."""
    with speak_plainly(), connection.begin():
        found = _read_states(connection.execute(_OF_KEYS, {"keys": list(keys)}))
    return {detection.key: detection for detection in found}


def override(
    connection: Connection, keys: Sequence[bytes], state: State, issue: str, *, only: Sequence[State]
) -> set[bytes]:
    """Give detections their own state if they are in one of the states `only`. Return the keys of those.

    Use the transaction of the lease, so that no run is sending them.
    """
    values = {"keys": list(keys), "state": int(state), "issue": issue, "only": [int(state) for state in only]}
    return {bytes(key) for key in connection.scalars(_OVERRIDE, values)}


def queue(connection: Connection, connector_id: int, rows: Sequence[Row]) -> None:
    """Put detections on the waiting list, within the lease's transaction: the connector's next run sends them."""
    waiting = tables.waiting
    statement = insert(waiting).on_conflict_do_nothing(index_elements=["key"])
    values = {"connector_id": connector_id, "key": bindparam("key"), "detection": bindparam("detection")}
    if rows:
        connection.execute(statement.values(values), [{"key": row.key, "detection": row.text} for row in rows])


def close_arrived(connection: Connection, connector: str) -> None:
    """Close the entries of held detections that Recorded Future has, as a search or a late answer showed."""
    wanted = Wanted([connector], issue="outcome_unknown", stage="submit")
    for page in read_pages(connection, wanted):
        keys = {entry.id: read_row(connector, entry.record).key for entry in page}
        found = find_states(connection, list(keys.values()))
        arrived = [each for each, key in keys.items() if key in found and found[key].state is State.ACCEPTED]
        with speak_plainly(), connection.begin():
            close_entries(connection, arrived, "Recorded Future has accepted it")


def read_key(text: str) -> bytes | None:
    """Return a key from its hexadecimal digits, or None if the text is not a key."""
    if len(text) != 2 * KEY_BYTES:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _read_states(rows: Iterable[Sequence[object]]) -> list[DetectionState]:
    return [
        DetectionState(bytes(key), event_id, kind, value, State(state), message)  # type: ignore[call-overload, arg-type]
        for key, event_id, kind, value, state, message in rows
    ]
