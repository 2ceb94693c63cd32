"""Events per second from extract to stored, compared with a script that does the same without a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.children import Outcome, run_child, running_api_server, running_page_server
from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.row import Options, Row, interleave, median_of, show_api, show_count

#: Milliseconds that the API takes for a request, repetitions, and the aim as a multiple of the script's speed.
CASES = ((0, 5, 1.2), (200, 1, 3.0))
EVENTS, QUICK_EVENTS = 50_000, 10_000


def run(options: Options) -> Iterator[Row]:
    """Yield a row for each case."""
    events = QUICK_EVENTS if options.quick else EVENTS
    with fresh_postgres() as postgres:
        make_ledger(postgres)
        for delay_ms, repetitions, aim in CASES:
            yield _measure(postgres.url("ledger"), events, delay_ms, repetitions, aim, options)


def _measure(address: str, events: int, delay_ms: int, repetitions: int, aim: float, options: Options) -> Row:
    label = f"okta, {show_count(events)} events, {show_api(delay_ms)}"
    with running_page_server("okta", events) as source, running_api_server(delay_ms) as api:
        sides = [partial(run_child, "delivery_child", side, source, api, address) for side in ("project", "plain")]
        project, plain = interleave(repetitions, sides, lambda sentence: options.say(f"{label}: {sentence}"))
    assert len({outcome.said["stored"] for outcome in (*project, *plain)}) == 1, "they do not store the same"
    seconds, plain_seconds = median_of(project, _wall_s), median_of(plain, _wall_s)
    ours, theirs = (f"{show_count(events / each)} events/s" for each in (seconds, plain_seconds))
    ratio = plain_seconds / seconds
    return Row("delivery", label, ours, theirs, ratio, f"≥ {aim:g} x plain", ratio >= aim, aim, more_is_better=True)


def _wall_s(outcome: Outcome) -> float:
    return float(outcome.said["wall_s"])
