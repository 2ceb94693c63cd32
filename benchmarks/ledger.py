"""The cost of the ledger: detections per second and memory of a delivery, compared with the same submissions without
one, and with PostgreSQL's own time for the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.children import Outcome, run_child, running_api_server
from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.row import Options, Row, Say, interleave, median_of, show_api, show_count, show_megabytes

#: Milliseconds the API takes for a request, detections, repetitions.
CASES = ((0, 100_000, 3), (20, 100_000, 3), (0, 1_000_000, 1))
QUICK_CASES = ((0, 20_000, 3), (20, 20_000, 3))
#: A part of PostgreSQL's own speed with the same rows: a COPY for each group of batches, an UPDATE for each batch.
AIM_OF_FLOOR = 0.5
AIM_MEMORY_BYTES = 200e6
_SIDES = ("ledger", "plain", "floor")


def run(options: Options) -> Iterator[Row]:
    """Yield two rows for each case: speed, memory."""
    with fresh_postgres() as postgres:
        make_ledger(postgres)
        for case in QUICK_CASES if options.quick else CASES:
            yield from _measure(postgres.url("ledger"), *case, say=options.say)


def _measure(address: str, delay_ms: int, count: int, repetitions: int, *, say: Say) -> Iterator[Row]:
    label = f"{show_count(count)} detections, {show_api(delay_ms)}"
    with running_api_server(delay_ms) as url:
        sides = [partial(run_child, "ledger_child", side, url, address, str(count)) for side in _SIDES]
        with_ledger, plain, floor = interleave(repetitions, sides, lambda sentence: say(f"{label}: {sentence}"))
    seconds, *besides = (median_of(side, _wall_s) for side in (with_ledger, plain, floor))
    words = [f"{show_count(count / each)} /s" for each in (seconds, *besides)]
    yield Row("ledger speed", label, words[0], words[1], besides[0] / seconds, more_is_better=True)
    if not delay_ms:
        ratio = besides[1] / seconds
        aim, met = f"≥ {AIM_OF_FLOOR:g} x PostgreSQL's floor", ratio >= AIM_OF_FLOOR
        yield Row("ledger, floor", label, words[0], words[2], ratio, aim, met, AIM_OF_FLOOR, more_is_better=True)
    peak = max(outcome.peak_bytes for outcome in with_ledger)
    plain_peak = max(outcome.peak_bytes for outcome in plain)
    aim = f"< {show_megabytes(AIM_MEMORY_BYTES)}, flat"
    ratio = peak / plain_peak
    yield Row(
        "ledger memory", label, show_megabytes(peak), show_megabytes(plain_peak), ratio, aim, peak < AIM_MEMORY_BYTES
    )


def _wall_s(outcome: Outcome) -> float:
    return float(outcome.said["wall_s"])
