"""Points in time in the format of the APIs: UTC with milliseconds and `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

#: Python reads plain digits as a date too: milliseconds since 1970 would become a day in the year 1712.
_BEGINNING = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

#: Okta writes milliseconds, SentinelOne microseconds.
_USUAL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\d*Z", re.ASCII)


def format_instant(instant: datetime) -> str:
    """Return `instant` (with a zone) as ISO 8601 in UTC with milliseconds and `Z`.

    All APIs accept this form. Recorded Future probably rejects instants without a zone.
    """
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def read_instant(text: str) -> tuple[datetime, bool]:
    """Return the instant in a vendor's text, in UTC, and whether the text has a zone (else UTC is assumed).

    Raises ValueError for text that is not an ISO 8601 date and time of the years 1 to 9999.
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
        raise ValueError(f"{text[:40]!r} is outside the calendar") from err


def normalise_instant(text: str) -> tuple[str, bool]:
    """Return the instant in a vendor's text as `format_instant` writes it, and whether the text has a zone.

    Raises ValueError like `read_instant`. The usual forms are only checked and cut, because formatting is slower.
    """
    usual = _USUAL.fullmatch(text)
    if usual:
        datetime.fromisoformat(text)  # raises ValueError for a day that does not exist
        return f"{usual[1]}Z", True
    instant, has_zone = read_instant(text)
    return format_instant(instant), has_zone
