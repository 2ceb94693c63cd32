"""A million events in one window, from extract to stored with the ledger: speed, memory and bytes in staging."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.children import Outcome, run_child, running_api_server, running_page_server
from benchmarks.fresh_ledger import fresh_postgres, make_ledger
from benchmarks.row import Options, Row, show_api, show_count, show_megabytes

#: Milliseconds that the API takes for a request.
DELAYS_MS = (0, 20)
EVENTS, QUICK_EVENTS = 1_000_000, 100_000
#: A tenth of the events has to take as much memory, so that it does not grow with the window.
SMALL = 10
AIM_MEMORY_BYTES = 100e6


def run(options: Options) -> Iterator[Row]:
    """Yield the rows of speed and memory for each delay, and one for the staging area."""
    events = QUICK_EVENTS if options.quick else EVENTS
    with fresh_postgres() as postgres:
        make_ledger(postgres)
        measure = partial(_deliver, postgres.url("ledger"))
        small = measure("project", events // SMALL, DELAYS_MS[0])
        for delay_ms in DELAYS_MS:
            label = f"okta, {show_count(events)} events, {show_api(delay_ms)}"
            options.say(label)
            project, plain = (measure(side, events, delay_ms) for side in ("project", "plain"))
            ours, theirs = (events / outcome.said["wall_s"] for outcome in (project, plain))
            speed, beside = (f"{show_count(each)} events/s" for each in (ours, theirs))
            yield Row("burst", label, speed, beside, ours / theirs, more_is_better=True)
            yield _memory_row(label, small, project)
    yield _staging_row(f"okta, {show_count(events)} events", project, events)


def _deliver(ledger: str, side: str, events: int, delay_ms: int) -> Outcome:
    with running_page_server("okta", events) as source, running_api_server(delay_ms) as api:
        return run_child("delivery_child", side, source, api, ledger)


def _memory_row(label: str, small: Outcome, project: Outcome) -> Row:
    """Return the memory beside that of a tenth of the events."""
    peak, beside = (show_megabytes(each.peak_bytes) for each in (project, small))
    met = project.peak_bytes < AIM_MEMORY_BYTES
    ratio = project.peak_bytes / small.peak_bytes
    return Row("burst memory", label, peak, beside, ratio, f"< {show_megabytes(AIM_MEMORY_BYTES)}", met)


def _staging_row(label: str, project: Outcome, events: int) -> Row:
    """Return the bytes of an event in the staging area, beside those of extract's artifact alone."""
    sizes = project.said["staging_bytes"]
    total, extracted = (size / events for size in (sum(sizes.values()), sizes["extract.jsonl.zst"]))
    words, beside = (f"{show_count(each)} bytes/event" for each in (total, extracted))
    return Row("burst staging", label, words, beside, total / extracted)
