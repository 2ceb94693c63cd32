"""The detections of an indicator, as a person may write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ci_operators.answers.wording import say_state
from ci_operators.core.indicator import is_hash, read_domain, read_ip
from ci_operators.core.instant import format_instant
from ci_operators.ledger.indicators import FoundDetection, find_by_indicator

#: Detections that are told as a sentence each; all of them stand in the list.
_TOLD = 10


@dataclass(frozen=True, slots=True)
class Match:
    """A detection of an indicator; `key` in hexadecimal digits, as `settle` takes it."""

    connector: str
    event_id: str
    indicator_type: str
    indicator: str
    detected_at: datetime
    state: str
    key: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of an indicator, newest first; `more`: there are others."""

    detections: Sequence[Match] = ()
    more: bool = False


def find_matches(connection: Connection, connectors: Sequence[str], query: str, limit: int) -> Matches:
    """Return the newest detections of the connectors whose indicator is what `query` writes."""
    for indicator in _forms(query):
        found = find_by_indicator(connection, connectors, indicator, limit + 1)
        if found:
            return Matches([_match(each) for each in found[:limit]], len(found) > limit)
    return Matches()


def join_matches(parts: Sequence[Matches], limit: int) -> Matches:
    """Return what several ledgers know of an indicator as one list."""
    found = sorted(
        (each for part in parts for each in part.detections), key=lambda each: each.detected_at, reverse=True
    )
    return Matches(found[:limit], len(found) > limit or any(part.more for part in parts))


def is_no_id(query: str) -> bool:
    """Return whether the text is an address or a hash, and so no event's id: no source needs to be asked for it."""
    return read_ip(query) is not None or is_hash(query.lower())


def sum_up(matches: Matches, query: str) -> str:
    """Return the detections of an indicator as one sentence: how many, by which connectors, in which states."""
    shown = matches.detections
    states = Counter(found.state for found in shown).most_common()
    told = ", ".join(f"{count} {state}" for state, count in states)
    names = " and ".join(dict.fromkeys(found.connector for found in shown))
    if matches.more:
        return f"More than {len(shown)} detections of {query}; the newest of them are by {names}: {told}."
    return f"{len(shown)} detection{'' if len(shown) == 1 else 's'} of {query} by {names}: {told}."


def tell_matches(matches: Matches, query: str) -> Iterator[str]:
    """Yield sentences on the detections of an indicator."""
    for found in matches.detections[:_TOLD]:
        yield (
            f"{found.connector}: event {found.event_id} of {format_instant(found.detected_at)}: detection "
            f"{found.indicator_type} {found.indicator} is {found.state}: {say_state(found.state)}."
        )
    rest = len(matches.detections) - _TOLD
    if rest > 0:
        yield f"{'More than ' if matches.more else ''}{rest} other detections have the indicator {query} too."


def _match(found: FoundDetection) -> Match:
    kind, value = found.indicator_type, found.indicator
    return Match(found.connector, found.event_id, kind, value, found.detected_at, found.state, found.key.hex())


def _forms(query: str) -> list[str]:
    """Return how the ledger may have written the indicator: as typed, and as the mapping writes such a one."""
    digits = query.lower()
    forms = [query, read_ip(query), read_domain(query), digits if is_hash(digits) else None]
    return list(dict.fromkeys(form for form in forms if form))
