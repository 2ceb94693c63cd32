"""What the ledger costs: detections per second and memory of a delivery, beside the same submissions without one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.children import Outcome, run_child, running_api_server
from benchmarks.row import Options, Row, Say, interleave, median_of, show_count, show_megabytes
from ci_operators.ledger.access import make_engine
from ci_operators.ledger.schema import migrate
from local_airflow.postgres import running_postgres

#: Milliseconds the API takes for a request, detections, repetitions.
CASES = ((0, 100_000, 3), (20, 100_000, 3), (0, 1_000_000, 1))
QUICK_CASES = ((0, 20_000, 3), (20, 20_000, 3))
#: Part of the time of a delivery that the ledger may take.
AIM_SHARE = 0.25
AIM_MEMORY_BYTES = 200e6


def run(options: Options) -> Iterator[Row]:
    """Yield two rows for each case: speed, memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running_postgres(home / "postgres", home / "postgres.log", keep=False) as postgres:
            postgres.ensure_database("ledger")
            address = postgres.url("ledger")
            migrate(make_engine(address))
            for case in QUICK_CASES if options.quick else CASES:
                yield from _measure(address, *case, say=options.say)


def _measure(address: str, delay_ms: int, count: int, repetitions: int, *, say: Say) -> Iterator[Row]:
    label = f"{show_count(count)} detections, API {f'after {delay_ms} ms' if delay_ms else 'at once'}"
    with running_api_server(delay_ms) as url:
        sides = [partial(run_child, "ledger_child", side, url, address, str(count)) for side in ("ledger", "plain")]
        with_ledger, plain = interleave(repetitions, sides, lambda sentence: say(f"{label}: {sentence}"))
    seconds, plain_seconds = median_of(with_ledger, _wall_s), median_of(plain, _wall_s)
    share = 1 - plain_seconds / seconds
    yield Row(
        "ledger speed",
        label,
        f"{show_count(count / seconds)} /s",
        f"{show_count(count / plain_seconds)} /s",
        plain_seconds / seconds,
        f"ledger < {AIM_SHARE:.0%} of the time, is {share:.0%}",
        share < AIM_SHARE,
        1 - AIM_SHARE,
        more_is_better=True,
    )
    peak = max(outcome.peak_bytes for outcome in with_ledger)
    plain_peak = max(outcome.peak_bytes for outcome in plain)
    aim = f"< {show_megabytes(AIM_MEMORY_BYTES)}, flat"
    ratio = peak / plain_peak
    yield Row(
        "ledger memory", label, show_megabytes(peak), show_megabytes(plain_peak), ratio, aim, peak < AIM_MEMORY_BYTES
    )


def _wall_s(outcome: Outcome) -> float:
    return float(outcome.said["wall_s"])
