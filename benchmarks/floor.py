"""CPU of the chain by stage, compared with the least that the same libraries need for the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.children import Outcome, run_child
from benchmarks.floor_child import STAGES
from benchmarks.row import Options, Row, interleave, median_of, show_count
from ci_operators.sources import SOURCES

#: Events -> repetitions.
SIZES = {10_000: 9, 100_000: 5}
QUICK_SIZES = {10_000: 5, 100_000: 3}
AIM = 0.8


def run(options: Options) -> Iterator[Row]:
    """Yield a row for each source and size, and one for each stage at the largest size."""
    sizes = QUICK_SIZES if options.quick else SIZES
    for source in SOURCES:
        for events, repetitions in sizes.items():
            label = f"{source}, {show_count(events)} events"
            options.say(label)
            sides = [partial(run_child, "floor_child", side, source, str(events)) for side in ("chain", "floor")]
            chain, floor = interleave(repetitions, sides, options.say)
            yield _make_row(label, events, chain, floor, STAGES)
        for stage in STAGES:
            yield _make_row(f"{source}, {stage} alone", events, chain, floor, [stage])


def _make_row(case: str, events: int, chain: Sequence[Outcome], floor: Sequence[Outcome], stages: Sequence[str]) -> Row:
    """Return a row of events a CPU second. Only all stages together have an aim."""

    def count(outcomes: Sequence[Outcome]) -> float:
        return events / median_of(outcomes, lambda outcome: sum(outcome.said[stage] for stage in stages))

    ours, least = count(chain), count(floor)
    speeds = (f"{show_count(ours)} events/s", f"{show_count(least)} events/s")
    if len(stages) == 1:
        return Row("chain, CPU", case, *speeds, ours / least, more_is_better=True)
    words, met = f"≥ {AIM:g} x its floor", ours / least >= AIM
    return Row("chain, CPU", case, *speeds, ours / least, words, met, AIM, more_is_better=True)
