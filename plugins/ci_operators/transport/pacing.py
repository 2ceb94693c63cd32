"""Waits: how long they are, and which of them a task sleeps through."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: A task does not sleep through a longer wait: it gives its worker slot back.
MAX_WAIT_S = 60.0
#: The longest wait, whatever a header says: then the task asks again.
LONGEST_WAIT_S = 86_400.0


@dataclass
class Pacer:
    """Sleeps, and counts the seconds slept for rate limits. Clock and sleep are arguments."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    waited_s: float = 0.0
    _last_start: float = field(default=float("-inf"), repr=False)

    def wait(self, seconds: float) -> None:
        """Sleep for a rate limit or a retry."""
        if seconds > 0:
            self.waited_s += seconds
            self.sleep(seconds)

    def keep_interval(self, seconds: float) -> None:
        """Sleep until `seconds` have passed since the last call: at most one request per interval."""
        pause = self._last_start + seconds - self.now()
        self.wait(min(pause, seconds))
        self._last_start = self.now()


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for (delta or HTTP date, RFC 9110 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return limit_wait(float(text))
    except ValueError:
        pass
    try:
        return limit_wait(parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def limit_wait(seconds: float) -> float | None:
    """Return a wait between 0 and one day, None if `seconds` is not a number."""
    return None if math.isnan(seconds) else min(max(0.0, seconds), LONGEST_WAIT_S)


@dataclass(frozen=True, slots=True)
class RateLimitHeaders:
    """A vendor's rate limit, as its headers report it.

    limit, remaining: names of the headers with the requests allowed and left; reset: name of the header with the end of
    the period, in seconds since 1970. period_s: its length. reserve: the part of the requests that stays unused.
    """

    limit: str
    remaining: str
    reset: str
    period_s: float
    reserve: float = 0.0

    def read_cooldown(self, headers: Mapping[str, str], now: float) -> float | None:
        """Return the seconds to wait after a 429: until the reset, by the server's clock.

        Without a Date header, the local clock is used, which can be wrong: the wait is then at most the period.
        None for a limit of 0 (Okta's concurrency limit), whose reset is only a hint: then the client's backoff is used.
        """
        reset = _read_smallest(headers, self.reset)
        if reset is None or _read_smallest(headers, self.limit) == 0:
            return None
        date = read_date(headers)
        wait = limit_wait(reset - (date.timestamp() if date else now))
        if wait is None:
            return None
        return (wait if date else min(wait, self.period_s)) + 1.0

    def read_pause(self, headers: Mapping[str, str], now: float) -> float:
        """Return the seconds until the budget is full again if only the reserve is left, else 0."""
        limit, remaining = _read_smallest(headers, self.limit), _read_smallest(headers, self.remaining)
        if limit and remaining is not None and remaining <= max(1.0, limit * self.reserve):
            return self.read_cooldown(headers, now) or 0.0
        return 0.0


def _read_smallest(headers: Mapping[str, str], name: str) -> float | None:
    """Return the smallest number in a header that is repeated because several limits apply."""
    try:
        return min((float(part) for part in headers.get(name, "").split(",") if part.strip()), default=None)
    except ValueError:
        return None


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's clock from the Date header: waits based on it do not depend on the local clock."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None
