"""The parameters of `GET /api/v1/logs`, validated (Okta System Log API reference, listLogEvents)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from simulator.exchange import Call
from simulator.instants import DAY, parse_zoned
from simulator.okta.filter_language import compile_filter
from simulator.okta.filter_terms import Test
from simulator.okta.refusals import invalid, invalid_date, invalid_search

RETENTION: Final = 90 * DAY
_REFUSED_AGE: Final = 180 * DAY
_DEFAULT_REACH: Final = 7 * DAY
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A validated request. `is_polling`: no `until`, ascending; in order of storage and without an end."""

    since: int
    until: int
    is_polling: bool
    is_descending: bool
    limit: int
    test: Test | None
    words: tuple[bytes, ...]
    after: str | None
    given: dict[str, str]


def read_log_query(call: Call) -> LogQuery:
    """Returns the validated query; unknown parameters are ignored, as Okta does."""
    given = dict(call.pairs)
    is_descending = _read_order(given.get("sortOrder", "")) == "DESCENDING"
    is_polling = not given.get("until") and not is_descending
    limit = _read_limit(given.get("limit", "100"))
    expression = given.get("filter", "")
    since, until = (0, 0) if given.get("after") else _read_period(given, call.now)
    return LogQuery(
        since=since,
        until=until,
        is_polling=is_polling,
        is_descending=is_descending,
        limit=limit,
        test=compile_filter(expression) if expression.strip() else None,
        words=_read_words(given.get("q", "")),
        after=given.get("after") or None,
        given=given,
    )


def _read_period(given: dict[str, str], now: int) -> tuple[int, int]:
    until = _read_date(given, "until")
    end = now if until is None else until
    since = _read_date(given, "since")
    start = end - _DEFAULT_REACH if since is None else since
    if start < now - _REFUSED_AGE:
        raise invalid_search("since: must not be more than 180 days ago")
    if start > now or start >= (end if until is not None else now + 1):
        raise invalid("until", "The until date must be later than the since date")
    return start, end


def _read_date(given: dict[str, str], name: str) -> int | None:
    text = given.get(name, "")
    if not text:
        return None
    moment = parse_zoned(text)
    if moment is None:
        raise invalid_date(name)
    return moment


def _read_limit(text: str) -> int:
    if not _COUNT.fullmatch(text) or int(text) > 1000:
        raise invalid("limit", "limit: must be a number between 0 and 1000")
    return int(text)


def _read_order(text: str) -> str:
    order = text.upper() or "ASCENDING"
    if order not in ("ASCENDING", "DESCENDING"):
        raise invalid("sortOrder", "sortOrder: must be ASCENDING or DESCENDING")
    return order


def _read_words(text: str) -> tuple[bytes, ...]:
    words = text.split()
    if len(words) > 10 or any(len(word) > 40 for word in words):
        raise invalid("q", "q: at most 10 keywords of at most 40 characters")
    return tuple(word.lower().encode() for word in words)
