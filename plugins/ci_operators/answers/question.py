"""What a person may ask, and how long the answer may take: texts are plain text, and everything has an end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.text import storable

#: Longer than any event id and any indicator that people paste.
LONGEST_QUESTION = 400


class WrongQuestionError(ConfigurationError):
    """A question that cannot be answered; the sentence says how to ask it."""


def read_question(text: str, what: str = "The search") -> str:
    """Return the text without spaces around it, as a database can compare it.

    Raises WrongQuestionError for one that is too long to be an id or an indicator.
    """
    text = storable(text).strip()
    if len(text) > LONGEST_QUESTION:
        raise WrongQuestionError(f"{what} has {len(text)} characters; at most {LONGEST_QUESTION} are looked for.")
    return text


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search ends though there may be more: records found, bytes of text read, seconds."""

    records: int = 50
    text_bytes: int = 1 << 28
    seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an answer may take, as a moment of a clock in seconds; never by default."""

    at: float = math.inf
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Return the moment some seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def left_s(self) -> float:
        """Return the seconds that are left, 0 when there are none."""
        return max(self.at - self.clock(), 0.0)

    @property
    def is_over(self) -> bool:
        """Return whether no time is left."""
        return self.left_s == 0.0

    def cut(self, limits: Limits, share: float = 1.0) -> Limits:
        """Return limits that end with a share of the time that is left, by the same clock."""
        return replace(limits, seconds=min(limits.seconds, share * self.left_s), clock=self.clock)


NEVER = Deadline()
