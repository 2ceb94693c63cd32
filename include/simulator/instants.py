"""Instants as whole microseconds since 1970 (UTC), exact and quick to compare; and two clocks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ZONED: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)


def to_us(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a clock must return datetimes with a time zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the aware UTC datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=us)


def parse_zoned(text: str, max_fraction_digits: int = 9) -> int | None:
    """Return the microseconds since 1970 of an ISO 8601 date-time with a zone, or None for any other text."""
    match = _ZONED.fullmatch(text)
    if match is None:
        return None
    fraction = match[2] or ""
    if len(fraction) > max_fraction_digits:
        return None
    zone = "+00:00" if match[3] in "Zz" else match[3]
    try:
        whole = datetime.fromisoformat(f"{match[1].upper()}{zone}")
        return to_us(whole) + int(fraction[:6].ljust(6, "0"))
    except (ValueError, OverflowError):
        return None


def format_ms(us: int) -> str:
    """Return `2026-08-01T00:00:00.000Z`: three fraction digits, like Okta."""
    return f"{from_us(us):%Y-%m-%dT%H:%M:%S}.{us % SECOND // 1000:03d}Z"


def format_us(us: int) -> str:
    """Return `2026-08-01T00:00:00.000000Z`: six fraction digits, like SentinelOne."""
    return f"{from_us(us):%Y-%m-%dT%H:%M:%S}.{us % SECOND:06d}Z"


def wall_clock() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


class ManualClock:
    """A clock that does not move by itself; use it as the `clock` of a Simulator."""

    def __init__(self, start: datetime = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)) -> None:
        self.instant = start

    def __call__(self) -> datetime:
        """Return the clock's instant."""
        return self.instant

    def advance(self, **parts: float) -> datetime:
        """Return the new instant after moving by a timedelta (`advance(minutes=5)`)."""
        self.instant += timedelta(**parts)
        return self.instant
