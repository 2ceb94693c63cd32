"""Durations as people write them in connectors.yaml: "30 minutes", "2 hours", "1 day"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400}
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*((?:sec(?:ond)?|min(?:ute)?|hour|day)s?)", re.ASCII | re.IGNORECASE)


def read_duration(value: object) -> timedelta:
    """Return the duration in a text. Raises ValueError with examples of allowed forms."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a duration is a number and a unit, such as "30 minutes", "2 hours", or "1 day"')
    number, unit = found.groups()
    return timedelta(seconds=float(number) * _UNITS[unit.lower().removesuffix("s")])


def format_duration(duration: timedelta) -> str:
    """Return `duration` in its largest whole unit: "30 minutes", "1 day"."""
    seconds = int(duration.total_seconds())
    for unit in ("day", "hour", "minute"):
        if seconds and seconds % _UNITS[unit] == 0:
            number = seconds // _UNITS[unit]
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
