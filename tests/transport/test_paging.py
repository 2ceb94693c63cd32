"""Page after page, until there is no next one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice, pairwise
from urllib.parse import urlsplit

import pytest
import requests

from ci_operators.core.errors import RateLimitedError, RequestRefusedError, UnreadableAnswerError
from ci_operators.core.window import Window
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import MAX_WAIT_S
from ci_operators.transport.paging import Page, Slices, read_linked_pages, read_pages, read_slices
from ci_operators.transport.vendor import Answer
from tests.fuzz.answering import URL, Reply, open_session
from tests.vendor_cases import OKTA
from tests.virtual_time import NOON, VirtualTime


@pytest.fixture
def client(virtual_time: VirtualTime) -> Client:
    """A client without requests."""
    return OKTA.connect("https://acme.okta.com", requests.Session(), virtual_time)


class Book:
    """Pages by their tokens: each page has the token of the next one."""

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
    """The page is not passed on, since the next try would continue at its token."""
    pages = read_pages(client, Book(*following).ask, tokens)
    assert len(list(islice(pages, read))) == read
    with pytest.raises(UnreadableAnswerError, match="Okta sent the same page token twice, so the pages would"):
        next(pages)


def test_empty_pages_without_end_are_refused(client: Client) -> None:
    pages = read_pages(client, lambda token: Page([], str(int(token or 0) + 1)))
    with pytest.raises(UnreadableAnswerError, match="Okta sent 10000 empty pages in a row, so the pages would"):
        list(islice(pages, 20_000))


def test_a_short_pause_is_slept_before_the_next_page_only(client: Client, virtual_time: VirtualTime) -> None:
    assert len(events(client, Book("1", "2", None, pause_s=MAX_WAIT_S))) == 3
    assert virtual_time.slept == [MAX_WAIT_S, MAX_WAIT_S]


def test_a_longer_pause_frees_the_slot_after_the_page(client: Client, virtual_time: VirtualTime) -> None:
    pages = read_pages(client, Book("1", None, pause_s=MAX_WAIT_S + 1).ask)
    assert next(pages).events == [b"0"]
    with pytest.raises(RateLimitedError, match="Okta's rate limit is used up") as caught:
        next(pages)
    assert caught.value.retry_after_s == MAX_WAIT_S + 1
    assert virtual_time.slept == []


class Links:
    """Pages that link to each other; refused: queries that are answered with 400."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """Answer with the number of the requested page: the part of the query after its last "="."""
        query = urlsplit(request.url or "").query
        self.asked.append(query)
        return Reply(400) if query in self.refused else Reply(body=query.rpartition("=")[2].encode())

    def read_page(self, client: Client, answer: Answer) -> Page:
        """Return the page: 0 to 3, each with one event."""
        del client
        number = int(answer.body)
        link = f"/logs?next={number + 1}" if number < 3 else None
        return Page([answer.body], link)


def read_links(links: Links, virtual_time: VirtualTime, tokens: Sequence[str] = ()) -> list[bytes]:
    with open_session(links.answer) as session:
        client = OKTA.connect(URL, session, virtual_time)
        pages = read_linked_pages(client, "/logs", {"from": 0}, links.read_page, marker="next", tokens=tokens)
        return [event for page in islice(pages, 20) for event in page.events]


def test_links_are_followed(virtual_time: VirtualTime) -> None:
    links = Links()
    assert read_links(links, virtual_time) == [b"0", b"1", b"2", b"3"]
    assert links.asked == ["from=0", "next=1", "next=2", "next=3"]


def test_a_refused_link_is_the_error(virtual_time: VirtualTime) -> None:
    links = Links("next=2")
    with pytest.raises(RequestRefusedError, match="answered 400"):
        read_links(links, virtual_time)
    assert links.asked == ["from=0", "next=1", "next=2"]


SLICES = Slices(shortest=timedelta(seconds=30), longest=timedelta(hours=1), oldest=timedelta(days=7))


def slices_of(client: Client, window: Window, tokens: Sequence[str] = ()) -> tuple[list[Window], list[str]]:
    """Return the requested slices, and the tokens of their pages."""
    asked: list[Window] = []

    def ask(part: Window) -> list[bytes]:
        asked.append(part)
        return [b"{}"]

    pages = list(islice(read_slices(client, window, ask, SLICES, tokens), 500))
    return asked, [page.token for page in pages if page.token]


@pytest.mark.parametrize(
    ("length", "count"),
    [
        (timedelta(seconds=30), 1),
        (timedelta(hours=1), 1),
        (timedelta(hours=1, microseconds=1), 2),
        (timedelta(minutes=61), 2),
        (timedelta(hours=24), 24),
        (timedelta(days=7), 168),
        (timedelta(days=1, minutes=59, microseconds=333_333), 25),
    ],
)
def test_slices_cover_a_window_within_the_allowed_lengths(client: Client, length: timedelta, count: int) -> None:
    window = Window(NOON - length, NOON)
    asked, tokens = slices_of(client, window)
    assert (len(asked), len(tokens)) == (count, count - 1)
    assert (asked[0].since, asked[-1].until) == (window.since, window.until)
    millisecond = timedelta(milliseconds=1)
    assert all(timedelta(0) <= left.until - right.since < millisecond for left, right in pairwise(asked))
    assert all(SLICES.shortest <= each.until - each.since <= SLICES.longest + millisecond for each in asked)


def test_a_window_that_is_too_short_is_asked_for_with_the_time_before_it(client: Client) -> None:
    since = NOON - timedelta(seconds=2)
    assert slices_of(client, Window(since, NOON)) == ([Window(NOON - timedelta(seconds=30), NOON)], [])


def test_slices_continue_where_an_earlier_try_stopped(client: Client) -> None:
    window = Window(NOON - timedelta(hours=5, minutes=7), NOON)
    asked, tokens = slices_of(client, window)
    for read in range(1, len(asked)):
        assert slices_of(client, window, tokens[:read]) == (asked[read:], tokens[read:])


def test_a_period_that_became_too_old_is_reported_and_skipped(
    client: Client, virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    window = Window(NOON - timedelta(days=7), NOON - timedelta(days=6, hours=22))
    virtual_time.sleep(3600 + 1800)
    asked, tokens = slices_of(client, window)
    assert asked == [Window(NOON - timedelta(days=6, hours=22, minutes=30), window.until)]
    assert tokens == []
    assert (
        "Okta no longer gives the events of [2026-03-03T12:00:00.000Z, 2026-03-03T13:30:00.000Z): they are lost."
        in caplog.text
    )


def test_a_window_that_is_too_old_altogether_is_not_asked_for(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    window = Window(NOON - timedelta(days=9), NOON - timedelta(days=8))
    assert slices_of(client, window) == ([], [])
    assert f"no longer gives the events of {window}" in caplog.text
