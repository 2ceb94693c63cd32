"""A year of detections within the daily budget, on a simulated clock: the days that it takes, and the cost of runs."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.history_line import BATCH_SIZE, BEGIN, DESTINATION, LIVE_PER_SLOT, SLOTS_A_DAY, Done, Line
from benchmarks.row import Options, Row, show_count
from ci_operators.ledger.access import open_connection
from local_airflow.postgres import PostgresAddress
from simulator import Limits, ManualClock, Simulator, serve

#: Days of history (SentinelOne's, and the System Log's retention), each a run; detections in all.
CASES = {"a year": (365, 109_500), "90 days": (90, 45_000)}
QUICK_CASES = {"30 days": (30, 30_000)}
AIM_DAYS = 1.2
#: A run that finds the day's budget spent should do no work for it.
AIM_RUN = 2.0


def run(options: Options) -> Iterator[Row]:
    """Yield rows for each case: days, live runs, the day's budget, work of a run, and of a detection that waits."""
    with tempfile.TemporaryDirectory() as folder, fresh_postgres() as postgres:
        for number, (span, (pieces, count)) in enumerate((QUICK_CASES if options.quick else CASES).items()):
            label = f"{span}, {show_count(count)} detections"
            options.say(label)
            line = _simulate(postgres, f"ledger_{number}", Path(folder), pieces, count // pieces)
            yield from _describe(label, line, count)


def _simulate(postgres: PostgresAddress, database: str, folder: Path, pieces: int, per_piece: int) -> Line:
    engine, clock = make_ledger(postgres, database), ManualClock(BEGIN)
    limits = Limits(recorded_future_per_day=DESTINATION.daily_limit)
    vendors = Simulator(clock=clock, scenario=False, limits=limits)
    with serve(vendors) as simulator, open_connection(engine) as connection:
        line = Line(simulator, clock, connection, folder)
        line.run(pieces, per_piece)
    live = sum(done.kind == "scheduled" for done in line.done) * LIVE_PER_SLOT
    assert line.copies() == {1: pieces * per_piece + live}, line.copies()
    return line


def _describe(label: str, line: Line, count: int) -> Iterator[Row]:
    days = line.per_day()
    least = math.ceil(count / DESTINATION.limit_for_bulk)
    taken = (f"{len(days)} days", f"{least} days")
    yield Row("history", label, *taken, len(days) / least, f"≤ {AIM_DAYS:g} x", len(days) <= AIM_DAYS * least, AIM_DAYS)
    delays = line.delays()
    late = sum(many for delay, many in delays.items() if delay > timedelta(0))
    words = f"{show_count(late)} of {show_count(delays.total())} detections late"
    yield Row(
        "history, live runs", f"{label}, {SLOTS_A_DAY * LIVE_PER_SLOT} live a day", words, "", None, "0", not late
    )
    most = max(days.values())
    limit = DESTINATION.daily_limit
    budget = (f"{show_count(most)} on the fullest day", f"{show_count(limit)} a day")
    yield Row("history, budget", label, *budget, None, "≤ budget", most <= limit)
    yield from _compare_work(label, line.done)


def _compare_work(label: str, done: list[Done]) -> Iterator[Row]:
    """Yield the cost of a run with waiting detections, compared with one that delivers immediately."""
    plain = _per_run(done, lambda each: each.kind == "scheduled" and not each.put_off_again and not each.from_waiting)
    spent = _per_run(done, lambda each: each.kind == "scheduled" and each.put_off_again > 0 and not each.from_waiting)
    ratio = spent / plain
    words = f"{spent * 1e3:.0f} ms a live run, others wait", f"{plain * 1e3:.0f} ms, none waits"
    yield Row("history, work", label, *words, ratio, f"≤ {AIM_RUN:g} x", ratio <= AIM_RUN, AIM_RUN)
    late = [each for each in done if each.from_waiting > 10 * BATCH_SIZE]
    at_once = [each for each in done if each.kind == "backfill" and each.accepted]
    halves = late[: len(late) // 2], late[len(late) // 2 :]
    begin, end, first = (_per_detection(part) for part in (*halves, at_once))
    words = f"{end * 1e6:.0f} µs for one that waited", f"{first * 1e6:.0f} µs for one sent at once"
    yield Row("history, work", label, *words, end / first)
    words = f"{end * 1e6:.0f} µs, the last days'", f"{begin * 1e6:.0f} µs, the first days'"
    yield Row("history, work of those that wait", label, *words, end / begin)


def _per_run(done: list[Done], is_wanted: Callable[[Done], bool]) -> float:
    return median(each.cpu_s for each in done if is_wanted(each))


def _per_detection(done: list[Done]) -> float:
    return sum(each.cpu_s for each in done) / max(sum(each.accepted for each in done), 1)
