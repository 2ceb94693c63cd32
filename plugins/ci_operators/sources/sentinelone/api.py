"""SentinelOne's Management API v2.1: `GET /web/api/v2.1/threats`. Source of all facts: its API reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from ci_operators.core.errors import UnreadableAnswerError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.api import Api
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Headers, Vendor

THREATS_PATH = "/web/api/v2.1/threats"
PAGE_SIZE = 1000
#: /threats takes 10 requests a second for each token.
INTERVAL_S = 0.1
#: SentinelOne may leave Retry-After out of a 429; its own tools then wait this long.
DEFAULT_COOLDOWN_S = 5.0

_WHERE = "Generate one in the SentinelOne console under Settings > Users > Current User, as a Viewer."


class Pagination(Struct, frozen=True):
    """`nextCursor` is null on the last page; "null" and "" have been seen there too."""

    nextCursor: str | None = None  # SentinelOne's spelling


class Envelope(Struct, frozen=True):
    """A page of threats."""

    data: list[msgspec.Raw]
    pagination: Pagination = Pagination()
    errors: Any = None


_envelope = msgspec.json.Decoder(Envelope)


def read_token(text: str, label: str) -> tuple[str, str]:
    """Return the auth header for an API token; a pasted "ApiToken " before it is taken off."""
    text = text.strip()
    if text[:9].lower() == "apitoken ":
        text = text[9:]
    return "Authorization", f"ApiToken {check_token(text, label=label, where=_WHERE)}"


def fetch(
    client: Client, connector: SentinelOneConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pages of threats of the window, oldest first.

    Windows hold threats by createdAt; those of a connector for verified events by updatedAt, since a verdict
    comes hours after its threat. The upper bound stays the same for all pages: a threat that changes
    meanwhile leaves the window and comes in the next one.
    """
    params = _first_page(connector, window)

    def ask(cursor: str | None) -> Page:
        client.pacer.keep_interval(INTERVAL_S)
        return read_page(client, {**params, "cursor": cursor} if cursor else params)

    return read_pages(client, ask, tokens)


def read_page(client: Client, params: Mapping[str, str | int]) -> Page:
    """Return one page of threats. Raises UnreadableAnswerError for a 200 that reports errors: it may be incomplete."""
    answer = client.get(THREATS_PATH, params)
    envelope = decode_answer(answer.body, _envelope, client.vendor.title)
    if envelope.errors:
        said = client.quote(explain(answer.body), 300)
        raise UnreadableAnswerError(f"SentinelOne answered 200 with errors ({said}): the page may be incomplete.")
    return Page(cut_elements(envelope.data), read_cursor(envelope.pagination.nextCursor))


def check(client: Client) -> str:
    """Return a sentence after the cheapest authenticated call: one threat, uncounted."""
    read_page(client, {"limit": 1, "skipCount": "true"})
    return "the token may read threats"


def read_cursor(text: str | None) -> str | None:
    """Return a cursor as it goes into a query (it arrives percent-encoded already), None at the end."""
    return None if text in (None, "", "null") else unquote(str(text))


def read_cooldown(headers: Headers, now: float) -> float:
    """Return the seconds to wait after a 429."""
    wait = read_retry_after(headers, now)
    return DEFAULT_COOLDOWN_S if wait is None else wait


def explain(body: bytes) -> str:
    """Return code, title and detail of the first error in a body. A 429 is an HTML page: nothing to tell."""
    try:
        error = json.loads(body)["errors"][0]
        parts = (error.get("code"), error.get("title"), error.get("detail"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return ": ".join(str(part) for part in parts if part)


VENDOR = Vendor(
    title="SentinelOne",
    explain=explain,
    cooldown=read_cooldown,
    credentials_hint="the API token is unknown, expired or revoked. " + _WHERE,
    permission_hint="the token's user may not view threats: give it the Viewer role.",
)

API = Api(
    vendor=VENDOR,
    url_example="https://acme.sentinelone.net",
    read_token=read_token,
    check=check,
)


def _first_page(connector: SentinelOneConnector, window: Window) -> dict[str, str | int]:
    key = "updatedAt" if connector.only_analyst_verified else "createdAt"
    params: dict[str, str | int] = {
        f"{key}__gte": format_instant(window.since),
        f"{key}__lt": format_instant(window.until),
        "sortBy": key,
        "sortOrder": "asc",
        "limit": PAGE_SIZE,
        "skipCount": "true",
    }
    if connector.only_analyst_verified:
        params["analystVerdicts"] = ",".join(connector.verified_verdicts)
        params["createdAt__gte"] = format_instant(window.since - connector.verified_floor)
    if connector.account_ids:
        params["accountIds"] = ",".join(connector.account_ids)
    if connector.site_ids:
        params["siteIds"] = ",".join(connector.site_ids)
    return params
