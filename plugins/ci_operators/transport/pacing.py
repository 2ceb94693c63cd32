"""Waiting: how long, and who decides."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Longer waits are not slept through in a task: the task gives its worker slot back.
MAX_WAIT_S = 60.0
#: No wait is longer, whatever a header says: the task asks again then.
LONGEST_WAIT_S = 86_400.0


@dataclass
class Pacer:
    """Sleeps, and keeps count of the seconds slept for rate limits. Clock and sleep are given."""

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
    """Return a wait between nothing and a day, None for what is no number of seconds."""
    return None if math.isnan(seconds) else min(max(0.0, seconds), LONGEST_WAIT_S)


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's own clock from the Date header: waits computed from it ignore the local clock."""
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None
