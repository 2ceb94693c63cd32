"""Until when an answer may take: a person waits for it, and a thread that others need too."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ci_operators.answers.run.scan import Limits


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of a clock, in seconds; never by default."""

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
