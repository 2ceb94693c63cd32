"""How each connector stands, by its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ci_operators.answers.ledgers import OpenLedger, group_by_ledger, open_ledger
from ci_operators.connectors_file import ConnectorsFile
from ci_operators.core.connector import Connector, Destination
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.ledger import overview
from ci_operators.ledger.breaker import Streak, find_streaks
from ci_operators.ledger.overview import Counts, Delivered, Open
from ci_operators.ledger.quarantined import Overdue, find_overdue
from ci_operators.stages.account import MISMATCH

_NOTHING = Counts(0, 0, 0, 0, 0)
#: Counts of a health that somebody has to bring to their end.
_OPEN = ("waiting", "unknown", "in_flight", "quarantined")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a destination has taken today (UTC), and may take; `reserved_for_live` of it is for scheduled runs."""

    destination: str
    spent: int
    limit: int
    reserved_for_live: int
    exhausted: bool


@dataclass(frozen=True, slots=True)
class ConnectorHealth:
    """How one connector stands.

    problem: why nothing can be told of a live one, else empty; gone: it is in the ledger and not in the connectors
    file; stopped: the submissions after which it has stopped sending; overdue: open quarantine entries that are older
    than the history is kept.
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
        """Return whether the connector does not go on by itself, or leaves something behind."""
        return bool(self.problem or self.behind or self.held or self.gone or self.stopped or self.overdue)


def find_health(
    found: ConnectorsFile, connectors: Iterable[Connector], now: datetime, open_by: OpenLedger = open_ledger
) -> list[ConnectorHealth]:
    """Return the healths of some connectors of the file by name; a ledger that fails takes no other down."""
    healths: list[ConnectorHealth] = []
    for conn_id, group in group_by_ledger(connectors).items():
        healths += _find_of_ledger(conn_id, group, found, now, open_by)
    return sorted(healths, key=lambda health: health.connector)


def _find_of_ledger(
    conn_id: str, connectors: Sequence[Connector], found: ConnectorsFile, now: datetime, open_by: OpenLedger
) -> list[ConnectorHealth]:
    try:
        with open_by(conn_id) as connection:
            ledger = _read_ledger(connection, connectors, found, now)
    except CollectiveInsightsError as err:
        # What only checks needs no ledger, and keeps nothing there.
        return [
            ConnectorHealth(each.name, each.source, each.debug, problem="" if each.debug else str(err))
            for each in connectors
        ]
    return [_make_health(ledger, each, found.destination(each.destination_conn_id), now) for each in connectors]


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What a ledger says of connectors, by their numbers; of budgets by Connection."""

    numbers: Mapping[str, int]
    last_windows: Mapping[int, Delivered]
    today: Mapping[int, Counts]
    last_7_days: Mapping[int, Counts]
    unsettled: Mapping[int, Open]
    streaks: Mapping[int, Streak]
    overdue: Mapping[int, Overdue]
    budgets: Mapping[str, tuple[int, bool]]


def _read_ledger(
    connection: Connection, connectors: Sequence[Connector], found: ConnectorsFile, now: datetime
) -> _Ledger:
    """Return what the ledger says of all connectors: as many questions for many of them as for one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    names = overview.find_names(connection, (each.name for each in connectors))
    destinations = dict.fromkeys(each.destination_conn_id for each in connectors)
    return _Ledger(
        numbers={name: number for number, name in names.items()},
        last_windows=overview.find_last_windows(connection, names),
        today=overview.count_since(connection, names, midnight),
        last_7_days=overview.count_since(connection, names, now - timedelta(days=7)),
        unsettled=overview.find_opens(connection, names),
        streaks=find_streaks(connection, names),
        overdue=find_overdue(connection, names, now - found.retention.history) if found.retention else {},
        budgets=overview.find_budgets(connection, destinations, midnight.date()),
    )


def _make_health(ledger: _Ledger, connector: Connector, destination: Destination, now: datetime) -> ConnectorHealth:
    """Return how a connector stands by its ledger."""
    budget = _make_budget(ledger, connector.destination_conn_id, destination)
    number = ledger.numbers.get(connector.name)
    if number is None:
        return ConnectorHealth(connector.name, connector.source, connector.debug, budget=budget)
    last, streak = ledger.last_windows.get(number), ledger.streaks.get(number)
    lag = None if last is None else now - last.until
    return ConnectorHealth(
        connector=connector.name,
        source=connector.source,
        debug=connector.debug,
        last_window=last,
        lag_s=None if lag is None else round(lag.total_seconds(), 3),
        behind=lag is not None and is_behind(connector, lag),
        today=ledger.today[number],
        last_7_days=ledger.last_7_days[number],
        **_unsettled(ledger.unsettled[number], 0 if connector.unknown_policy == "hold" else connector.unknown_resends),
        budget=budget,
        stopped=streak if streak and streak.is_stopped else None,
        overdue=ledger.overdue.get(number),
    )


def find_orphans(found: ConnectorsFile, open_by: OpenLedger = open_ledger) -> list[ConnectorHealth]:
    """Return the healths of connectors that are in a ledger of the file but not in the file, if anything is open.

    A wrong entry is no orphan: while one has no readable name, any connector may be it, and there are none.
    """
    orphans: dict[str, ConnectorHealth] = {}
    for conn_id in group_by_ledger(found.connectors) if None not in found.names else ():
        with suppress(CollectiveInsightsError), open_by(conn_id) as connection:  # `find_health` names the problem
            others = overview.find_others(connection, filter(None, found.names))
            for number, unsettled in overview.find_opens(connection, others).items():
                counts = _unsettled(unsettled, resends=0)
                if any(counts[name] for name in _OPEN):
                    orphans[others[number]] = ConnectorHealth(others[number], "", debug=False, gone=True, **counts)
    return list(orphans.values())


def is_behind(connector: Connector, lag: timedelta) -> bool:
    """Return whether a live connector's last window ended so long ago that a run is overdue."""
    return not connector.debug and lag > 2 * connector.update_frequency + connector.publication_delay


def _make_budget(ledger: _Ledger, conn_id: str, destination: Destination) -> Budget:
    """Return the budget of a Recorded Future Connection today."""
    spent, exhausted = ledger.budgets[conn_id]
    limit = destination.daily_limit
    return Budget(conn_id, spent, limit, limit - destination.limit_for_bulk, exhausted)


def _unsettled(found: Open, resends: int) -> dict[str, Any]:
    """Return the counts of what is open. resends: how often the connector sends again what may have arrived."""
    held = [batch for batch in found.unknown if batch.resends >= resends or batch.note == MISMATCH]
    retried = [batch for batch in found.unknown if batch not in held]
    return {
        "unknown": sum(batch.detections for batch in found.unknown),
        "held": sum(batch.detections for batch in held),
        "runs_awaiting_retry": list(dict.fromkeys(batch.run_id for batch in retried)),
        "in_flight": found.in_flight,
        "rejected": found.rejected,
        "waiting": found.waiting,
        "quarantined": sum(found.quarantined.values()),
    }


def find_remarks(health: ConnectorHealth) -> Iterator[str]:
    """Yield a sentence for each thing about a connector that somebody should know; its name stands before them."""
    if health.problem:
        yield health.problem
    yield from find_stranded(health)
    if health.gone:
        return
    if health.stopped:
        yield _say_stopped(health.connector, health.stopped)
    if health.debug:
        yield (
            "in debug mode: Recorded Future checks its detections and stores nothing, the ledger keeps nothing. "
            "With `debug: false` in the connectors file it goes live."
        )
    if health.behind:
        yield "is behind its update frequency: look at its runs in Airflow."
    if health.runs_awaiting_retry:
        yield f"unknown detections wait for the retry of {', '.join(health.runs_awaiting_retry)}."
    if health.held:
        yield f"{health.held} unknown detections are held: `settle --connector {health.connector}` settles them."
    if health.in_flight:
        yield f"{health.in_flight} detections are on their way, or their task has died: its retry tells."
    if health.budget and health.budget.exhausted:
        yield f"{health.budget.destination} said that it takes no more today."


def find_stranded(health: ConnectorHealth) -> Iterator[str]:
    """Yield a sentence for what no run of a connector will bring to its end."""
    name, overdue = health.connector, health.overdue
    if health.gone:
        counts = ", ".join(f"{count} {word.replace('_', ' ')}" for word in _OPEN if (count := getattr(health, word)))
        yield (
            f"is not in the connectors file, so nothing sends what the ledger has of it: {counts}. "
            f"`ledger hand-over {name} NEW` hands it over to the connector NEW."
        )
    if overdue:
        yield (
            f"{overdue.records} open quarantined records are older than `retention: history`, the oldest of "
            f"{overdue.oldest:%Y-%m-%d}. They stay until somebody settles them: `quarantine replay --connector {name}` "
            f"sends what can be sent, `quarantine close --connector {name}` closes the rest."
        )


def _say_stopped(name: str, streak: Streak) -> str:
    since, trial = (format_instant(at) if at else "unknown" for at in (streak.since, streak.trial_at))
    return (
        f"has stopped sending: since {since} {streak.submissions} submissions in a row ended unknown. From {trial} on "
        "a run sends one detection as a trial, and goes on by itself once Recorded Future accepts it: "
        f"`check {name}` says whether the API answers."
    )
