"""Runs a target over many examples: bounded each, counted, and whatever it finds made small and kept."""

from __future__ import annotations

import hashlib
import random
import re
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.fuzz.choices import Choices

#: One example: takes its decisions from the choices, checks what has to hold, and returns what came of it in a word.
Example = Callable[[Choices], str]

#: Processor seconds that one example may take. A usual one takes milliseconds.
PATIENCE_S = 10.0
#: Most examples need fewer bytes of decisions; now and then a long one.
SIZES = (8, 32, 64, 128, 256, 1024)
#: Seconds for making a finding smaller.
SHRINK_S = 10.0


class HangError(BaseException):
    """An example takes too long. No exception that the product could catch."""


@dataclass(frozen=True)
class Finding:
    """An example that fails: its bytes, and how."""

    data: bytes
    words: str
    trace: str


@dataclass
class Figures:
    """What a campaign did. slowest_s: processor seconds of its slowest example."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)

    def __str__(self) -> str:
        per_second = self.executions / self.seconds if self.seconds else 0.0
        return (
            f"{self.target}: {self.executions} executions, {per_second:.0f}/s, slowest {self.slowest_s:.2f} s, "
            f"{len(self.outcomes)} distinct outcomes, {len(self.findings)} findings"
        )


@dataclass(frozen=True)
class Campaign:
    """How long to look, from which seed on, and where findings go.

    examples: from fixed seeds, the same each time; fresh: from `seed`; minutes: instead of both, until time is over.
    """

    seed: int
    examples: int
    fresh: int
    minutes: float | None
    folder: Path

    def run(self, target: str, example: Example, *, share: float = 1.0) -> Figures:
        """Return the figures of a target; `share` is its part of the examples: some cost more than others."""
        figures = Figures(target)
        for data in self._inputs(share):
            began, begin = time.perf_counter(), time.process_time()
            finding = self._try(example, data, figures)
            figures.executions += 1
            figures.seconds += time.perf_counter() - began
            figures.slowest_s = max(figures.slowest_s, time.process_time() - begin)
            if finding is not None and finding.words not in figures.findings:
                figures.findings[finding.words] = self._keep(target, _shrink(example, finding))
        return figures

    def _inputs(self, share: float) -> Iterator[bytes]:
        if self.minutes is None:
            for number in range(round(self.examples * share)):
                yield make_input(random.Random(number))
            chance = random.Random(self.seed)
            for _ in range(round(self.fresh * share)):
                yield make_input(chance)
            return
        chance, end = random.Random(self.seed), time.monotonic() + self.minutes * 60
        while time.monotonic() < end:
            yield make_input(chance)

    def _try(self, example: Example, data: bytes, figures: Figures) -> Finding | None:
        found = try_once(example, data)
        if isinstance(found, Finding):
            return found
        figures.outcomes[found] += 1
        return None

    def _keep(self, target: str, finding: Finding) -> Finding:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{target}-{hashlib.sha256(finding.data).hexdigest()[:12]}"
        path.with_suffix(".bin").write_bytes(finding.data)
        path.with_suffix(".txt").write_text(finding.trace, encoding="utf-8", errors="replace")
        return finding


def make_input(chance: random.Random) -> bytes:
    """Return the decisions of one example."""
    return chance.randbytes(chance.choice(SIZES))


def try_once(example: Example, data: bytes) -> str | Finding:
    """Return what came of one example, or how it failed."""
    try:
        with _bounded():
            return example(Choices(data))
    except (Exception, HangError) as err:
        return Finding(data, _name(err), "".join(traceback.format_exception(err)))


@contextmanager
def _bounded() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise HangError(f"more than {PATIENCE_S} s")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _name(error: BaseException) -> str:
    """Return what tells a finding from others: the error, and the line it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    last = own[-1] if own else frames[-1]
    words = re.sub(r"\d+", "0", str(error))[:60]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {words}"


def _shrink(example: Example, finding: Finding) -> Finding:
    """Return the finding with fewer bytes, as many of them zero as a few hundred tries find."""
    best, end = finding, time.monotonic() + SHRINK_S
    position, size = 0, max(1, len(finding.data) // 2)
    while size and time.monotonic() < end:  # cut pieces out, larger ones first
        smaller = _fails_alike(example, best, best.data[:position] + best.data[position + size :])
        best, position = (smaller, position) if smaller else (best, position + size)
        if position >= len(best.data):
            position, size = 0, size // 2
    for position in range(len(best.data)):
        if best.data[position] and time.monotonic() < end:
            zeroed = best.data[:position] + b"\0" + best.data[position + 1 :]
            best = _fails_alike(example, best, zeroed) or best
    return best


def _fails_alike(example: Example, finding: Finding, data: bytes) -> Finding | None:
    found = try_once(example, data)
    is_alike = isinstance(found, Finding) and found.words.partition(": ")[0] == finding.words.partition(": ")[0]
    return found if is_alike and isinstance(found, Finding) else None
