"""Rate limits in the two forms that the vendors use."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.instants import MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class WindowState:
    """The values of Okta's three X-Rate-Limit headers; `reset_s` in epoch seconds."""

    limit: int
    remaining: int
    reset_s: int
    is_exceeded: bool

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the three headers (Okta API reference, rate limits)."""
        return (
            ("X-Rate-Limit-Limit", str(self.limit)),
            ("X-Rate-Limit-Remaining", str(self.remaining)),
            ("X-Rate-Limit-Reset", str(self.reset_s)),
        )


class MinuteWindow:
    """A count per 60 s; the window opens with its first request, so it is not aligned to the clock."""

    def __init__(self, per_minute: int | None) -> None:
        self._limit = 1_000_000_000 if per_minute is None else per_minute
        self._opened: int | None = None
        self._used = 0

    def take(self, now: int) -> WindowState:
        """Return the state after counting one request at `now` (microseconds)."""
        if self._opened is None or now >= self._opened + MINUTE or now < self._opened:
            self._opened, self._used = now, 0
        is_exceeded = self._used >= self._limit
        self._used += 0 if is_exceeded else 1
        reset_s = -(-(self._opened + MINUTE) // SECOND)
        return WindowState(self._limit, self._limit - self._used, reset_s, is_exceeded)


class TokenBucket:
    """A steady rate with a burst, as in SentinelOne's gateway."""

    def __init__(self, per_second: float | None, burst: int) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._level = float(burst)
        self._last: int | None = None

    def take(self, now: int) -> bool:
        """Return whether one more request at `now` (microseconds) is allowed."""
        if self._rate is None:
            return True
        elapsed_s = 0.0 if self._last is None else max(0.0, (now - self._last) / SECOND)
        self._level = min(self._burst, self._level + elapsed_s * self._rate)
        self._last = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True
