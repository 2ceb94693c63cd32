"""A ledger of ten million detections compared with one of ten thousand: look-ups, delivery, compaction, and size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from sqlalchemy import Connection, Engine, text

from benchmarks.children import run_child, running_api_server
from benchmarks.filled_ledger import fill_ledger
from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.page_queries import list_queries, time_query
from benchmarks.row import Options, Row, show_count, show_megabytes
from ci_operators.ledger.access import make_reader, open_connection
from ci_operators.ledger.compaction import forget_delivered
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row as Detection
from local_airflow.postgres import PostgresAddress

SMALL, SIZE, QUICK_SIZE = 10_000, 10_000_000, 100_000
#: What `explain`, `status` and the list of connectors ask.
ASKED = ("trail", "states of a page", "by indicator", "standing")
#: It reads all open records, a thousand times as many in the larger ledger, so it has no aim.
GROWING = "what is open"
#: Detections that a submitting run looks up at once.
GROUP = 2_000
NEW = 10_000
REPETITIONS = 7
#: The part of the ledger that compaction deletes.
SHARE = 0.05
#: A tree with a thousand times as many leaves is some levels higher, and its pages are not all in memory.
AIM_GROWTH = 4.0

_SAMPLE = text(
    "SELECT key FROM (SELECT key FROM detection TABLESAMPLE BERNOULLI (:percent)) sample ORDER BY random() LIMIT :group"
)
_CUT = text("SELECT percentile_disc(:share) WITHIN GROUP (ORDER BY settled_at) FROM batch WHERE state = 2")
_SIZES = text(
    """
    SELECT c.relname, pg_table_size(c.oid) AS rows, pg_indexes_size(c.oid) AS indexes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind = 'r'
    """
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of one ledger: milliseconds by query, detections a second by work, bytes by table."""

    size: int
    times_ms: Mapping[tuple[str, str], float]
    rates: Mapping[str, float]
    sizes: Mapping[str, tuple[int, int]]


def run(options: Options) -> Iterator[Row]:
    """Yield a row for each question, for each work, and for each large table."""
    with fresh_postgres() as postgres:
        small, large = (_measure(postgres, size, options) for size in (SMALL, QUICK_SIZE if options.quick else SIZE))
    for name, case in small.times_ms:
        yield _time_row(name, case, small, large)
    for work in small.rates:
        yield _rate_row(work, small, large)
    yield from _size_rows(small, large)


def _measure(postgres: PostgresAddress, size: int, options: Options) -> Measured:
    name, now = f"ledger_{size}", datetime.now(UTC)
    engine = make_ledger(postgres, name)
    options.say(f"filling a ledger with {show_count(size)} detections")
    fill_ledger(engine, size, now, imported=0)
    sizes = _read_sizes(engine)
    options.say(f"asking {show_count(size)} detections")
    times = {**_time_look_ups(engine, size), **_time_questions(postgres.url(name), now)}
    options.say(f"delivering to, and forgetting of, {show_count(size)} detections")
    rates = {f"deliver {show_count(NEW)} new": _deliver(postgres.url(name)), "forget the oldest": _forget(engine)}
    return Measured(size, times, rates, sizes)


def _time_look_ups(engine: Engine, size: int) -> dict[tuple[str, str], float]:
    """Return the milliseconds of a submitting run's look-up of its detections, if all are known and if all are new.

    Each look-up asks for others, because the pages of the previous ones are in memory.
    """
    with engine.connect() as connection:
        deliveries = Deliveries(connection, "okta-1", "run", "recorded_future_default")
        times: dict[str, list[float]] = {"known": [], "new": []}
        for _ in range(REPETITIONS):
            known = _draw_keys(connection, size)
            times["known"].append(_time_find(deliveries, known))
            times["new"].append(_time_find(deliveries, [bytes(reversed(key)) for key in known]))
    return {("look-up", f"{show_count(GROUP)} {kind} keys"): median(found) for kind, found in times.items()}


def _draw_keys(connection: Connection, size: int) -> list[bytes]:
    with connection.begin():
        values = {"percent": min(100.0, 300.0 * GROUP / size), "group": GROUP}
        return [bytes(key) for key in connection.execute(_SAMPLE, values).scalars()]


def _time_find(deliveries: Deliveries, keys: list[bytes]) -> float:
    rows = [Detection(key, "", "", "", "", [], b"") for key in keys]
    started = time.perf_counter()
    deliveries.find(rows)
    return (time.perf_counter() - started) * 1000


def _time_questions(address: str, now: datetime) -> dict[tuple[str, str], float]:
    reader = make_reader(address)
    with open_connection(reader) as connection:
        asked = [query for query in list_queries(connection, now) if query.name in ASKED]
        times = {(query.name, query.case): time_query(connection, query.ask) for query in asked}
    reader.dispose()
    return times


def _deliver(address: str) -> float:
    """Return the detections a second of a delivery to an API that answers immediately."""
    with running_api_server(0) as url:
        seconds = [run_child("ledger_child", "ledger", url, address, str(NEW)).said["wall_s"] for _ in range(3)]
    return NEW / float(median(seconds))


def _forget(engine: Engine) -> float:
    """Return the detections a second that compaction deletes."""
    with engine.connect() as connection:
        with connection.begin():
            before = connection.scalar(_CUT, {"share": SHARE})
        started = time.perf_counter()
        forgotten = forget_delivered(connection, before)
        return forgotten / (time.perf_counter() - started)


def _read_sizes(engine: Engine) -> dict[str, tuple[int, int]]:
    with engine.connect() as connection:
        return {row.relname: (row.rows, row.indexes) for row in connection.execute(_SIZES)}


def _time_row(name: str, case: str, small: Measured, large: Measured) -> Row:
    ms, beside = large.times_ms[name, case], small.times_ms[name, case]
    words = (f"{ms:.1f} ms at {show_count(large.size)}", f"{beside:.1f} ms at {show_count(small.size)}")
    if GROWING in case:
        return Row(f"big ledger: {name}", case, *words, ms / beside)
    return _compare(f"big ledger: {name}", case, words, ms / beside)


def _rate_row(work: str, small: Measured, large: Measured) -> Row:
    rate, beside = (f"{show_count(each.rates[work])} /s at {show_count(each.size)}" for each in (large, small))
    return _compare("big ledger", work, (rate, beside), small.rates[work] / large.rates[work])


def _compare(name: str, case: str, words: tuple[str, str], slower: float) -> Row:
    project, beside = words
    return Row(name, case, project, beside, slower, f"≤ {AIM_GROWTH:g} x small", slower <= AIM_GROWTH, AIM_GROWTH)


def _size_rows(small: Measured, large: Measured) -> Iterator[Row]:
    """Yield the bytes for a million detections, with the records of their runs."""
    for table in (*sorted(large.sizes, key=lambda name: -sum(large.sizes[name]))[:4], None):
        (words, total), (beside, other) = (_show_size(measured, table) for measured in (large, small))
        yield Row("big ledger size of a million", table or "all tables", words, beside, total / other)


def _show_size(measured: Measured, table: str | None) -> tuple[str, float]:
    chosen = [measured.sizes[table]] if table else list(measured.sizes.values())
    scale = 1e6 / measured.size
    rows, indexes = (sum(sizes) * scale for sizes in zip(*chosen, strict=True))
    return f"{show_megabytes(rows)} + indexes {show_megabytes(indexes)}", rows + indexes
