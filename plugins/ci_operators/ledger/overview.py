"""How a connector stands: its last window, its counts, what is not settled, its destination's budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, select, text

from ci_operators.ledger import tables
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.stage_figures import ARRIVED, StageFigure, read_figures

#: What ends a run well: the last stage, or an earlier one that leaves nothing for the next.
_LAST_WINDOW = text(
    """
    SELECT since, until, run_id, finished_at FROM stage_run
    WHERE connector_id = :connector AND run_kind = 'scheduled' AND NOT debug
      AND (stage = 'submit' OR records_out = 0)
    ORDER BY until DESC LIMIT 1
    """
)
_FIRST_SINCE = text(
    """
    SELECT min(since) FROM stage_run
    WHERE connector_id = :connector AND run_kind = 'scheduled' AND NOT debug AND stage = 'extract'
    """
)
#: Batches are accepted as a whole, but for those of their detections that have a state of their own.
_ACCEPTED = text(
    """
    SELECT coalesce(sum(size), 0) - (
        SELECT count(*) FROM detection d JOIN batch b ON b.id = d.batch_id
        WHERE d.connector_id = :connector AND d.state <> 2
          AND b.connector_id = :connector AND b.state = 2 AND b.settled_at >= :since
    ) FROM batch WHERE connector_id = :connector AND state = 2 AND settled_at >= :since
    """
)
_UNKNOWN = text(
    """
    SELECT b.run_id, coalesce(b.note, ''), count(*) FROM batch b JOIN detection d ON d.batch_id = b.id
    WHERE b.connector_id = :connector AND b.state <> 2 AND b.state = 4 AND d.state IS NULL
    GROUP BY b.run_id, b.note ORDER BY min(b.id)
    """
)
_IN_FLIGHT = text(
    "SELECT coalesce(sum(size), 0) FROM batch WHERE connector_id = :connector AND state <> 2 AND state = 1"
)
_REJECTED = text("SELECT count(*) FROM detection WHERE state <> 2 AND state = 3 AND connector_id = :connector")
_WAITING = text("SELECT detections FROM waiting_count WHERE connector_id = :connector")
_OPEN = text(
    """
    SELECT issue, count(*) FROM quarantine
    WHERE connector_id = :connector AND (replayed_at IS NULL OR replayed_at < seen_at)
    GROUP BY issue ORDER BY issue
    """
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The newest window that a scheduled run has brought to its end."""

    since: datetime
    until: datetime
    run_id: str
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of events since some instant: `arrived_before` were accepted by an earlier run."""

    events: int
    dropped: int
    arrived_before: int
    quarantined: int
    accepted: int
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Detections of one run whose outcome is unknown, and why."""

    run_id: str
    note: str
    detections: int


@dataclass(frozen=True, slots=True)
class Open:
    """Detections and records that have not come to their end."""

    unknown: Sequence[Doubt]
    in_flight: int
    rejected: int
    waiting: int
    quarantined: dict[str, int]


def find_id(connection: Connection, connector: str) -> int | None:
    """Return the ledger's number of a connector, None if it has not met it."""
    found = tables.connector
    with speak_plainly(), connection.begin():
        return connection.scalar(select(found.c.id).where(found.c.name == connector))


def find_names(connection: Connection, connectors: Iterable[str]) -> dict[int, str]:
    """Return the ledger's numbers of connectors with their names; those it has not met are left out."""
    found = tables.connector
    query = select(found.c.id, found.c.name).where(found.c.name.in_(list(connectors))).order_by(found.c.id)
    with speak_plainly(), connection.begin():
        return {number: name for number, name in connection.execute(query)}


def find_last_window(connection: Connection, connector_id: int) -> Delivered | None:
    """Return the newest window that a scheduled run has delivered."""
    with speak_plainly(), connection.begin():
        row = connection.execute(_LAST_WINDOW, {"connector": connector_id}).one_or_none()
    return None if row is None else Delivered(*row)


def find_first_since(connection: Connection, connector_id: int) -> datetime | None:
    """Return where the first window of the scheduled runs began: the initial import's begin."""
    with speak_plainly(), connection.begin():
        since: datetime | None = connection.scalar(_FIRST_SINCE, {"connector": connector_id})
    return since


def count_since(connection: Connection, connector_id: int, since: datetime) -> Counts:
    """Return the counts of the stages finished (those of dry runs left out), and batches accepted, since an instant."""
    with speak_plainly(), connection.begin():
        accepted = connection.scalar(_ACCEPTED, {"connector": connector_id, "since": since})
    figures = read_figures(connection, [connector_id], since)
    events = sum(each.events for each in figures if each.fate == "in" and each.stage == "extract")
    dropped = _by_code(figures, "dropped")
    issues = _by_code(figures, "quarantined")
    arrived = sum(dropped.pop(code, 0) for code in ARRIVED)
    reasons = {**dropped, **issues}
    return Counts(events, sum(dropped.values()), arrived, sum(issues.values()), int(accepted or 0), reasons)


def _by_code(figures: Iterable[StageFigure], fate: str) -> dict[str, int]:
    counts = Counter[str]()
    for each in figures:
        if each.fate == fate:
            counts[each.code] += each.events
    return dict(sorted(counts.items()))


def find_open(connection: Connection, connector_id: int) -> Open:
    """Return what of a connector is not settled."""
    values = {"connector": connector_id}
    with speak_plainly(), connection.begin():
        return Open(
            unknown=[Doubt(*row) for row in connection.execute(_UNKNOWN, values)],
            in_flight=int(connection.scalar(_IN_FLIGHT, values) or 0),
            rejected=int(connection.scalar(_REJECTED, values) or 0),
            waiting=int(connection.scalar(_WAITING, values) or 0),
            quarantined={issue: int(count) for issue, count in connection.execute(_OPEN, values)},
        )


def find_spent(connection: Connection, destination: str, day: date) -> tuple[int, bool]:
    """Return what a destination has taken on a day (UTC), and whether it said that this is all."""
    budget = tables.budget
    query = select(budget.c.spent, budget.c.exhausted).where(budget.c.destination == destination, budget.c.day == day)
    with speak_plainly(), connection.begin():
        row = connection.execute(query).one_or_none()
    return (0, False) if row is None else (int(row[0]), bool(row[1]))
