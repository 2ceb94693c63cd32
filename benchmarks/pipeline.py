"""Events per second and memory from extract to validate, compared with a script that does the same in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import psutil

from benchmarks.children import Outcome, run_child, running_page_server
from benchmarks.row import Options, Row, Say, interleave, median_of, show_count, show_megabytes
from ci_operators.sources import SOURCES as REGISTERED

#: Those that have a plain script.
SOURCES = tuple(name for name in REGISTERED if find_spec(f"benchmarks.plain_{name}"))
#: Events -> repetitions; a million take minutes.
SIZES = {10_000: 7, 100_000: 5, 1_000_000: 1}
QUICK_SIZES = {10_000: 3, 100_000: 3}
AIM_MEMORY_BYTES = 200e6
#: The plain script holds every event as Python objects: measured at 100 000 events, rounded up.
PLAIN_BYTES_PER_EVENT = 12_000


@dataclass(frozen=True, slots=True)
class Size:
    """The outcomes of the project and of the plain script for one size of a source. None: it needs too much memory."""

    source: str
    events: int
    project: list[Outcome]
    plain: list[Outcome]


def run(options: Options) -> Iterator[Row]:
    """Yield two rows for each source and size: speed, memory."""
    for source in SOURCES:
        for events, repetitions in (QUICK_SIZES if options.quick else SIZES).items():
            size = _measure(source, events, repetitions, options.say)
            yield _speed_row(size)
            yield _memory_row(size)


def _measure(source: str, events: int, repetitions: int, say: Say) -> Size:
    with running_page_server(source, events) as url:
        sides = [partial(run_child, "pipeline_child", "project", source, url)]
        if events * PLAIN_BYTES_PER_EVENT < psutil.virtual_memory().available:
            sides.append(partial(run_child, "pipeline_child", "plain", source, url))
        label = f"{source}, {show_count(events)} events"
        found = interleave(repetitions, sides, lambda sentence: say(f"{label}: {sentence}"))
    results = {(outcome.said["detections"], outcome.said["fingerprint"]) for side in found for outcome in side}
    assert len(results) == 1, f"{label}: project and plain script differ: {results}"
    return Size(source, events, found[0], found[1] if len(found) > 1 else [])


def _speed_row(size: Size) -> Row:
    project = size.events / median_of(size.project, _wall_s)
    label = f"{size.source}, {show_count(size.events)} events"
    if not size.plain:
        return Row("pipeline speed", label, _per_second(project), "needs too much memory")
    plain = size.events / median_of(size.plain, _wall_s)
    ratio = project / plain
    return Row("pipeline speed", label, _per_second(project), _per_second(plain), ratio, more_is_better=True)


def _memory_row(size: Size) -> Row:
    project = max(outcome.peak_bytes for outcome in size.project)
    plain = max((outcome.peak_bytes for outcome in size.plain), default=None)
    return Row(
        "pipeline memory",
        f"{size.source}, {show_count(size.events)} events",
        show_megabytes(project),
        "needs too much memory" if plain is None else show_megabytes(plain),
        None if plain is None else project / plain,
        f"< {show_megabytes(AIM_MEMORY_BYTES)}, flat",
        project < AIM_MEMORY_BYTES,
    )


def _wall_s(outcome: Outcome) -> float:
    return float(outcome.said["wall_s"])


def _per_second(number: float) -> str:
    return f"{show_count(number)} events/s"
