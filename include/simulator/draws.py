"""Deterministic random draws for the scenarios: the same seed and place give the same sequence in every process."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A random sequence that belongs to one place (such as Okta, hour 491000) of one seed."""

    def __init__(self, *place: object) -> None:
        self._random = random.Random("/".join(map(str, place)))  # noqa: S311 - invents data, protects nothing

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._random.random() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Return one of the choices, each with its weight."""
        point = self._random.random() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            point -= weight
            if point < 0:
                return choice
        return choices[-1][0]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order."""
        ranked = sorted(((self._random.random(), item) for item in items), key=lambda pair: pair[0])
        return [item for _, item in ranked]

    def hexadecimal(self, digits: int) -> str:
        """Return that many lower-case hexadecimal digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """Return a version 4 UUID."""
        digits = self.hexadecimal(30)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"


def daytime_factor(hour: int) -> float:
    """Return how busy an hour since 1970 is, from 0.2 (night) to 1.0 (working hours)."""
    of_day, weekday = hour % 24, (hour // 24 + 3) % 7
    factor = 1.0 if 7 <= of_day < 19 else 0.5 if of_day in (6, 19, 20) else 0.2
    return factor * 0.6 if weekday >= 5 and factor > 0.2 else factor
