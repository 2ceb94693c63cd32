"""A clock that advances only by sleeps: the client's waits and the simulator's windows share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ci_operators.transport.pacing import Pacer

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class VirtualTime:
    """Call it for the instant (as a simulator's clock does); `slept` holds every pause so far."""

    instant: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.instant += timedelta(seconds=seconds)

    def pacer(self) -> Pacer:
        """Return a pacer with this clock and without random jitter."""
        return Pacer(sleep=self.sleep, now=lambda: self.instant.timestamp(), jitter=lambda: 0.5)
