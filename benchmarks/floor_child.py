"""One measurement of `floor`: `python -m benchmarks.floor_child chain okta 10000` prints the CPU seconds of each stage.

`chain` is what the tasks do, from pages in memory to validated detections in a file. `floor` is the least that stages
with files between them can do with the same libraries: split, compress, decompress, decode and encode the same bytes,
with the events that the chain drops, and the detections that it gives, known beforehand.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from benchmarks.pages import PAGE_EVENTS, find_decoder, make_templates, number_events
from ci_operators.attack import attack_table
from ci_operators.core.detection import Detection, decode_detection, encode_detection
from ci_operators.core.window import Window
from ci_operators.sources.public_suffix import has_public_suffix
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.chain import run_step
from ci_operators.stages.extraction import extract
from ci_operators.staging.artifact import CHUNK_BYTES, COMPRESSION_LEVEL
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.paging import Page

STAGES = ("extract", "filter", "map", "validate")
_WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=1), datetime(2026, 1, 1, tzinfo=UTC))
_split = msgspec.json.Decoder(list[msgspec.Raw])


class Pages:
    """The answers of a source. spent_s: CPU seconds to make them, which are not counted."""

    def __init__(self, source: str, events: int) -> None:
        self.count, self.spent_s, self._templates = events // PAGE_EVENTS, 0.0, make_templates(source)

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.count):
            began = time.process_time()
            page = number_events(self._templates[number % len(self._templates)], number)
            self.spent_s += time.process_time() - began
            yield page


def main() -> None:
    """Run one side for one source, after loading the tables that a worker loads before it forks a task."""
    side, source, events = sys.argv[1:]
    attack_table(), has_public_suffix("example.com"), load_source(source)
    with tempfile.TemporaryDirectory() as directory:
        stages = _SIDES[side](source, Pages(source, int(events)), Path(directory))
        print(json.dumps({stage: _clock(work) for stage, work in zip(STAGES, stages, strict=True)}))


def _clock(work: Callable[[], float | None]) -> float:
    """Return the CPU seconds of a stage without those that it returns."""
    began = time.process_time()
    not_counted = work() or 0.0
    return time.process_time() - began - not_counted


def _chain(source: str, pages: Pages, directory: Path) -> Iterator[Callable[[], float | None]]:
    connector = OPTIONS[source].model_validate({"name": "benchmark", "source": source})
    artifacts: list[Any] = []

    def read() -> float:
        artifacts.append(extract(lambda *_: _cut(pages), _WINDOW, source, directory).artifact)
        return pages.spent_s

    yield read
    for stage in STAGES[1:]:
        yield lambda: artifacts.append(run_step(stage, connector, artifacts[-1], directory).artifact)  # noqa: B023


def _cut(pages: Iterable[bytes]) -> Iterator[Page]:
    for number, body in enumerate(pages, start=1):
        yield Page(cut_elements(decode_answer(body, _split, "Benchmark")), str(number))


def _floor(source: str, pages: Pages, directory: Path) -> Iterator[Callable[[], float | None]]:
    files = {stage: directory / stage for stage in STAGES}
    decode, found = find_decoder(source), _find_detections(source)
    kept, detections = cycle(each is not None for each in found), cycle(each for each in found if each is not None)

    def read() -> float:
        _compress(files["extract"], (list(map(bytes, _split.decode(body))) for body in pages))
        return pages.spent_s

    yield read
    yield lambda: _compress(
        files["filter"], _each(files["extract"], lambda text: [text] if (decode(text), next(kept))[1] else [])
    )
    yield lambda: _compress(
        files["map"],
        _each(files["filter"], lambda text: (decode(text), list(map(encode_detection, next(detections))))[1]),
    )
    yield lambda: _compress(files["validate"], _each(files["map"], lambda text: (decode_detection(text), [text])[1]))


def _find_detections(source: str) -> list[list[Detection] | None]:
    """Return the detections that the chain gives for each event of the templates; None for one that is dropped."""
    connector = OPTIONS[source].model_validate({"name": "benchmark", "source": source})
    loaded = load_source(source)
    keep, to_detections = loaded.criteria(connector), loaded.mapping(connector, lambda _note: None)
    found: list[list[Detection] | None] = []
    for template in make_templates(source):
        for text in map(bytes, _split.decode(number_events(template, 0))):
            verdict = to_detections(text) if isinstance(keep(text), bytes) else None
            texts = [verdict] if isinstance(verdict, bytes) else verdict if isinstance(verdict, list) else []
            found.append(None if verdict is None else list(map(decode_detection, texts)))
    return found


def _each(path: Path, step: Callable[[bytes], list[bytes]]) -> Iterator[list[bytes]]:
    rest = b""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as text:
        while chunk := text.read(CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            yield list(chain.from_iterable(map(step, lines)))


def _compress(path: Path, chunks: Iterable[list[bytes]]) -> None:
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)
    with path.open("wb") as file, compressor.stream_writer(file) as out:
        for lines in chunks:
            out.write(b"\n".join([*lines, b""]))


_SIDES = {"chain": _chain, "floor": _floor}

if __name__ == "__main__":
    main()
