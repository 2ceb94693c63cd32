"""A new process for each measurement, so that what one leaves in memory does not affect another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a child (the JSON object in its last line), and its largest memory as the system counts it."""

    said: dict[str, Any]
    peak_bytes: int


def run_child(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """Return the outcome of `python -m benchmarks.<module>`. Raises RuntimeError if it fails."""
    child = _start(module, *arguments, environment=environment)
    assert child.stdout is not None
    with child.stdout as output:
        lines = output.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"benchmarks.{module} {' '.join(arguments)} failed (status {child.returncode})")
    # Linux counts kilobytes, macOS bytes.
    return Outcome(json.loads(lines[-1]), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


@contextmanager
def running_page_server(source: str, events: int) -> Iterator[str]:
    """Serve events in a separate process, whose work is not counted; yield its URL."""
    with _running("page_server", source, str(events)) as url:
        yield url


@contextmanager
def running_api_server(delay_ms: int) -> Iterator[str]:
    """Serve an API that accepts everything, in a separate process; yield its URL."""
    with _running("api_server", str(delay_ms)) as url:
        yield url


@contextmanager
def _running(module: str, *arguments: str) -> Iterator[str]:
    server = _start(module, *arguments)
    try:
        assert server.stdout is not None
        with server.stdout as output:
            yield output.readline().strip()
    finally:
        server.terminate()
        server.wait()


def _start(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    path = os.pathsep.join(str(ROOT / part) for part in (".", "plugins", "include"))
    return subprocess.Popen(  # noqa: S603 - the command is our own
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
    )
