"""Pages: what a source answers with, one after the other, and where the next one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ci_operators.core.errors import RateLimitedError, UnreadableAnswerError
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import MAX_WAIT_S


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


def _pause(client: Client, seconds: float) -> None:
    if seconds > MAX_WAIT_S:
        raise RateLimitedError(f"{client.vendor.title}'s rate limit is used up.", retry_after_s=seconds)
    client.pacer.wait(seconds)
