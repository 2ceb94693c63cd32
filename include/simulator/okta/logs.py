"""The answer to `GET /api/v1/logs`, for API tokens and for access tokens of service apps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.exchange import Call, RefusalError, Reply
from simulator.instants import MINUTE, SECOND
from simulator.okta.after import Continuation, Position, encode_after, page_url, resume
from simulator.okta.log import LogRecord, OktaLog, Order
from simulator.okta.log_query import RETENTION, LogQuery, read_log_query
from simulator.okta.refusals import status_error
from simulator.okta.service_app import SCOPE
from simulator.okta.tokens import PATH as TOKEN_PATH
from simulator.okta.tokens import TokenEndpoint
from simulator.settings import Limits, Tokens
from simulator.throttles import MinuteWindow, WindowState

PATH: Final = "/api/v1/logs"
_ASCENDING_START: Final = (-1, -1)


class OktaApi:
    """One Okta org. Every answer bears the rate limit headers, the refusals too."""

    def __init__(self, log: OktaLog, tokens: Tokens, limits: Limits, history: int) -> None:
        self._log = log
        self._tokens = tokens.okta
        self.token_endpoint = TokenEndpoint(tokens.okta_apps)
        self._window = MinuteWindow(limits.okta_per_minute)
        self._history = min(history, RETENTION)
        self._pages = 0

    def answer(self, call: Call, *, is_empty: bool = False) -> Reply:
        """Returns the answer to one request; is_empty: a page without records, whose next link leads to them."""
        state = self._window.take(call.now)
        if state.is_exceeded:
            return with_rate(status_error(429), state)
        try:
            return with_rate(self._page(call, is_empty=is_empty), state)
        except RefusalError as refusal:
            return with_rate(refusal.reply, state)

    def error(self, call: Call, status: int) -> Reply:
        """Returns the error answer of a status, counted and with the rate limit headers like any other."""
        return with_rate(status_error(status), self._window.take(call.now))

    def overloaded(self, call: Call) -> Reply:
        """Returns the 429 of too many simultaneous requests: Limit and Remaining 0, Reset only a hint."""
        return with_rate(status_error(429), WindowState(0, 0, (call.now + MINUTE) // SECOND, True))

    def _page(self, call: Call, *, is_empty: bool) -> Reply:
        if call.path == TOKEN_PATH:
            return self.token_endpoint.answer(call)
        if call.path != PATH:
            return status_error(404)
        if call.method != "GET":
            return status_error(405)
        may_read = self._may_read(call)
        if may_read is None:
            return status_error(401)
        if not may_read:
            return status_error(403)
        query = read_log_query(call)
        start: Position | None = None
        if query.after is not None:
            query, start = resume(query)
        found = ([], start, True) if is_empty else self._select(query, start, call.now)
        return self._render(call, query, *found, turn=self._pages + 1 if is_empty else 0)

    def _may_read(self, call: Call) -> bool | None:
        """Returns whether the caller has the right to read the log, None if nobody knows the token."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            grant = self.token_endpoint.find(token, call.now)
            return None if grant is None else grant.app.has_role and SCOPE in grant.scopes
        return self._tokens.get(token) if scheme == "SSWS" else None

    def _select(
        self, query: LogQuery, start: Position | None, now: int
    ) -> tuple[list[LogRecord], Position | None, bool]:
        order: Order = "persisted" if query.is_polling else "published"
        found: list[LogRecord] = []
        position = start
        for record in self._matches(query, start, now):
            if len(found) == query.limit:
                return found, position, True
            found.append(record)
            position = record.key(order)
        return found, position, False

    def _matches(self, query: LogQuery, start: Position | None, now: int) -> Iterator[LogRecord]:
        order: Order = "persisted" if query.is_polling else "published"
        lower = max(query.since, now - self._history)
        upper = now + 1 if query.is_polling else min(query.until, now + 1)
        if start is not None and query.is_descending:
            upper = min(upper, start[0] + 1)
        elif start is not None:
            lower = max(lower, start[0])
        for record in self._log.scan(order, lower, upper, query.is_descending):
            if start is not None and not _is_beyond(record.key(order), start, query.is_descending):
                continue
            if record.persisted <= now and _is_wanted(query, record):
                yield record

    def _render(
        self,
        call: Call,
        query: LogQuery,
        records: list[LogRecord],
        position: Position | None,
        has_more: bool,
        turn: int,
    ) -> Reply:
        self_url = f"{call.origin}{call.path}" + (f"?{call.query}" if call.query else "")
        links = [f'<{self_url}>; rel="self"']
        if query.is_polling or (has_more and query.limit > 0):
            place = position if position is not None else _ASCENDING_START
            after = encode_after(query, Continuation(query.since, query.until, place, turn))
            links.append(f'<{page_url(call, query, after)}>; rel="next"')
        self._pages += 1
        body = b"[" + b",".join(record.payload for record in records) + b"]"
        return Reply(200, body, _link_headers(links, self._pages), facts={"entries": len(records)})


def with_rate(reply: Reply, state: WindowState) -> Reply:
    """Returns the answer with the three rate limit headers added."""
    return Reply(reply.status, reply.body, (*reply.headers, *state.headers()), reply.content_type, reply.facts)


def _link_headers(links: list[str], turn: int) -> tuple[tuple[str, str], ...]:
    """Returns the links in one of the four legal forms by turns: one or two lines, either order first."""
    ordered = links if turn % 4 < 2 else links[::-1]
    return tuple(("Link", link) for link in ordered) if turn % 2 else (("Link", ", ".join(ordered)),)


def _is_beyond(key: Position, start: Position, is_descending: bool) -> bool:
    return key < start if is_descending else key > start


def _is_wanted(query: LogQuery, record: LogRecord) -> bool:
    """Returns whether filter and keywords match; what is no object has no attributes and always passes."""
    if not isinstance(record.event, dict):
        return True
    if query.test is not None and not query.test(record.event):
        return False
    if not query.words:
        return True
    text = record.payload.lower()
    return all(word in text for word in query.words)
