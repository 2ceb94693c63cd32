"""What the ledgers know about an event's id, or about an indicator as people write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from ci_operators.answers.event.judgement import Coverage
from ci_operators.answers.ledgers import OpenLedger, ask_each
from ci_operators.answers.wording import say_state
from ci_operators.core.connector import Connector
from ci_operators.core.indicator import is_hash, read_domain, read_ip
from ci_operators.core.instant import format_instant
from ci_operators.ledger import overview
from ci_operators.ledger.indicators import FoundDetection, find_by_indicator
from ci_operators.ledger.trail import Trail, find_connectors, find_trail

#: The most detections that get a sentence each; the list has all of them.
_TOLD = 10


@dataclass(frozen=True, slots=True)
class Matches:
    """Detections of an indicator, newest first; more: whether there are others."""

    detections: Sequence[FoundDetection] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledgers know. coverage: by connector; problems: a sentence for each ledger that could not be read."""

    trail: Trail
    matches: Matches
    coverage: dict[str, Coverage]
    problems: Sequence[str] = ()


def search_ledgers(
    query: str, connectors: Sequence[Connector], open_by: OpenLedger, limit: int, *, gone_too: bool = False
) -> Known:
    """Return what the ledgers of the connectors know about an event's id or an indicator.

    limit: the most detections of an indicator. gone_too: whether to include connectors that are no longer in the
    file. Raises the first ledger's error if live connectors need ledgers and none of these can be read.
    """

    def read(connection: Connection, group: Sequence[Connector]) -> Known:
        own = [each.name for each in group]
        names = find_connectors(connection) if gone_too else own
        trail = find_trail(connection, names, query)
        matches = Matches() if trail else find_matches(connection, names, query, limit)
        return Known(trail, matches, {name: _find_coverage(connection, name) for name in own})

    parts, errors = ask_each(connectors, open_by, read)
    needed = {each.ledger_conn_id for each in connectors if not each.debug}
    if errors and len(errors) == len(needed):
        raise errors[0]
    coverage = {each.name: Coverage() for each in connectors}
    for part in parts:
        coverage |= part.coverage
    trail, matches = join_trails([part.trail for part in parts]), join_matches([part.matches for part in parts], limit)
    return Known(trail, matches, coverage, [str(error) for error in errors])


def _find_coverage(connection: Connection, name: str) -> Coverage:
    number = overview.find_id(connection, name)
    if number is None:
        return Coverage()
    last = overview.find_last_window(connection, number)
    return Coverage(overview.find_first_since(connection, number), last.until if last else None)


def join_trails(trails: Sequence[Trail]) -> Trail:
    """Return what several ledgers know about an event as one trail."""
    return Trail(
        dropped=list(chain.from_iterable(trail.dropped for trail in trails)),
        quarantined=list(chain.from_iterable(trail.quarantined for trail in trails)),
        detections=list(chain.from_iterable(trail.detections for trail in trails)),
        runs=list(chain.from_iterable(trail.runs for trail in trails)),
    )


def find_matches(connection: Connection, connectors: Sequence[str], query: str, limit: int) -> Matches:
    """Return the newest detections of the connectors with the indicator in `query`."""
    for indicator in _forms(query):
        found = find_by_indicator(connection, connectors, indicator, limit + 1)
        if found:
            return Matches(found[:limit], len(found) > limit)
    return Matches()


def join_matches(parts: Sequence[Matches], limit: int) -> Matches:
    """Return what several ledgers know about an indicator as one list."""
    every = chain.from_iterable(part.detections for part in parts)
    found = sorted(every, key=lambda each: each.detected_at, reverse=True)
    return Matches(found[:limit], len(found) > limit or any(part.more for part in parts))


def is_no_id(query: str) -> bool:
    """Return whether the text is an address or a hash: these are never event ids, so no source is asked."""
    return read_ip(query) is not None or is_hash(query.lower())


def sum_up(matches: Matches, query: str) -> str:
    """Return a sentence that sums up the detections of an indicator: how many, by which connectors, in which states."""
    shown = matches.detections
    states = Counter(found.state for found in shown).most_common()
    told = ", ".join(f"{count} {state}" for state, count in states)
    names = " and ".join(dict.fromkeys(found.connector for found in shown))
    if matches.more:
        return f"More than {len(shown)} detections of {query}; the newest of them are by {names}: {told}."
    return f"{len(shown)} detection{'' if len(shown) == 1 else 's'} of {query} by {names}: {told}."


def tell_matches(matches: Matches, query: str) -> Iterator[str]:
    """Yield a sentence for each of the first detections of an indicator, and one for the rest."""
    for found in matches.detections[:_TOLD]:
        yield (
            f"{found.connector}: event {found.event_id} of {format_instant(found.detected_at)}: detection "
            f"{found.indicator_type} {found.indicator} is {found.state}: {say_state(found.state)}."
        )
    rest = len(matches.detections) - _TOLD
    if rest > 0:
        yield f"{'More than ' if matches.more else ''}{rest} other detections have the indicator {query} too."


def tell_match(found: FoundDetection) -> dict[str, Any]:
    """Return a detection of an indicator as JSON values; `key` is in hexadecimal digits, as `settle` takes it."""
    names = ("connector", "event_id", "indicator_type", "indicator", "detected_at", "state")
    return {**{name: getattr(found, name) for name in names}, "key": found.key.hex()}


def _forms(query: str) -> list[str]:
    """Return the forms in which the ledger can have the indicator: as typed, and as the mapping writes it."""
    digits = query.lower()
    forms = [query, read_ip(query), read_domain(query), digits if is_hash(digits) else None]
    return list(dict.fromkeys(form for form in forms if form))
