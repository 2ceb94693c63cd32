"""One row of the table, and the summary of repeated measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")

#: Reports the progress of a benchmark, as a sentence.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the project and of its comparison. aim: in words. met: whether it is reached (None: no aim).

    For the plot: the aim as a ratio, if it is one, and whether a high or a low ratio is better.
    """

    benchmark: str
    case: str
    project: str
    beside: str
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None
    aim_ratio: float | None = None
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    quick: bool
    say: Say


def interleave(
    repetitions: int, sides: Sequence[Callable[[], Result]], say: Say = lambda _sentence: None
) -> list[list[Result]]:
    """Return the results of each side, measured in turns, so that a disturbance of the machine affects all of them."""
    results: list[list[Result]] = [[] for _ in sides]
    for repetition in range(repetitions):
        say(f"{repetition + 1} of {repetitions}")
        for found, measure in zip(results, sides, strict=True):
            found.append(measure())
    return results


def median_of(results: Sequence[Result], read: Callable[[Result], float]) -> float:
    """Return the median of one number of all results."""
    return median(map(read, results))


def show_count(number: float) -> str:
    """Return a number for people: 10 000."""
    return f"{number:,.0f}".replace(",", " ")


def show_api(delay_ms: int) -> str:
    """Return what a case says of the API: API at once, API after 20 ms."""
    return f"API after {delay_ms} ms" if delay_ms else "API at once"


def show_megabytes(size_bytes: float) -> str:
    """Return a size for people: 53 MB."""
    return f"{show_count(size_bytes / 1e6)} MB"
