"""The two clocks: the wall's, and one that tests move by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def wall_clock() -> datetime:
    """Returns the present instant."""
    return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved; it serves as the `clock` of a Simulator."""

    def __init__(self, start: datetime = _START) -> None:
        self.instant = start

    def __call__(self) -> datetime:
        """Returns the instant at which the clock stands."""
        return self.instant

    def advance(self, **parts: float) -> datetime:
        """Returns the new instant after moving by a timedelta (`advance(minutes=5)`)."""
        self.instant += timedelta(**parts)
        return self.instant
