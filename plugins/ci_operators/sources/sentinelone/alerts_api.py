"""SentinelOne's Unified Alert Management: GraphQL, `POST /web/api/v2.1/unifiedalerts/graphql`.

Behavioral, STAR and AI detections of newer consoles are only alerts, never threats. Source of all facts: the
endpoint's schema. A GraphQL error comes with status 200.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ci_operators.core.errors import CredentialsError, RateLimitedError, RequestRefusedError, UnreadableAnswerError
from ci_operators.core.tolerant import make_path_reader
from ci_operators.core.window import Window
from ci_operators.sources.sentinelone.event import find_reason, read_event
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.vendor import read_error

ALERTS_PATH = "/web/api/v2.1/unifiedalerts/graphql"
PAGE_SIZE = 200
#: SentinelOne accepts 10 requests a second for each token.
INTERVAL_S = 0.1
#: Members that are asked for. Names of people, hosts and command lines are not.
_LIST = """
query Alerts($filters: [FilterInput!], $scope: ScopeSelectorInput, $sort: SortInput, $first: Int, $after: String) {
  alerts(filters: $filters, scope: $scope, sort: $sort, first: $first, after: $after) {
    edges { node {
      id externalId name classification analystVerdict confidenceLevel severity status detectedAt createdAt updatedAt
      detectionSource { product vendor } process { file { sha256 sha1 md5 } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}"""
_DETAILS = """
query Details($id: ID!) {
  alert(id: $id) { indicators { attacks { tactic { uid name } technique { uid sourceUrl } } } }
}"""
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
#: What graphql-java calls errors of the query itself. An error of another kind may pass.
_REFUSALS = ("InvalidSyntax", "ValidationError", "BAD_REQUEST")
_NOT_ALLOWED = ("FORBIDDEN", "UNAUTHORIZED")
_PERMISSION = "the token's user may not view unified alerts: add the permission Unified Alerts > View to its role."


class Edge(Struct, frozen=True):
    """`node` is an alert."""

    node: Raw = Raw(b"null")


class PageInfo(Struct, frozen=True):
    """Where the next page is."""

    hasNextPage: bool  # SentinelOne's spelling, here and below
    endCursor: str | None = None


class Alerts(Struct, frozen=True):
    """A page of alerts."""

    edges: list[Edge | None]
    pageInfo: PageInfo


class Details(Struct, frozen=True):
    """The details of an alert."""

    indicators: Raw = Raw(b"null")


class Data(Struct, frozen=True):
    """What one of the two queries gives."""

    alerts: Alerts | None = None
    alert: Details | None = None


class Envelope(Struct, frozen=True):
    """An answer of GraphQL."""

    data: Data | None = None
    errors: Any = None


_envelope = msgspec.json.Decoder(Envelope)
_read_alert_id = make_path_reader("id")


def fetch(
    client: Client, connector: SentinelOneConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pages of alerts of the window, oldest first.

    Those that the criteria keep have the indicators of their details, as far as option details_per_page allows.
    """
    variables = _first_page(connector, window)

    def ask(cursor: str | None) -> Page:
        page = read_page(client, {**variables, "after": cursor} if cursor else variables)
        return Page(_add_details(client, connector, page.events), page.token)

    return read_pages(client, ask, tokens)


def find_event(client: Client, connector: SentinelOneConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the alert of an id, its own or that of its threat, with its details; None when there is none."""
    del now  # an alert stays as long as the console keeps it
    if not _ID.fullmatch(event_id):
        return None
    for field in ("externalId", "id") if _UUID.fullmatch(event_id) else ("externalId",):
        wanted = {"fieldId": field, "stringEqual": {"value": event_id}}
        events = read_page(client, {"filters": [wanted], "first": 1, **_scope(connector)}).events
        if events:
            return _add_details(client, connector, events)[0]
    return None


def check(client: Client, connector: SentinelOneConnector) -> str:
    """Return what works, after the cheapest query: one alert within the connector's accounts or sites."""
    read_page(client, {"first": 1, **_scope(connector)})
    return "the token may read unified alerts"


def read_page(client: Client, variables: Mapping[str, Any]) -> Page:
    """Return one page of alerts."""
    alerts = ask(client, _LIST, variables).alerts
    if alerts is None or (alerts.pageInfo.hasNextPage and not alerts.pageInfo.endCursor):
        raise UnreadableAnswerError("SentinelOne answered 200 without a page of alerts, or without the next cursor.")
    token = alerts.pageInfo.endCursor if alerts.pageInfo.hasNextPage else None
    return Page(cut_elements([(edge or Edge()).node for edge in alerts.edges]), token)  # null is quarantined


def ask(client: Client, query: str, variables: Mapping[str, Any]) -> Data:
    """Return what GraphQL gives for a query.

    Raises CredentialsError if the token lacks the permission, RequestRefusedError for a query or a cursor that
    SentinelOne refuses, UnreadableAnswerError for errors that may pass.
    """
    client = replace(client, vendor=replace(client.vendor, permission_hint=_PERMISSION))
    client.pacer.keep_interval(INTERVAL_S)
    body = msgspec.json.encode({"query": query, "variables": variables})
    answer = client.retry(lambda: client.send("POST", ALERTS_PATH, body=body)).body
    envelope = decode_answer(answer, _envelope, client.vendor.title)
    if not envelope.errors:
        return envelope.data or Data()
    said = client.quote(read_error(answer, lambda error: [error["errors"][0].get("message")]), 300)
    kind = read_error(answer, lambda error: [error["errors"][0]["extensions"].get("classification")])
    if kind in _NOT_ALLOWED:
        raise CredentialsError(f"SentinelOne refused the query for alerts ({said}): {_PERMISSION}")
    if kind in _REFUSALS:
        raise RequestRefusedError(f"SentinelOne refused the query for alerts ({said}).", status=400)
    raise client.report_errors(said)


def _first_page(connector: SentinelOneConnector, window: Window) -> dict[str, Any]:
    key = connector.window_key
    filters = [_between(key, window.since, window.until)]
    if connector.only_analyst_verified:
        filters.append({"fieldId": "analystVerdict", "stringIn": {"values": connector.verdicts}})
        filters.append(_between("createdAt", window.since - connector.verified_floor))
    sort = {"by": key, "order": "ASC"}
    return {"filters": filters, "sort": sort, "first": PAGE_SIZE, **_scope(connector)}


def _between(field: str, since: datetime, until: datetime | None = None) -> dict[str, Any]:
    bounds: dict[str, Any] = {"start": _milliseconds(since), "startInclusive": True}
    if until is not None:
        bounds |= {"end": _milliseconds(until), "endInclusive": False}
    return {"fieldId": field, "dateTimeRange": bounds}


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000 + instant.microsecond // 1000


def _scope(connector: SentinelOneConnector) -> dict[str, Any]:
    """Return the scope of a query. It has one kind: sites if there are any, else accounts."""
    kind, ids = ("SITE", connector.site_ids) if connector.site_ids else ("ACCOUNT", connector.account_ids)
    return {"scope": {"scopeType": kind, "scopeIds": ids}} if ids else {}


def _add_details(client: Client, connector: SentinelOneConnector, events: list[bytes]) -> list[bytes]:
    """Return the alerts, those that the criteria keep with the indicators of their details.

    A rate limit with a long wait ends the details of this page, not the page: each try of the task must advance.
    """
    found, left = list[bytes](), connector.details_per_page
    for event in events:
        alert, whole = read_event(event) if left else None, event
        if alert is not None and find_reason(alert, connector) is None:
            left -= 1
            try:
                whole = _with_indicators(client, event)
            except (RateLimitedError, RequestRefusedError):
                left = 0
            except UnreadableAnswerError:  # only this alert fails: it can be deleted
                pass
        found.append(whole)
    return found


def _with_indicators(client: Client, event: bytes) -> bytes:
    """Return an alert with the indicators of its details as a further member."""
    details = ask(client, _DETAILS, {"id": _read_alert_id(event)}).alert or Details()
    return event[:-1] + b',"indicators":' + cut_elements([details.indicators])[0] + b"}"
