"""Page after page, until there is no next one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest
import requests

from ci_operators.core.errors import RateLimitedError, UnreadableAnswerError
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import MAX_WAIT_S
from ci_operators.transport.paging import Page, read_pages
from tests.vendor_cases import OKTA
from tests.virtual_time import VirtualTime


@pytest.fixture
def client(virtual_time: VirtualTime) -> Client:
    """A client that nobody asks anything."""
    return OKTA.connect("https://acme.okta.com", requests.Session(), virtual_time)


class Book:
    """Pages by their tokens: each of them tells the next one's."""

    def __init__(self, *following: str | None, pause_s: float = 0.0) -> None:
        self.following, self.pause_s = following, pause_s
        self.asked: list[str | None] = []

    def ask(self, token: str | None) -> Page:
        self.asked.append(token)
        number = 0 if token is None else int(token)
        return Page([b"%d" % number], self.following[number], self.pause_s)


def events(client: Client, book: Book, tokens: Sequence[str] = ()) -> list[bytes]:
    return [event for page in islice(read_pages(client, book.ask, tokens), 20) for event in page.events]


def test_pages_are_followed_to_the_one_without_a_token(client: Client) -> None:
    assert events(client, Book(None)) == [b"0"]
    assert events(client, Book("1", "2", None)) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("tokens", [[], ["1"], ["1", "2"]])
def test_reading_continues_at_the_last_token(client: Client, tokens: list[str]) -> None:
    book = Book("1", "2", None)
    assert events(client, book, tokens) == [b"0", b"1", b"2"][len(tokens) :]
    assert book.asked[0] == (tokens[-1] if tokens else None)


@pytest.mark.parametrize(
    ("following", "tokens", "read"),
    [
        (("1", "1"), [], 1),
        (("1", "2", "1"), [], 2),
        (("1", "1"), ["1"], 0),
        (("1", "2", "3", "1"), ["1", "2"], 1),
    ],
    ids=["itself", "a circle", "itself, in a later try", "a circle over two tries"],
)
def test_a_token_that_came_before_is_refused_with_its_page(
    client: Client, following: tuple[str, ...], tokens: list[str], read: int
) -> None:
    """The page is not passed on: its token would be where the next try continues."""
    pages = read_pages(client, Book(*following).ask, tokens)
    assert len(list(islice(pages, read))) == read
    with pytest.raises(UnreadableAnswerError, match="Okta sent the same page token twice: the paging does not move on"):
        next(pages)


def test_a_short_pause_is_slept_before_the_next_page_only(client: Client, virtual_time: VirtualTime) -> None:
    assert len(events(client, Book("1", "2", None, pause_s=MAX_WAIT_S))) == 3
    assert virtual_time.slept == [MAX_WAIT_S, MAX_WAIT_S]


def test_a_longer_pause_gives_the_slot_back_after_the_page(client: Client, virtual_time: VirtualTime) -> None:
    pages = read_pages(client, Book("1", None, pause_s=MAX_WAIT_S + 1).ask)
    assert next(pages).events == [b"0"]
    with pytest.raises(RateLimitedError, match="Okta's rate limit is used up") as caught:
        next(pages)
    assert caught.value.retry_after_s == MAX_WAIT_S + 1
    assert virtual_time.slept == []
