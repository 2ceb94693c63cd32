"""The queries of the pages to the ledger: milliseconds at 1 000, 100 000 and 1 000 000 detections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

from sqlalchemy import Connection, text

from benchmarks.filled_ledger import IMPORT, SHORT, fill_ledger
from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.row import Options, Row, show_count
from ci_operators.ledger import overview, run_records, trends
from ci_operators.ledger.access import make_reader, open_connection
from ci_operators.ledger.indicators import find_by_indicator
from ci_operators.ledger.trail import find_connectors, find_states, find_trail
from local_airflow.postgres import PostgresAddress

SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 100_000)
REPETITIONS = 9
AIM_MS = 200.0
#: Queries that read no more rows than they show, however many the run has.
RECORDS = "records of a run"
#: The connector of the run that dropped most.
OF_IMPORT = "okta-1"
RANGES = {"7 days": timedelta(days=7), "30 days": timedelta(days=30), "whole": timedelta(days=4000)}

Query = Callable[[Connection], Any]

_SAMPLE = text(
    """
    SELECT d.key, d.event_id, d.indicator, b.run_id FROM detection d JOIN batch b ON b.id = d.batch_id
    WHERE b.connector_id = :connector ORDER BY d.batch_id, d.key LIMIT 50
    """
)
#: The aim of some queries: the query of a person must not read ten million rows.
_MOST_SEEN = text(
    """
    SELECT indicator FROM (SELECT indicator FROM detection WHERE indicator_type = 'ip' LIMIT 20000) found
    GROUP BY indicator ORDER BY count(*) DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Named:
    """A query as a page asks it."""

    name: str
    case: str
    ask: Query


def run(options: Options) -> Iterator[Row]:
    """Yield a row for each query: the largest ledger, compared with the smaller ones."""
    now = datetime.now(UTC)
    sizes = QUICK_SIZES if options.quick else SIZES
    with fresh_postgres() as postgres:
        found: list[dict[tuple[str, str], float]] = []
        for size in sizes:
            options.say(f"{show_count(size)} detections")
            found.append(measure(postgres, size, now))
    for name, case in found[0]:
        yield compare_sizes(name, case, sizes, [each[name, case] for each in found])


def measure(postgres: PostgresAddress, size: int, now: datetime) -> dict[tuple[str, str], float]:
    """Return milliseconds (median) of each query against a new ledger of a size."""
    name = f"ledger_{size}"
    fill_ledger(make_ledger(postgres, name), size, now)
    reader = make_reader(postgres.url(name))
    with open_connection(reader) as connection:
        times = {(query.name, query.case): time_query(connection, query.ask) for query in list_queries(connection, now)}
    reader.dispose()
    return times


def list_queries(connection: Connection, now: datetime) -> Iterator[Named]:
    """Yield the queries of the pages."""
    names = find_connectors(connection)
    for span, length in RANGES.items():
        for case, chosen in ((f"{span}, all connectors", names), (f"{span}, one connector", names[:1])):
            for name, ask in _trends(chosen, now - length, now).items():
                yield Named(name, case, ask)
    yield from _look_ups(connection, names)
    yield from _standing(connection, names, now)


def _trends(names: Sequence[str], since: datetime, until: datetime) -> dict[str, Query]:
    days = {"since": since.date(), "until": until.date() + timedelta(days=1)}
    return {
        "days": lambda connection: trends.count_days(connection, names, **days),
        "codes": lambda connection: trends.count_codes(connection, names, **days),
        "reasons": lambda connection: trends.count_reasons(connection, names, since, until),
        "top indicators": lambda connection: trends.find_top_indicators(connection, names, since, until, 20),
    }


def _look_ups(connection: Connection, names: Sequence[str]) -> Iterator[Named]:
    number = overview.find_id(connection, names[0])
    with connection.begin():
        rows = connection.execute(_SAMPLE, {"connector": number}).all()
        frequent = connection.execute(_MOST_SEEN).scalar_one()
    keys, (event_id, indicator, run_id) = [bytes(row.key) for row in rows], rows[0][1:]
    yield Named("states of a page", "50 keys", lambda c: find_states(c, keys))
    yield Named("trail", "one event, all connectors", lambda c: find_trail(c, names, event_id))
    yield Named("trail", "an unknown event", lambda c: find_trail(c, names, "nobody-has-met-it"))
    yield Named("by indicator", "a rare one", lambda c: find_by_indicator(c, names, indicator, 51))
    yield Named("by indicator", "the most frequent", lambda c: find_by_indicator(c, names, frequent, 51))
    for kind, find in _RUN_RECORDS.items():
        yield Named(RECORDS, kind, partial(_of_run, find, names[0], run_id))
    for kind, ask in _IMPORT_RECORDS.items():
        yield Named(RECORDS, f"{kind} of a large one", partial(ask, name=OF_IMPORT))


_RUN_RECORDS: dict[str, Callable[..., Any]] = {
    "detections": run_records.find_run_detections,
    "dropped": run_records.find_run_dropped,
    "quarantined": run_records.find_run_quarantined,
}

#: One half of the keys is before it.
_HALF = b"\x80"
_IMPORT_RECORDS: dict[str, Callable[..., Any]] = {
    "first dropped": lambda c, name: run_records.find_run_dropped(c, name, IMPORT, 51),
    "dropped from the middle on": lambda c, name: run_records.find_run_dropped(c, name, IMPORT, 51, _HALF),
    "detections": lambda c, name: run_records.find_run_detections(c, name, IMPORT, 51),
    "quarantined": lambda c, name: run_records.find_run_quarantined(c, name, IMPORT, 51),
}


def _of_run(find: Callable[..., Any], name: str, run_id: str, connection: Connection) -> Any:
    return find(connection, name, run_id, 51)


def _standing(connection: Connection, names: Sequence[str], now: datetime) -> Iterator[Named]:
    """Yield the queries of the list of connectors, for one of them and for all."""
    midnight, week = now.replace(hour=0, minute=0, second=0, microsecond=0), now - timedelta(days=7)
    short = overview.find_id(connection, SHORT) or 0
    yield Named("standing", "first window", lambda c: overview.find_first_since(c, short))
    for case, numbers in (("one connector", [short]), ("all connectors", list(overview.find_names(connection, names)))):
        questions: dict[str, Callable[..., Any]] = {
            "last window": overview.find_last_windows,
            "counts of today": partial(overview.count_since, since=midnight),
            "counts of 7 days": partial(overview.count_since, since=week),
            "what is open": overview.find_opens,
        }
        for name, ask in questions.items():
            yield Named("standing", f"{name}, {case}", partial(_of_connectors, ask, numbers))


def _of_connectors(find: Callable[..., Any], numbers: Sequence[int], connection: Connection) -> Any:
    return find(connection, numbers)


def time_query(connection: Connection, ask: Query) -> float:
    """Return the median of some times of a query, in milliseconds."""
    times = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        ask(connection)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def compare_sizes(name: str, case: str, sizes: Sequence[int], times: Sequence[float]) -> Row:
    """Return the milliseconds for the largest ledger, compared with those for the smaller ones."""
    smaller = ", ".join(f"{ms:.1f} ms at {show_count(size)}" for size, ms in zip(sizes[:-1], times[:-1], strict=True))
    return Row(
        name,
        case,
        f"{times[-1]:.1f} ms at {show_count(sizes[-1])}",
        smaller,
        times[-1] / times[0],
        f"< {AIM_MS:.0f} ms",
        times[-1] < AIM_MS,
    )
