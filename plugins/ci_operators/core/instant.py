"""Points in time, as the APIs write and read them: UTC, milliseconds, `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

#: The library reads digits alone as a date too: milliseconds since 1970 would become a day of the year 1712.
_BEGINNING = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

#: Okta writes milliseconds, SentinelOne microseconds.
_USUAL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\d*Z", re.ASCII)


def format_instant(instant: datetime) -> str:
    """Return `instant` (with a zone) as ISO 8601 in UTC with milliseconds and `Z`.

    All three APIs take this form. Recorded Future very probably refuses instants without a zone.
    """
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_instant(text: str) -> tuple[datetime, bool]:
    """Return the instant a vendor wrote, in UTC, and whether its text named a zone (else UTC is taken).

    Raises ValueError on what is no ISO 8601 date and time of the years 1 to 9999.
    """
    text = text.strip()
    if not _BEGINNING.match(text):
        raise ValueError(f"{text[:40]!r} does not begin with a date")
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            return instant.replace(tzinfo=UTC), False
        return instant.astimezone(UTC), True
    except OverflowError as err:
        raise ValueError(f"{text[:40]!r} lies outside the calendar") from err


def normalise_instant(text: str) -> tuple[str, bool]:
    """Return an instant that a vendor wrote as `format_instant` writes it, and whether its text named a zone.

    Raises ValueError like `read_instant`. What the vendors usually write is checked and cut: formatting costs more.
    """
    usual = _USUAL.fullmatch(text)
    if usual:
        datetime.fromisoformat(text)  # raises ValueError for a day that no calendar has
        return f"{usual[1]}Z", True
    instant, has_zone = read_instant(text)
    return format_instant(instant), has_zone
