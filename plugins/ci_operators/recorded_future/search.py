"""Recorded Future's search endpoint: the detections that the API has stored.

`POST /collective-insights/search` is known only from the SDK psengine 2.14. A token may not have the right to search,
and it is not documented when a submission appears. A hit proves that a detection arrived; no hit proves nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from ci_operators.core.errors import CredentialsError, RequestRefusedError, UnreadableAnswerError
from ci_operators.core.instant import normalise_instant
from ci_operators.transport.client import Client
from ci_operators.transport.elements import decode_answer

SEARCH_PATH = "/collective-insights/search"
PAGE_SIZE = 1000
#: A search that gives more has lost its place: no connector delivers so much within the times asked for.
MOST_ENTRIES = 1_000_000


class _Indicator(Struct, frozen=True):
    type: str
    value: str


class _Incident(Struct, frozen=True):
    id: str | None = None


class _Found(Struct, frozen=True):
    indicator: _Indicator
    incident: _Incident | None = None
    detection_time: str | None = None


class _Page(Struct, frozen=True):
    data: list[_Found]


_page = msgspec.json.Decoder(_Page)


@dataclass(frozen=True, slots=True)
class Stored:
    """What distinguishes a stored detection: source event id, indicator type, and value."""

    event_id: str
    indicator_type: str
    indicator: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored detection with its time (UTC, milliseconds), or "" if the answer has no readable time."""

    stored: Stored
    detected_at: str


def find_stored(client: Client, since: str, until: str) -> Counter[Stored] | None:
    """Return how often each detection from `since` to `until` (inclusive) is stored.

    None if the token does not have the right to search. Times are the detections' own, ISO 8601 in UTC.
    """
    hits = find_hits(client, since, until)
    return None if hits is None else count_stored(hits)


def find_hits(client: Client, since: str, until: str, organization_ids: Sequence[str] = ()) -> Counter[Hit] | None:
    """Return what `find_stored` returns, by time too, and only for the organizations if any are named."""
    try:
        return Counter(_entries(client, since, until, organization_ids))
    except (CredentialsError, RequestRefusedError):
        return None


def count_stored(hits: Counter[Hit]) -> Counter[Stored]:
    """Return how often each detection is stored, at any time."""
    counts = Counter[Stored]()
    for hit, count in hits.items():
        counts[hit.stored] += count
    return counts


def _entries(client: Client, since: str, until: str, organization_ids: Sequence[str]) -> Iterator[Hit]:
    filters: dict[str, object] = {"detection_time": {"from": since, "to": until}, "submission_method": ["api"]}
    if organization_ids:
        filters["organizations"] = list(organization_ids)
    offset = 0
    while True:
        body = json.dumps({"filters": filters, "limit": PAGE_SIZE, "offset": offset}).encode()
        answer = client.retry(lambda body=body: client.send("POST", SEARCH_PATH, body=body))  # type: ignore[misc]
        found = decode_answer(answer.body, _page, client.vendor.title).data
        for entry in found:
            yield _read_hit(entry)
        if len(found) < PAGE_SIZE:
            return
        offset += len(found)
        if offset > MOST_ENTRIES:
            raise UnreadableAnswerError("Recorded Future's search does not end.")


def _read_hit(entry: _Found) -> Hit:
    event_id = entry.incident.id if entry.incident else None
    try:
        detected_at = normalise_instant(entry.detection_time or "")[0]
    except ValueError:
        detected_at = ""
    return Hit(Stored(event_id or "", entry.indicator.type, entry.indicator.value), detected_at)
