"""One Okta org: `GET /api/v1/logs`, for API tokens and for access tokens of service apps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from simulator.book import Book, EventTenant, Record
from simulator.exchange import Call, RefusalError, Reply
from simulator.faults import Fault, dressed
from simulator.instants import MINUTE, SECOND
from simulator.okta.log_query import RETENTION, LogQuery, Position, next_url, read_log_query
from simulator.okta.refusals import status_error
from simulator.okta.scenario import label_event, okta_hour
from simulator.okta.tokens import PATH as TOKEN_PATH
from simulator.okta.tokens import TokenEndpoint
from simulator.settings import OKTA_TOKEN
from simulator.throttles import MinuteWindow, WindowState
from simulator.vendor import Setup, SignIn

PATH: Final = "/api/v1/logs"
FOREIGN_ORIGIN: Final = "https://foreign.example.net"
_START: Final = (-1, -1)
_NEXT: Final = re.compile(r'<([^>]*)>; rel="next"')


class OktaTenant(EventTenant):
    """The org. Every answer has the rate limit headers, including refusals."""

    name = "okta"
    prefixes = ("/api/v1/", "/oauth2/")
    sign_in = SignIn(OKTA_TOKEN)
    usage = f"GET  /api/v1/logs                      Authorization: SSWS {OKTA_TOKEN}"
    own_faults = frozenset({"repeated_cursor", "foreign_next_link", "concurrency_limit", "empty_page"})

    def __init__(self, setup: Setup) -> None:
        self._history = min(setup.history, RETENTION)
        super().__init__(setup, Book(replace(setup, history=self._history), label_event, okta_hour, kept_hours=150))
        self.token_endpoint = TokenEndpoint(setup.tokens.okta_apps)
        self._window = MinuteWindow(setup.limits.okta_per_minute)
        self._pages = 0

    def answer(self, call: Call) -> Reply:
        return self._counted(call)

    def error(self, call: Call, status: int) -> Reply:
        return _with_rate(status_error(status), self._window.take(call.now))

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        """Return the answer under a fault. With too many concurrent requests, Reset is only a hint."""
        if fault.kind == "concurrency_limit":
            busy = WindowState(0, 0, (call.now + MINUTE) // SECOND, True)
            return dressed(fault, _with_rate(status_error(429), busy))
        if fault.kind == "empty_page":
            return self._counted(call, is_empty=True)
        reply = self._counted(call)
        if reply.status != 200:
            return reply
        return _with_next(reply, call, FOREIGN_ORIGIN if fault.kind == "foreign_next_link" else call.origin)

    def _counted(self, call: Call, *, is_empty: bool = False) -> Reply:
        state = self._window.take(call.now)
        if state.is_exceeded:
            return _with_rate(status_error(429), state)
        try:
            return _with_rate(self._reply(call, is_empty=is_empty), state)
        except RefusalError as refusal:
            return _with_rate(refusal.reply, state)

    def _reply(self, call: Call, *, is_empty: bool) -> Reply:
        if call.path == TOKEN_PATH:
            return self.token_endpoint.answer(call)
        if call.path != PATH:
            return status_error(404)
        if call.method != "GET":
            return status_error(405)
        may_read = self._may_read(call)
        if not may_read:
            return status_error(401 if may_read is None else 403)
        query = read_log_query(call)
        if is_empty:  # its next link leads to the records
            return self._page(call, query, [], query.after or _START, turn=self._pages + 1)
        found = [record for record, _ in zip(self._matches(query, call.now), range(query.limit + 1), strict=False)]
        page = found[: query.limit]
        return self._page(call, query, page, page[-1].place if page and len(found) > len(page) else None)

    def _may_read(self, call: Call) -> bool | None:
        """Return whether the caller has the right to read the log, None if the token is unknown."""
        if token := call.credentials("SSWS"):
            return self.setup.tokens.okta.get(token)
        return self.token_endpoint.find(call)

    def _matches(self, query: LogQuery, now: int) -> Iterator[Record]:
        after = query.after or _START
        lower = max(query.since, now - self._history, after[0])
        for record in self.book.scan(lower, min(query.until, now + 1)):
            if record.place > after and record.visible <= now and _is_wanted(query, record):
                yield record

    def _page(self, call: Call, query: LogQuery, records: list[Record], place: Position | None, turn: int = 0) -> Reply:
        links = [f'<{call.origin}{call.path}{"?" if call.query else ""}{call.query}>; rel="self"']
        if place is not None:
            links.append(f'<{next_url(call, query, place, turn)}>; rel="next"')
        self._pages += 1
        body = b"[" + b",".join(record.states[0].payload for record in records) + b"]"
        return Reply(200, body, _link_headers(links, self._pages), facts={"entries": len(records)})


def _with_rate(reply: Reply, state: WindowState) -> Reply:
    return replace(reply, headers=(*reply.headers, *state.headers()))


def _link_headers(links: list[str], turn: int) -> tuple[tuple[str, str], ...]:
    """Return the links in one of the four legal forms by turns: one line or two, either order."""
    ordered = links if turn % 4 < 2 else links[::-1]
    return tuple(("Link", link) for link in ordered) if turn % 2 else (("Link", ", ".join(ordered)),)


def _with_next(reply: Reply, call: Call, origin: str) -> Reply:
    """Return the page with a next link to itself (own origin), or to the next page on a foreign origin."""
    own = f"{call.path}?{call.query}" if call.query else call.path
    found = _NEXT.search(", ".join(value for name, value in reply.headers if name == "Link"))
    target = own if origin == call.origin or found is None else found[1].removeprefix(call.origin)
    others = tuple(pair for pair in reply.headers if pair[0] != "Link")
    links = (f'<{call.origin}{own}>; rel="self"', f'<{origin}{target}>; rel="next"')
    return replace(reply, headers=(*others, *(("Link", link) for link in links)))


def _is_wanted(query: LogQuery, record: Record) -> bool:
    """Return whether the filter matches; an element that is not an object always matches."""
    event = record.states[0].event
    if query.wanted is None or not isinstance(event, dict):
        return True
    name, value = query.wanted
    return bool(event.get(name) == value)
