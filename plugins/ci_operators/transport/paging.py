"""Pages: what a source answers with, one after the other, and where the next one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from ci_operators.core.errors import RateLimitedError, RequestRefusedError, UnreadableAnswerError
from ci_operators.transport.client import Client, name_host
from ci_operators.transport.pacing import MAX_WAIT_S
from ci_operators.transport.vendor import Answer


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a source.

    events: raw JSON elements, each one event (or whatever came in its place). token: where the next page is, None at
    the end. pause_s: seconds to wait before it is asked for.
    """

    events: list[bytes]
    token: str | None = None
    pause_s: float = 0.0


def read_pages(client: Client, ask: Callable[[str | None], Page], tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages that `ask` returns for the first page (None) and for each token, until a page has no token.

    tokens: those that earlier tries of the task were given, in their order; reading continues at the last one.
    Raises UnreadableAnswerError for a token that came before: following it would never end. Raises RateLimitedError
    when the next page needs a wait that is too long for a worker slot.
    """
    seen, token = set(tokens), tokens[-1] if tokens else None
    while True:
        page = ask(token)
        if page.token in seen:
            raise UnreadableAnswerError(
                f"{client.vendor.title} sent the same page token twice: the paging does not move on."
            )
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
    """Yield pages of which each links to the next one, by a Link header or in its body; see `read_pages`.

    path: where the pages are; first: the parameters of the first one. read_page: gives a page with the link as its
    token. marker: the parameter that the link of every page but the first one has.
    """

    def ask(query: str | None) -> Page:
        page = read_page(client, client.get(f"{path}?{query}") if query else client.get(path, first))
        following = _find_query(client, page.token, path, marker) if page.token else None
        # An empty page that leads to itself is the end of what the vendor treats as polling.
        return replace(page, token=following if page.events or following != query else None)

    return read_pages(client, ask, tokens)


def _find_query(client: Client, link: str, path: str, marker: str) -> str:
    """Return the query of a link. The request goes to the Connection's host: no other one gets the credentials."""
    title = client.vendor.title
    try:
        url = urlsplit(link)
    except ValueError:
        raise RequestRefusedError(f"{title}'s next link is not a valid URL.") from None
    if url.path != path:
        place = client.quote(f"{name_host(link)}{url.path}", 160)
        raise RequestRefusedError(f"{title}'s next link leads to {place}, not to {path}.")
    if marker not in parse_qs(url.query):
        raise UnreadableAnswerError(f"{title}'s next link leads to the first page again: it has no `{marker}`.")
    return url.query


def _pause(client: Client, seconds: float) -> None:
    if seconds > MAX_WAIT_S:
        raise RateLimitedError(f"{client.vendor.title}'s rate limit is used up.", retry_after_s=seconds)
    client.pacer.wait(seconds)
