"""Okta's System Log API, `GET /api/v1/logs`, as its reference describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.okta import ABOUT
from ci_operators.sources.okta.event import EVENT_TYPE
from ci_operators.sources.okta.oauth import app_sign_in
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.transport.api import Api, token_sign_in
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.link_header import find_link
from ci_operators.transport.pacing import RateLimitHeaders
from ci_operators.transport.paging import Page, read_linked_pages
from ci_operators.transport.vendor import Answer, Vendor, read_error

LOGS_PATH = "/api/v1/logs"
PAGE_SIZE = 1000
#: Okta limits requests by the minute, and reports to the org's admins that the limit was reached.
RATE_LIMIT = RateLimitHeaders("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", 60.0, reserve=0.1)
HOW_TO_GET_ONE = "Create one in the Okta Admin Console under Security > API > Tokens, as a Read Only Admin."

#: A uuid. It can be quoted in a filter as it is.
_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def fetch(client: Client, connector: OktaConnector, window: Window, tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages of threat events that were published in the window, in order of publication.

    Bounded requests end with a page without a next link. An empty page with a next link does not end them.
    """
    del connector  # no option changes the request
    wanted = f'eventType eq "{EVENT_TYPE}"'
    first = {**_bounds(window), "filter": wanted, "sortOrder": "ASCENDING", "limit": PAGE_SIZE}
    return read_linked_pages(client, LOGS_PATH, first, _read_page, marker="after", tokens=tokens)


def find_event(client: Client, connector: OktaConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the log entry with a uuid, of any event type, or None if the log has none."""
    if not _ID.fullmatch(event_id) or connector.source_keeps is None:
        return None
    bounds = _bounds(Window(now - connector.source_keeps, now))
    answer = client.get(LOGS_PATH, {**bounds, "filter": f'uuid eq "{event_id}"', "limit": 1})
    return next(iter(_read_events(client, answer)), None)


def check(client: Client) -> str:
    """Return what works, after the cheapest authenticated request: one log entry."""
    _read_events(client, client.get(LOGS_PATH, {"limit": 1}))
    return "the token can read the System Log"


def explain(body: bytes) -> str:
    """Return errorCode, errorSummary, and errorId of an error body; Okta's support asks for the id."""
    return read_error(body, _pick_words)


def repair_url(base_url: str) -> str:
    """Return the org's URL, given the URL of its admin console (acme-admin.okta.com), which does not serve the API."""
    url = urlsplit(base_url)
    first, dot, rest = url.netloc.partition(".")
    if first.endswith("-admin") and dot:
        return f"{url.scheme}://{first.removesuffix('-admin')}.{rest}"
    return base_url


VENDOR = Vendor(
    title=ABOUT.title,
    explain=explain,
    cooldown=RATE_LIMIT.read_cooldown,
    credentials_hint="the API token is unknown, expired, or revoked. It expires after 30 days without use. "
    + HOW_TO_GET_ONE,
    permission_hint="the token's user does not have the right to read the System Log. Give it the Read Only Admin "
    "role.",
)
API = Api(
    about=ABOUT,
    vendor=VENDOR,
    sign_ins={"ssws": token_sign_in(VENDOR, "SSWS", HOW_TO_GET_ONE), "oauth2": app_sign_in(VENDOR)},
    check=check,
    repair_url=repair_url,
)


def _bounds(window: Window) -> dict[str, str | int]:
    return {"since": format_instant(window.since), "until": format_instant(window.until)}


def _read_page(client: Client, answer: Answer) -> Page:
    link = find_link(answer.headers.get("Link"), "next")
    return Page(_read_events(client, answer), link, RATE_LIMIT.read_pause(answer.headers, client.pacer.now()))


def _read_events(client: Client, answer: Answer) -> list[bytes]:
    return cut_elements(decode_answer(answer.body, _elements, client.vendor.title))


def _pick_words(error: Mapping[str, Any]) -> Iterator[object]:
    yield from (error.get("errorCode"), error.get("errorSummary"))
    yield from (cause.get("errorSummary") for cause in error.get("errorCauses") or ())
    yield error.get("errorId") and f"errorId {error['errorId']}"
