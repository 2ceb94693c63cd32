"""The state of a connector: its last window, its counts, what is not settled, and its destination's budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text

from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.stage_figures import ARRIVED_CODES, StageFigure, read_figures
from ci_operators.ledger.tables import make_statement

#: A run succeeds with its last stage, or with an earlier one that leaves nothing for the next.
_LAST_WINDOWS = text(
    """
    SELECT i.id, r.since, r.until, r.run_id, r.finished_at FROM unnest(CAST(:connectors AS int[])) i (id)
    CROSS JOIN LATERAL (
        SELECT since, until, run_id, finished_at FROM stage_run
        WHERE connector_id = i.id AND run_kind = 'scheduled' AND NOT debug
          AND (stage = 'submit' OR records_out = 0)
        ORDER BY until DESC LIMIT 1
    ) r
    """
)
_MEMORY = text(
    """
    SELECT c.known_since, (
        SELECT until FROM stage_run WHERE connector_id = c.id AND run_kind = 'scheduled' AND NOT debug
        AND (stage = 'submit' OR records_out = 0) ORDER BY until DESC LIMIT 1
    )
    FROM connector c WHERE c.name = :connector
    """
)
_FIRST_SINCE = text(
    """
    SELECT min(since) FROM stage_run
    WHERE connector_id = :connector AND run_kind = 'scheduled' AND NOT debug AND stage = 'extract'
    """
)
#: Batches are accepted as a whole, except detections with their own state.
_DELIVERED = make_statement(
    """
    SELECT i.id, coalesce(a.accepted, 0) - (
        SELECT count(*) FROM detection d JOIN batch b ON b.id = d.batch_id
        WHERE d.connector_id = i.id AND d.state <> ACCEPTED
          AND b.connector_id = i.id AND b.state = ACCEPTED AND b.settled_at >= :since
    ), (
        SELECT coalesce(sum(b.size - (
            SELECT count(*) FROM detection d WHERE d.batch_id = b.id AND d.state = REJECTED
        )), 0) FROM batch b WHERE b.connector_id = i.id AND b.resends > 0 AND b.reserved_at >= :since
    )
    FROM unnest(CAST(:connectors AS int[])) i (id) CROSS JOIN LATERAL (
        SELECT sum(size) AS accepted FROM batch WHERE connector_id = i.id AND state = ACCEPTED AND settled_at >= :since
    ) a
    """
)
#: All open records, in one query. Each connector is looked up separately, because the planner could read the whole
#: table for all of them.
_OPEN = make_statement(
    """
    SELECT i.id, o.kind, o.name, o.note, o.records, o.resends
    FROM unnest(CAST(:connectors AS int[])) i (id) CROSS JOIN LATERAL (
        SELECT 'unknown' AS kind, b.run_id AS name, coalesce(b.note, '') AS note,
               count(*) AS records, min(b.id) AS place,
               b.resends - CAST(b.resends > 0 AND b.reserved_at IS NULL AS int) AS resends
        FROM batch b JOIN detection d ON d.batch_id = b.id
        WHERE b.connector_id = i.id AND b.state <> ACCEPTED AND b.state = UNKNOWN AND d.state IS NULL
        GROUP BY b.run_id, b.note, 6
        UNION ALL
        SELECT 'in_flight', '', '', sum(size), 0, 0 FROM batch
        WHERE connector_id = i.id AND state <> ACCEPTED AND state = RESERVED
        UNION ALL
        SELECT 'rejected', '', '', count(*), 0, 0 FROM detection
        WHERE connector_id = i.id AND state <> ACCEPTED AND state = REJECTED
        UNION ALL
        SELECT 'waiting', '', '', detections, 0, 0 FROM waiting_count WHERE connector_id = i.id
        UNION ALL
        SELECT 'quarantined', issue, '', count(*), 0, 0 FROM quarantine
        WHERE connector_id = i.id AND (replayed_at IS NULL OR replayed_at < seen_at) GROUP BY issue
    ) o
    ORDER BY i.id, o.kind, o.place, o.name
    """
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The newest window that a scheduled run finished."""

    since: datetime
    until: datetime
    run_id: str
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """The outcomes of events since an instant.

    arrived_before: accepted by an earlier run; resent: sent again although they may have arrived.
    """

    events: int
    dropped: int
    arrived_before: int
    quarantined: int
    accepted: int
    reasons: dict[str, int] = field(default_factory=dict)
    resent: int = 0


@dataclass(frozen=True, slots=True)
class UnknownBatch:
    """Detections of one run whose outcome is unknown, and why. resends: how often they have been sent again."""

    run_id: str
    note: str
    detections: int
    resends: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """Detections and records that are not settled."""

    unknown: Sequence[UnknownBatch]
    in_flight: int
    rejected: int
    waiting: int
    quarantined: dict[str, int]


def find_id(connection: Connection, connector: str) -> int | None:
    """Return the ledger's number of a connector, or None if the ledger does not have it."""
    found = tables.connector
    with speak_plainly(), connection.begin():
        return connection.scalar(select(found.c.id).where(found.c.name == connector))


def find_names(connection: Connection, connectors: Iterable[str]) -> dict[int, str]:
    """Return the names of connectors by their number in the ledger, without those that it does not have."""
    found = tables.connector
    query = select(found.c.id, found.c.name).where(found.c.name.in_(list(connectors))).order_by(found.c.id)
    with speak_plainly(), connection.begin():
        return {number: name for number, name in connection.execute(query)}


def find_others(connection: Connection, connectors: Iterable[str]) -> dict[int, str]:
    """Return the numbers and names of all other connectors in the ledger."""
    found = tables.connector
    query = select(found.c.id, found.c.name).where(found.c.name.not_in(list(connectors))).order_by(found.c.name)
    with speak_plainly(), connection.begin():
        return {number: name for number, name in connection.execute(query)}


def find_last_windows(connection: Connection, connector_ids: Iterable[int]) -> dict[int, Delivered]:
    """Return the newest window that a scheduled run of each connector delivered, if there is one."""
    with speak_plainly(), connection.begin():
        rows = connection.execute(_LAST_WINDOWS, {"connectors": list(connector_ids)})
        return {number: Delivered(*row) for number, *row in rows}


def find_last_window(connection: Connection, connector_id: int) -> Delivered | None:
    """Return the newest window that a scheduled run delivered, or None."""
    return find_last_windows(connection, [connector_id]).get(connector_id)


def find_memory(connection: Connection, connector: str) -> tuple[datetime | None, datetime | None]:
    """Return the instant before which a connector's deliveries were deleted, and the end of the last window that a
    scheduled run delivered, each None if there is none."""
    with speak_plainly(), connection.begin():
        found = connection.execute(_MEMORY, {"connector": connector}).first()
    return (found[0], found[1]) if found else (None, None)


def find_first_since(connection: Connection, connector_id: int) -> datetime | None:
    """Return the start of the first window of the scheduled runs, which is that of the initial import."""
    with speak_plainly(), connection.begin():
        since: datetime | None = connection.scalar(_FIRST_SINCE, {"connector": connector_id})
    return since


def count_since(connection: Connection, connector_ids: Iterable[int], since: datetime) -> dict[int, Counts]:
    """Return the counts of stages that finished since an instant, without dry runs, and of batches accepted since."""
    numbers = list(connector_ids)
    with speak_plainly(), connection.begin():
        found = connection.execute(_DELIVERED, {"connectors": numbers, "since": since})
        delivered = {number: (int(accepted), int(resent)) for number, accepted, resent in found}
    figures: dict[int, list[StageFigure]] = {}
    for figure in read_figures(connection, numbers, since):
        figures.setdefault(figure.connector_id, []).append(figure)
    return {number: _count(figures.get(number, []), *counts) for number, counts in delivered.items()}


def _count(figures: Sequence[StageFigure], accepted: int, resent: int) -> Counts:
    events = sum(each.events for each in figures if each.fate == "in" and each.stage == "extract")
    dropped = _by_code(figures, "dropped")
    issues = _by_code(figures, "quarantined")
    arrived = sum(dropped.pop(code, 0) for code in ARRIVED_CODES)
    reasons = {**dropped, **issues}
    return Counts(events, sum(dropped.values()), arrived, sum(issues.values()), accepted, reasons, resent)


def _by_code(figures: Iterable[StageFigure], fate: str) -> dict[str, int]:
    counts = Counter[str]()
    for each in figures:
        if each.fate == fate:
            counts[each.code] += each.events
    return dict(sorted(counts.items()))


def find_opens(connection: Connection, connector_ids: Iterable[int]) -> dict[int, Open]:
    """Return what is not settled, by connector."""
    numbers = list(connector_ids)
    found: dict[int, list[Row[Any]]] = {number: [] for number in numbers}
    with speak_plainly(), connection.begin():
        for row in connection.execute(_OPEN, {"connectors": numbers}):
            found[row.id].append(row)
    return {number: _sort_open(rows) for number, rows in found.items()}


def find_open(connection: Connection, connector_id: int) -> Open:
    """Return what is not settled of a connector."""
    return find_opens(connection, [connector_id])[connector_id]


def _sort_open(rows: Iterable[Row[Any]]) -> Open:
    """Return the open work of one connector's rows. Sums of no rows are None."""
    kinds: dict[str, list[Row[Any]]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    counts = {kind: int(sum(row.records or 0 for row in of_kind)) for kind, of_kind in kinds.items()}
    return Open(
        unknown=[UnknownBatch(row.name, row.note, int(row.records), row.resends) for row in kinds.get("unknown", [])],
        in_flight=counts.get("in_flight", 0),
        rejected=counts.get("rejected", 0),
        waiting=counts.get("waiting", 0),
        quarantined={row.name: int(row.records) for row in kinds.get("quarantined", [])},
    )


def find_budgets(connection: Connection, destinations: Iterable[str], day: date) -> dict[str, tuple[int, bool]]:
    """Return the budget that destinations spent on a day (UTC), and whether they reported it as exhausted."""
    budget, names = tables.budget, list(destinations)
    query = select(budget.c.destination, budget.c.spent, budget.c.exhausted).where(
        budget.c.destination.in_(names), budget.c.day == day
    )
    with speak_plainly(), connection.begin():
        found = {name: (int(spent), bool(exhausted)) for name, spent, exhausted in connection.execute(query)}
    return {name: found.get(name, (0, False)) for name in names}


def find_spent(connection: Connection, destination: str, day: date) -> tuple[int, bool]:
    """Return the budget that a destination spent on a day (UTC), and whether it reported it as exhausted."""
    return find_budgets(connection, [destination], day)[destination]
