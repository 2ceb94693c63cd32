"""One measurement of `pipeline`: `python -m benchmarks.pipeline_child project okta URL` prints JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

_TOKEN = "benchmark-token"  # noqa: S105 - the page server takes any
_WORD = 1 << 64

Detections = Iterable[tuple[str, str]]


def main() -> None:
    """Run one side for one source; the clock starts after the imports."""
    side, source, url = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        run = _SIDES[side](source, url, Path(directory))
        wall, cpu = time.perf_counter(), time.process_time()
        detections = run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        count, fingerprint = _count(detections)
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "detections": count, "fingerprint": fingerprint}))


def _project(source: str, url: str, directory: Path) -> Callable[[], Detections]:
    from benchmarks import project_chain  # not in the process of the plain script
    from ci_operators.sources.registry import load_source

    load_source(source)
    return lambda: project_chain.read_detections(project_chain.run(source, url, _TOKEN, directory))


def _plain(source: str, url: str, directory: Path) -> Callable[[], Detections]:
    del directory
    script = import_module(f"benchmarks.plain_{source}")
    return lambda: _read_payloads(script.run(url, _TOKEN))


def _read_payloads(payloads: list[str]) -> Iterator[tuple[str, str]]:
    for payload in payloads:
        for detection in json.loads(payload)["data"]:
            yield detection["incident"]["id"], detection["ioc"]["value"]


def _count(detections: Detections) -> tuple[int, str]:
    """Return the number of detections and a fingerprint that does not depend on their order."""
    count = total = 0
    for event_id, indicator in detections:
        count += 1
        total += int.from_bytes(blake2b(f"{event_id} {indicator}".encode(), digest_size=8).digest(), "big")
    return count, f"{total % _WORD:016x}"


_SIDES = {"project": _project, "plain": _plain}

if __name__ == "__main__":
    main()
