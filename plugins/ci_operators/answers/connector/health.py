"""The health of each connector, from its ledger: what was delivered, what is open, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ci_operators.answers.ledgers import OpenLedger, ask_each, group_by_ledger, open_ledger
from ci_operators.connectors_file import ConnectorsFile
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.ledger import overview
from ci_operators.ledger.breaker import Streak, find_streaks
from ci_operators.ledger.overview import Counts, Delivered, Open
from ci_operators.ledger.quarantined import Overdue, find_overdue
from ci_operators.stages.account import MISMATCH

_NOTHING = Counts(0, 0, 0, 0, 0)
#: Counts of what is not finished.
_OPEN = ("waiting", "unknown", "in_flight", "quarantined")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a destination received today (UTC), and its limit; `reserved_for_live` of that is for scheduled runs."""

    destination: str
    spent: int
    limit: int
    reserved_for_live: int
    exhausted: bool


@dataclass(frozen=True, slots=True)
class ConnectorHealth:
    """The health of one connector.

    problem: why the ledger of a live connector cannot be read, else empty; gone: it is in the ledger but not in the
    connectors file; stopped: the submissions after which it stopped sending; overdue: open quarantined records that
    are older than the retention of the history.
    """

    connector: str
    source: str
    debug: bool
    problem: str = ""
    last_window: Delivered | None = None
    lag_s: float | None = None
    behind: bool = False
    today: Counts = _NOTHING
    last_7_days: Counts = _NOTHING
    unknown: int = 0
    held: int = 0
    runs_awaiting_retry: Sequence[str] = ()
    in_flight: int = 0
    rejected: int = 0
    waiting: int = 0
    quarantined: int = 0
    budget: Budget | None = None
    gone: bool = False
    stopped: Streak | None = None
    overdue: Overdue | None = None

    @property
    def needs_somebody(self) -> bool:
        """Return whether a person has to act: the connector is stopped, or no run will finish its records."""
        return bool(self.problem or self.behind or self.held or self.gone or self.stopped or self.overdue)


def find_health(
    found: ConnectorsFile, connectors: Iterable[Connector], now: datetime, open_by: OpenLedger = open_ledger
) -> list[ConnectorHealth]:
    """Return the health of the given connectors by name. A ledger that fails affects only its own connectors."""
    health: list[ConnectorHealth] = []
    for conn_id, group in group_by_ledger(connectors).items():
        try:
            with open_by(conn_id) as connection:
                health += _find_of_ledger(connection, group, found, now)
        except CollectiveInsightsError as err:
            # A debug connector needs no ledger and keeps nothing there.
            health += [ConnectorHealth(c.name, c.source, c.debug, problem="" if c.debug else str(err)) for c in group]
    return sorted(health, key=lambda each: each.connector)


def _find_of_ledger(
    connection: Connection, connectors: Sequence[Connector], found: ConnectorsFile, now: datetime
) -> Iterator[ConnectorHealth]:
    """Yield the health of all connectors of a ledger. The number of queries does not depend on how many they are."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    names = overview.find_names(connection, (each.name for each in connectors))
    numbers = {name: number for number, name in names.items()}
    last_windows, opens = overview.find_last_windows(connection, names), overview.find_opens(connection, names)
    today = overview.count_since(connection, names, midnight)
    last_7_days = overview.count_since(connection, names, now - timedelta(days=7))
    streaks = find_streaks(connection, names)
    overdue = find_overdue(connection, names, now - found.retention.history) if found.retention else {}
    budgets = _find_budgets(connection, connectors, found, midnight)
    for each in connectors:
        budget, number = budgets[each.destination_conn_id], numbers.get(each.name)
        if number is None:
            yield ConnectorHealth(each.name, each.source, each.debug, budget=budget)
            continue
        last, streak = last_windows.get(number), streaks.get(number)
        yield ConnectorHealth(
            each.name,
            each.source,
            each.debug,
            last_window=last,
            lag_s=round((now - last.until).total_seconds(), 3) if last else None,
            behind=last is not None and is_behind(each, now - last.until),
            today=today[number],
            last_7_days=last_7_days[number],
            **_count_open(opens[number], 0 if each.unknown_policy == "hold" else each.unknown_resends),
            budget=budget,
            stopped=streak if streak and streak.is_stopped else None,
            overdue=overdue.get(number),
        )


def _find_budgets(
    connection: Connection, connectors: Sequence[Connector], found: ConnectorsFile, midnight: datetime
) -> dict[str, Budget]:
    """Return the budgets of the connectors' destinations today, by Connection."""
    budgets = {}
    conn_ids = dict.fromkeys(each.destination_conn_id for each in connectors)
    for conn_id, (spent, exhausted) in overview.find_budgets(connection, conn_ids, midnight.date()).items():
        destination = found.destination(conn_id)
        limit = destination.daily_limit
        budgets[conn_id] = Budget(conn_id, spent, limit, limit - destination.limit_for_bulk, exhausted)
    return budgets


def find_orphans(found: ConnectorsFile, open_by: OpenLedger = open_ledger) -> list[ConnectorHealth]:
    """Return the health of connectors that are in a ledger but not in the file, if they have open records.

    A connector with a wrong entry is not an orphan. While an entry has no readable name, the list is empty.
    """
    if None in found.names:
        return []
    # Errors are ignored here: `find_health` reports them.
    parts, _ = ask_each(found.connectors, open_by, lambda connection, _: list(_find_orphans(connection, found)))
    return list({orphan.connector: orphan for part in parts for orphan in part}.values())


def _find_orphans(connection: Connection, found: ConnectorsFile) -> Iterator[ConnectorHealth]:
    others = overview.find_others(connection, filter(None, found.names))
    for number, unsettled in overview.find_opens(connection, others).items():
        counts = _count_open(unsettled, resends=0)
        if any(counts[name] for name in _OPEN):
            yield ConnectorHealth(others[number], "", debug=False, gone=True, **counts)


def is_behind(connector: Connector, lag: timedelta) -> bool:
    """Return whether a live connector's last window ended so long ago that a run is overdue."""
    return not connector.debug and lag > 2 * connector.update_frequency + connector.publication_delay


def _count_open(found: Open, resends: int) -> dict[str, Any]:
    """Return the counts of what is open. resends: how often the connector sends an unknown detection again."""
    held = [each for each in found.unknown if each.resends >= resends or each.note == MISMATCH]
    retried = [each for each in found.unknown if each not in held]
    return {
        "unknown": sum(each.detections for each in found.unknown),
        "held": sum(each.detections for each in held),
        "runs_awaiting_retry": list(dict.fromkeys(each.run_id for each in retried)),
        "in_flight": found.in_flight,
        "rejected": found.rejected,
        "waiting": found.waiting,
        "quarantined": sum(found.quarantined.values()),
    }


def find_remarks(health: ConnectorHealth) -> Iterator[str]:
    """Yield a sentence for each fact about a connector that a person should know, to be shown after its name."""
    if health.problem:
        yield health.problem
    yield from find_stranded(health)
    if health.gone:
        return
    if health.stopped:
        yield _say_stopped(health.connector, health.stopped)
    if health.debug:
        yield (
            "in debug mode. Recorded Future checks its detections and stores nothing, and the ledger records nothing. "
            "To go live, set `debug: false` in the connectors file."
        )
    if health.behind:
        yield "is behind its update frequency. Check its runs in Airflow."
    if health.runs_awaiting_retry:
        yield f"has unknown detections that wait for the retry of {', '.join(health.runs_awaiting_retry)}."
    if health.held:
        yield f"{health.held} unknown detections are held. To settle them: `settle --connector {health.connector}`."
    if health.in_flight:
        yield f"{health.in_flight} detections are being sent, or their task died. The retry of the task finds out."
    if health.budget and health.budget.exhausted:
        yield f"{health.budget.destination} accepts no more detections today."


def find_stranded(health: ConnectorHealth) -> Iterator[str]:
    """Yield a sentence for the records of a connector that no run will finish."""
    name, overdue = health.connector, health.overdue
    if health.gone:
        counts = ", ".join(f"{count} {word.replace('_', ' ')}" for word in _OPEN if (count := getattr(health, word)))
        yield (
            f"is not in the connectors file, so nothing sends its open records: {counts}. "
            f"`ledger hand-over {name} NEW` gives them to the connector NEW."
        )
    if overdue:
        yield (
            f"{overdue.records} open quarantined records are older than `retention: history`, the oldest of "
            f"{overdue.oldest:%Y-%m-%d}. They stay until you settle them: `quarantine replay --connector {name}` "
            f"sends what can be sent, `quarantine close --connector {name}` closes the rest."
        )


def _say_stopped(name: str, streak: Streak) -> str:
    since, trial = (format_instant(at) if at else "unknown" for at in (streak.since, streak.trial_at))
    return (
        f"has stopped sending: since {since} {streak.submissions} submissions in a row had an unknown outcome. From "
        f"{trial} on, a run sends one detection as a trial, and continues if Recorded Future accepts it. "
        f"`check {name}` shows whether the API answers."
    )
