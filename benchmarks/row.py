"""One line of the table, and what becomes of repeated measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")

#: What a benchmark says while it works: a sentence for the one who waits.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of the project and beside it; `aim` in words, `met` whether it is reached (None: no aim).

    For the plot: the aim as a ratio, where it is one, and which way the ratio had better go.
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
    """Return the results of each side, measured in turns: what disturbs the machine disturbs all of them."""
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


def show_megabytes(size_bytes: float) -> str:
    """Return a size for people: 53 MB."""
    return f"{show_count(size_bytes / 1e6)} MB"
