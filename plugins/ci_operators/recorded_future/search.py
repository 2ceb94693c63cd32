"""Recorded Future's search endpoint: which detections has the API stored?

`POST /collective-insights/search` is known from the SDK psengine 2.14 alone: a token may lack the right, and how
soon a submission shows is not documented. So a hit proves that a detection arrived; no hit proves nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from ci_operators.core.errors import CredentialsError, RequestRefusedError, UnreadableAnswerError
from ci_operators.transport.client import Client
from ci_operators.transport.elements import decode_answer

SEARCH_PATH = "/collective-insights/search"
PAGE_SIZE = 1000


class _Indicator(Struct, frozen=True):
    type: str
    value: str


class _Incident(Struct, frozen=True):
    id: str | None = None


class _Found(Struct, frozen=True):
    indicator: _Indicator
    incident: _Incident | None = None


class _Page(Struct, frozen=True):
    data: list[_Found]


_page = msgspec.json.Decoder(_Page)


@dataclass(frozen=True, slots=True)
class Stored:
    """What tells one stored detection from another: source event id, indicator type and value."""

    event_id: str
    indicator_type: str
    indicator: str


def find_stored(client: Client, since: str, until: str) -> Counter[Stored] | None:
    """Return how often each detection of the time from `since` to `until` (inclusive) is stored.

    None when the token may not search. Times are the detections' own, ISO 8601 in UTC.
    """
    try:
        return Counter(_entries(client, since, until))
    except (CredentialsError, RequestRefusedError):
        return None


def _entries(client: Client, since: str, until: str) -> Iterator[Stored]:
    filters = {"detection_time": {"from": since, "to": until}, "submission_method": ["api"]}
    offset = 0
    while True:
        body = json.dumps({"filters": filters, "limit": PAGE_SIZE, "offset": offset}).encode()
        answer = client.retry(lambda body=body: client.send("POST", SEARCH_PATH, body=body))  # type: ignore[misc]
        found = decode_answer(answer.body, _page, client.vendor.title).data
        for entry in found:
            event_id = entry.incident.id if entry.incident else None
            yield Stored(event_id or "", entry.indicator.type, entry.indicator.value)
        if len(found) < PAGE_SIZE:
            return
        offset += len(found)
        if offset > 1_000_000:
            raise UnreadableAnswerError("Recorded Future's search does not come to an end.")
