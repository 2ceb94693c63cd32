"""Reads what a person searches for, and limits how long the answer can take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.text import storable

#: More characters than any event id or indicator has that people paste.
LONGEST_QUESTION = 400


class WrongQuestionError(ConfigurationError):
    """A question that cannot be answered. The message says how to ask it."""


def read_question(text: str, what: str = "The search") -> str:
    """Return the text without surrounding spaces, as PostgreSQL can compare it.

    Raises WrongQuestionError if it is too long to be an id or an indicator.
    """
    text = storable(text).strip()
    if len(text) > LONGEST_QUESTION:
        raise WrongQuestionError(f"{what} has {len(text)} characters. Use at most {LONGEST_QUESTION}.")
    return text


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a search: records found, bytes of text read, seconds."""

    records: int = 50
    text_bytes: int = 1 << 28
    seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time by which an answer must end, in seconds of a clock; never by default."""

    at: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def left_s(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(self.at - self.clock(), 0.0)

    @property
    def is_over(self) -> bool:
        """Return whether no time is left."""
        return self.left_s == 0.0

    def cut(self, limits: Limits, share: float = 1.0) -> Limits:
        """Return the limits with that share of the remaining time as seconds, measured by the same clock."""
        return replace(limits, seconds=min(limits.seconds, share * self.left_s), clock=self.clock)


NEVER = Deadline()
