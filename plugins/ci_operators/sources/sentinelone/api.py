"""SentinelOne's Management API v2.1: `GET /web/api/v2.1/threats`. Source of all facts: its API reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.sentinelone import ABOUT, alerts_api
from ci_operators.sources.sentinelone.alerts_api import INTERVAL_S
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.api import Api, token_sign_in
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.vendor import Headers, Vendor, read_error

THREATS_PATH = "/web/api/v2.1/threats"
PAGE_SIZE = 1000
#: SentinelOne may leave Retry-After out of a 429; its own tools then wait this long.
DEFAULT_COOLDOWN_S = 5.0

_WHERE = "Generate one in the SentinelOne console under Settings > Users > Current User, as a Viewer."
_ID = re.compile(r"\d{1,20}", re.ASCII)


class Pagination(Struct, frozen=True):
    """`nextCursor` is null on the last page; "null" and "" have been seen there too."""

    nextCursor: str | None = None  # SentinelOne's spelling


class Envelope(Struct, frozen=True):
    """A page of threats."""

    data: list[msgspec.Raw]
    pagination: Pagination = Pagination()
    errors: Any = None


_envelope = msgspec.json.Decoder(Envelope)


def fetch(
    client: Client, connector: SentinelOneConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pages of threats of the window, oldest first.

    The upper bound stays the same for all pages: a threat that changes meanwhile leaves the window and comes in the
    next one.
    """
    params = _first_page(connector, window)

    def ask(cursor: str | None) -> Page:
        client.pacer.keep_interval(INTERVAL_S)
        return read_page(client, {**params, "cursor": cursor} if cursor else params)

    return read_pages(client, ask, tokens)


def find_event(client: Client, connector: SentinelOneConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the threat of an id within the connector's accounts and sites; None when there is none."""
    del now  # a threat stays as long as the console keeps it
    if not _ID.fullmatch(event_id):
        return None
    found = read_page(client, {"ids": event_id, "limit": 1, "skipCount": "true", **_scope(connector)}).events
    return found[0] if found else None


def read_page(client: Client, params: Mapping[str, str | int]) -> Page:
    """Return one page of threats. Raises UnreadableAnswerError for a 200 that reports errors: it may be incomplete."""
    answer = client.get(THREATS_PATH, params)
    envelope = decode_answer(answer.body, _envelope, client.vendor.title)
    if envelope.errors:
        raise client.report_errors(explain(answer.body))
    return Page(cut_elements(envelope.data), read_cursor(envelope.pagination.nextCursor))


def check(client: Client) -> str:
    """Return what works, after the cheapest request for each surface: a Connection does not know which one is read."""
    threats = check_threats(client)
    try:
        alerts_api.check(client, SentinelOneConnector(name="check"))
    except CollectiveInsightsError as err:
        return f"{threats}, but not unified alerts, which only surface: unified_alerts needs. {err}".rstrip(".")
    return f"{threats} and unified alerts"


def check_threats(client: Client) -> str:
    """Return what works, after the cheapest request: one threat, uncounted."""
    read_page(client, {"limit": 1, "skipCount": "true"})
    return "the token may read threats"


def check_surface(connector: SentinelOneConnector) -> Callable[[Client], str]:
    """Return the check of the surface that a connector reads."""
    return partial(alerts_api.check, connector=connector) if connector.reads_alerts else check_threats


def read_cursor(text: str | None) -> str | None:
    """Return a cursor as it goes into a query (it arrives percent-encoded already), None at the end."""
    return None if text in (None, "", "null") else unquote(str(text))


def read_cooldown(headers: Headers, now: float) -> float:
    """Return the seconds to wait after a 429."""
    wait = read_retry_after(headers, now)
    return DEFAULT_COOLDOWN_S if wait is None else wait


def explain(body: bytes) -> str:
    """Return code, title and detail of the first error in a body. A 429 is an HTML page: nothing to tell."""
    return read_error(body, lambda answer: [answer["errors"][0].get(name) for name in ("code", "title", "detail")])


VENDOR = Vendor(
    title=ABOUT.title,
    explain=explain,
    cooldown=read_cooldown,
    credentials_hint="the API token is unknown, expired or revoked. " + _WHERE,
    permission_hint="the token's user may not view threats: give it the Viewer role.",
)
API = Api(about=ABOUT, vendor=VENDOR, sign_ins={"token": token_sign_in(VENDOR, "ApiToken", _WHERE)}, check=check)


def _first_page(connector: SentinelOneConnector, window: Window) -> dict[str, str | int]:
    key = connector.window_key
    params: dict[str, str | int] = {
        f"{key}__gte": format_instant(window.since),
        f"{key}__lt": format_instant(window.until),
        "sortBy": key,
        "sortOrder": "asc",
        "limit": PAGE_SIZE,
        "skipCount": "true",
        **_scope(connector),
    }
    if connector.only_analyst_verified:
        params["analystVerdicts"] = ",".join(connector.verdicts)
        params["createdAt__gte"] = format_instant(window.since - connector.verified_floor)
    return params


def _scope(connector: SentinelOneConnector) -> dict[str, str | int]:
    scope = {"accountIds": connector.account_ids, "siteIds": connector.site_ids}
    return {name: ",".join(ids) for name, ids in scope.items() if ids}
