"""The parameters of `GET /api/v1/logs` that the connectors send, validated (Okta System Log API reference).

Okta also has `q`, descending order, other filters, and polling (without `until`, a next link forever). Connectors do
not use them: the first three are refused; without `until` the answer reaches until now and ends.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from simulator.exchange import Call
from simulator.instants import DAY, parse_zoned
from simulator.okta.refusals import invalid, invalid_date, invalid_search

RETENTION: Final = 90 * DAY
_REFUSED_AGE: Final = 180 * DAY
_DEFAULT_REACH: Final = 7 * DAY
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_FILTER: Final = re.compile(r'(eventType|uuid) eq "([^"\\]*)"')
#: What a next link repeats. A page token belongs to a request with the same values, except the last.
_REPEATED: Final = ("since", "until", "filter", "sortOrder", "limit")

Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A validated request. wanted: an attribute and its value; after: the place of the last record read."""

    since: int
    until: int
    limit: int
    wanted: tuple[str, str] | None
    after: Position | None
    given: dict[str, str]


def read_log_query(call: Call) -> LogQuery:
    """Return the validated query; unknown parameters are ignored, as Okta does."""
    given = dict(call.pairs)
    if given.get("q") or given.get("sortOrder", "").upper() not in ("", "ASCENDING"):
        raise invalid("q", "q, sortOrder: this simulator supports no keywords and only ASCENDING")
    since, until = _read_period(given, call.now)
    return LogQuery(
        since=since,
        until=until,
        limit=_read_limit(given.get("limit", "100")),
        wanted=_read_filter(given.get("filter", "")),
        after=_read_after(given) if given.get("after") else None,
        given=given,
    )


def next_url(call: Call, query: LogQuery, place: Position, turn: int) -> str:
    """Return the URL of the page after a place; `turn` distinguishes the token of an empty page from the one before."""
    plain = "_".join(map(str, (*place, turn)))
    after = f"{plain}_{_seal(plain, query.given)}"
    kept = [(name, query.given[name]) for name in _REPEATED if name in query.given]
    return f"{call.origin}{call.path}?{urlencode([*kept, ('after', after)])}"


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


def _read_filter(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    match = _FILTER.fullmatch(text)
    if match is None:
        raise invalid_search(text)
    return match[1], match[2]


def _read_after(given: dict[str, str]) -> Position:
    """Return the place of a page token; refuse an invalid one, and one that belongs to another request."""
    plain, _, seal = given["after"].rpartition("_")
    if seal != _seal(plain, given):
        raise invalid("after", "after: the cursor does not belong to this request")
    moment, serial, _ = map(int, plain.split("_"))
    return moment, serial


def _seal(plain: str, given: dict[str, str]) -> str:
    bound = repr((plain, [given.get(name) for name in _REPEATED[:-1]]))
    return hashlib.blake2b(bound.encode(), key=b"simulator", digest_size=8).hexdigest()
