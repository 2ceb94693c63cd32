"""Okta's System Log API: `GET /api/v1/logs`. Source of all facts: Okta's System Log API reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

from ci_operators.core.errors import RequestRefusedError, UnreadableAnswerError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.okta.criteria import EVENT_TYPE
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.transport.client import Client, name_host
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.link_header import find_link
from ci_operators.transport.pacing import limit_wait, read_date
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.vendor import Answer, Headers, Vendor

LOGS_PATH = "/api/v1/logs"
PAGE_SIZE = 1000
#: Part of the budget that stays unused: Okta reports an empty one to the org's admins as a violation.
RESERVE = 0.1
#: Okta counts requests by the minute.
RATE_WINDOW_S = 60.0

HOW_TO_GET_ONE = "Create one in the Okta Admin Console under Security > API > Tokens, as a Read Only Admin."
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def fetch(client: Client, connector: OktaConnector, window: Window, tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages of threat events published in the window, in order of publication.

    Bounded requests (since and until) end with a page without a next link. An empty page with one does not end them.
    """
    del connector  # no option changes the request

    def ask(query: str | None) -> Page:
        first = _first_page(window, PAGE_SIZE)
        answer = client.get(f"{LOGS_PATH}?{query}") if query else client.get(LOGS_PATH, first)
        events = cut_elements(decode_answer(answer.body, _elements, client.vendor.title))
        following = _find_next(answer, client)
        if not events and following == query:
            following = None  # the end of a request that Okta treats as polling: its link leads to itself
        return Page(events, following, _find_pause(answer, client))

    return read_pages(client, ask, tokens)


def check(client: Client) -> str:
    """Return a sentence after the cheapest authenticated call: one log entry."""
    answer = client.get(LOGS_PATH, {"limit": 1})
    decode_answer(answer.body, _elements, client.vendor.title)
    return "the token may read the System Log"


def read_cooldown(headers: Headers, now: float) -> float | None:
    """Return the seconds to wait after a 429: until X-Rate-Limit-Reset, by the server's own clock.

    Without a Date header they are counted by the local clock, which may be wrong, and are at most Okta's window.
    None for a concurrency limit (limit and remaining both 0), whose reset is only a hint: own backoff.
    """
    if _read_smallest(headers, "X-Rate-Limit-Limit") == 0:
        return None
    reset = _read_smallest(headers, "X-Rate-Limit-Reset")
    if reset is None:
        return None
    date = read_date(headers)
    wait = limit_wait(reset - (date.timestamp() if date else now))
    if wait is None:
        return None
    return (wait if date else min(wait, RATE_WINDOW_S)) + 1.0


def explain(body: bytes) -> str:
    """Return errorCode, errorSummary and errorId of an error body: the id is what Okta's support asks for."""
    try:
        error = json.loads(body)
        parts = [error.get("errorCode"), error.get("errorSummary")]
        parts += [cause.get("errorSummary") for cause in error.get("errorCauses") or []]
        error_id = error.get("errorId")
    except (ValueError, AttributeError, TypeError, RecursionError):
        return ""
    said = ": ".join(part for part in parts if isinstance(part, str) and part)
    return f"{said}, errorId {error_id}" if isinstance(error_id, str) else said


VENDOR = Vendor(
    title="Okta",
    explain=explain,
    cooldown=read_cooldown,
    credentials_hint="the API token is unknown, expired or revoked; it expires after 30 days without use. "
    + HOW_TO_GET_ONE,
    permission_hint="the token's user may not read the System Log: give it the Read Only Admin role.",
)


def _first_page(window: Window, limit: int) -> dict[str, str | int]:
    return {
        "since": format_instant(window.since),
        "until": format_instant(window.until),
        "filter": f'eventType eq "{EVENT_TYPE}"',
        "sortOrder": "ASCENDING",
        "limit": limit,
    }


def _find_next(answer: Answer, client: Client) -> str | None:
    """Return the query of the next link, None at the end: the API token goes to no host but the Connection's."""
    link = find_link(answer.headers.get("Link"), "next")
    if link is None:
        return None
    try:
        url = urlsplit(link)
    except ValueError:
        raise RequestRefusedError("Okta's next link is not a valid URL.") from None
    if url.path != LOGS_PATH:
        place = client.quote(f"{name_host(link)}{url.path}", 160)
        raise RequestRefusedError(f"Okta's next link leads to {place}, not to the System Log.")
    if "after" not in parse_qs(url.query):
        raise UnreadableAnswerError("Okta's next link leads to the first page again: it has no `after`.")
    return url.query


def _find_pause(answer: Answer, client: Client) -> float:
    """Return the seconds until Okta's budget is full again, if this answer used it up to the reserve."""
    limit = _read_smallest(answer.headers, "X-Rate-Limit-Limit")
    remaining = _read_smallest(answer.headers, "X-Rate-Limit-Remaining")
    if limit and remaining is not None and remaining <= max(1.0, limit * RESERVE):
        return read_cooldown(answer.headers, client.pacer.now()) or 0.0
    return 0.0


def _read_smallest(headers: Headers, name: str) -> float | None:
    """Return the smallest number in a header that is repeated when several buckets apply."""
    try:
        return min((float(part) for part in headers.get(name, "").split(",") if part.strip()), default=None)
    except ValueError:
        return None
