"""Okta's System Log API: `GET /api/v1/logs`. Source of all facts: Okta's System Log API reference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import msgspec

from ci_operators.core.errors import RequestRefusedError, UnreadableAnswerError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.okta.criteria import EVENT_TYPE
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.source import Page
from ci_operators.transport.client import Client, name_host
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.link_header import find_link
from ci_operators.transport.pacing import limit_wait, read_date
from ci_operators.transport.vendor import Answer, Headers, Vendor

LOGS_PATH = "/api/v1/logs"
PAGE_SIZE = 1000
#: Part of the budget that stays unused: Okta reports an empty one to the org's admins as a violation.
RESERVE = 0.1

HOW_TO_GET_ONE = "Create one in the Okta Admin Console under Security > API > Tokens, as a Read Only Admin."
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def fetch(client: Client, connector: OktaConnector, window: Window) -> Iterator[Page]:
    """Yield the pages of threat events published in the window, in order of publication.

    Bounded requests (since and until) end with a page without a next link; an empty page ends them too.
    """
    del connector  # no option changes the request
    answer = client.get(LOGS_PATH, _first_page(window, PAGE_SIZE))
    seen: set[str] = set()
    while True:
        events = cut_elements(decode_answer(answer.body, _elements, client.vendor.title))
        yield Page(events)
        link = find_link(answer.headers.get("Link"), "next")
        if link is None or not events:
            return
        path = _pin(link, client)
        if path in seen:
            raise UnreadableAnswerError("Okta sent the same next link twice: the paging does not move on.")
        seen.add(path)
        _spare_budget(client, answer)
        answer = client.get(path)


def check(client: Client) -> str:
    """Return a sentence after the cheapest authenticated call: one log entry."""
    answer = client.get(LOGS_PATH, {"limit": 1})
    decode_answer(answer.body, _elements, client.vendor.title)
    return "the token may read the System Log"


def read_cooldown(headers: Headers, now: float) -> float | None:
    """Return the seconds to wait after a 429: until X-Rate-Limit-Reset, by the server's own clock.

    None for a concurrency limit (limit and remaining both 0), whose reset is only a hint: own backoff.
    """
    if _read_smallest(headers, "X-Rate-Limit-Limit") == 0:
        return None
    reset = _read_smallest(headers, "X-Rate-Limit-Reset")
    if reset is None:
        return None
    date = read_date(headers)
    wait = limit_wait(reset - (date.timestamp() if date else now))
    return None if wait is None else wait + 1.0


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


def _pin(link: str, client: Client) -> str:
    """Return path and query of a next link: the token goes to no host but the Connection's."""
    try:
        url = urlsplit(link)
    except ValueError:
        raise RequestRefusedError("Okta's next link is no URL.") from None
    if url.path != LOGS_PATH or "after" not in parse_qs(url.query):
        place = client.quote(f"{name_host(link)}{url.path}", 160)
        raise RequestRefusedError(f"Okta's next link leads to {place}, not to the System Log.")
    return f"{url.path}?{url.query}"


def _spare_budget(client: Client, answer: Answer) -> None:
    limit = _read_smallest(answer.headers, "X-Rate-Limit-Limit")
    remaining = _read_smallest(answer.headers, "X-Rate-Limit-Remaining")
    if limit and remaining is not None and remaining <= max(1.0, limit * RESERVE):
        client.pacer.wait(read_cooldown(answer.headers, client.pacer.now()) or 0.0)


def _read_smallest(headers: Headers, name: str) -> float | None:
    """Return the smallest number in a header that is repeated when several buckets apply."""
    try:
        return min((float(part) for part in headers.get(name, "").split(",") if part.strip()), default=None)
    except ValueError:
        return None
