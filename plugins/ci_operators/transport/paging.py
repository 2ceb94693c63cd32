"""Pages: the answers of a source, one after the other, and where the next one is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from ci_operators.core.errors import RateLimitedError, RequestRefusedError, UnreadableAnswerError
from ci_operators.core.instant import format_instant, read_instant
from ci_operators.core.window import Window
from ci_operators.transport.client import Client, name_host
from ci_operators.transport.pacing import MAX_WAIT_S
from ci_operators.transport.vendor import Answer

log = logging.getLogger(__name__)

#: Pages in a row without an event, after which a source has no others. A search of a long log can have some.
MOST_EMPTY_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a source.

    events: raw JSON elements, each one event (or whatever came instead of one). token: where the next page is, None at
    the end. pause_s: seconds to wait before the next request.
    """

    events: list[bytes]
    token: str | None = None
    pause_s: float = 0.0


def read_pages(client: Client, ask: Callable[[str | None], Page], tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages that `ask` returns for the first page (None) and for each token, until a page has no token.

    tokens: those that earlier tries of the task received, in order; reading continues at the last one.
    Raises UnreadableAnswerError for a token that came before and for too many empty pages, which would never end.
    Raises RateLimitedError if the wait for the next page is too long for a worker slot.
    """
    seen, token, empty = set(tokens), tokens[-1] if tokens else None, 0
    while True:
        page = ask(token)
        empty = 0 if page.events else empty + 1
        if page.token in seen or empty > MOST_EMPTY_PAGES:
            sent = "the same page token twice" if page.token in seen else f"{MOST_EMPTY_PAGES} empty pages in a row"
            raise UnreadableAnswerError(f"{client.vendor.title} sent {sent}, so the pages would never end.")
        yield page
        if page.token is None:
            return
        token = page.token
        seen.add(token)
        _pause(client, page.pause_s)


def read_linked_pages(
    client: Client,
    path: str,
    first: Mapping[str, str | int],
    read_page: Callable[[Client, Answer], Page],
    *,
    marker: str,
    tokens: Sequence[str] = (),
) -> Iterator[Page]:
    """Yield pages that link to the next one, by a Link header or in the body; see `read_pages`.

    path: where the pages are; first: the parameters of the first one. read_page: returns a page with the link as its
    token. marker: the start of a parameter that is in every link except one to the first page.
    A token is the link's query.
    """

    def ask(query: str | None) -> Page:
        page = read_page(client, client.get(f"{path}?{query}") if query else client.get(path, first))
        following = _find_query(client, page.token, path, marker) if page.token else None
        # An empty page that leads to itself is the end of what the vendor takes for polling.
        return replace(page, token=following if page.events or following != query else None)

    return read_pages(client, ask, tokens)


@dataclass(frozen=True, slots=True)
class Slices:
    """What a request can cover: the shortest and the longest time, and how old its start can be."""

    shortest: timedelta
    longest: timedelta
    oldest: timedelta

    def cut(self, window: Window) -> Window:
        """Return the first of the equal slices of a window that one request each can cover."""
        length = window.until - window.since
        since = min(window.since, window.until - self.shortest)
        return Window(since, window.since + length / -(-length // self.longest))


def read_slices(
    client: Client, window: Window, ask: Callable[[Window], list[bytes]], slices: Slices, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield a page for each slice of a window, for an API without pages that limits the time of a request.

    ask: returns the events of a slice. The token of a page is the start of the next slice; see `read_pages`.
    What has become too old is skipped, with a warning that says which time it is.
    """

    def ask_next(token: str | None) -> Page:
        since = read_instant(token)[0] if token else window.since
        oldest = datetime.fromtimestamp(client.pacer.now(), UTC) - slices.oldest
        if since < oldest:
            lost = Window(since, min(oldest, window.until))
            log.warning("%s no longer gives the events of %s: they are lost.", client.vendor.title, lost)
            since = oldest
        if since >= window.until:
            return Page([])
        part = slices.cut(Window(since, window.until))
        return Page(ask(part), format_instant(part.until) if part.until < window.until else None)

    return read_pages(client, ask_next, tokens)


def _find_query(client: Client, link: str, path: str, marker: str) -> str:
    """Return the query of a link. The request goes to the Connection's host: no other host gets the credentials."""
    title = client.vendor.title
    try:
        url = urlsplit(link)
    except ValueError:
        raise RequestRefusedError(f"{title}'s next link is not a valid URL.") from None
    if url.path != path:
        place = client.quote(f"{name_host(link)}{url.path}", 160)
        raise RequestRefusedError(f"{title}'s next link points to {place}, not to {path}.")
    if not any(name.startswith(marker) for name in parse_qs(url.query)):
        raise UnreadableAnswerError(f"{title}'s next link points to the first page again: it has no `{marker}`.")
    return url.query


def _pause(client: Client, seconds: float) -> None:
    if seconds > MAX_WAIT_S:
        raise RateLimitedError(f"{client.vendor.title}'s rate limit is used up.", retry_after_s=seconds)
    client.pacer.wait(seconds)
