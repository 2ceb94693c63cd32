"""One SentinelOne console: `GET /web/api/v2.1/threats`."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from simulator.exchange import Call, RefusalError, Reply
from simulator.faults import Fault
from simulator.sentinelone.cursor import Keyset, decode_cursor, encode_cursor
from simulator.sentinelone.refusals import invalid, status_error, too_many_requests
from simulator.sentinelone.threat_book import ThreatBook
from simulator.sentinelone.threat_query import Shown, is_selected, read_params, sort_key
from simulator.throttles import TokenBucket
from simulator.vendor import Setup, Tenant

PATH: Final = "/web/api/v2.1/threats"
_DEFAULT_LIMIT: Final = 10
_PARTIAL: Final = {"code": 5000010, "title": "Internal Server Error", "detail": "Server could not process the request."}


class SentinelOneTenant(Tenant):
    """The console with its threats."""

    name = "sentinelone"
    prefixes = ("/web/api/",)
    own_faults = frozenset({"repeated_cursor", "partial_errors"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.book = ThreatBook(setup.seed, setup.history)
        self._bucket = TokenBucket(setup.limits.sentinelone_per_second, setup.limits.sentinelone_burst)
        for threat in setup.events:
            self.book.add(threat)

    def add(self, event: object, visible_from: int | None = None) -> None:
        if visible_from is not None:
            raise TypeError("a threat is visible from its createdAt on")
        self.book.add(event)

    def event_ids(self, first: int, last: int, now: int, event_type: str | None) -> list[str]:
        threats = self.book.existing(now, first, 0)
        return [t.threat_id for t in sorted(threats, key=lambda t: t.created) if first <= t.created < last]

    def answer(self, call: Call) -> Reply:
        if call.path != PATH:
            return status_error(404)
        if call.method != "GET":
            return status_error(405)
        if not self._bucket.take(call.now):
            return too_many_requests(self.setup.limits.sentinelone_retry_after_s)
        try:
            self._authenticate(call)
            return self._threats(call)
        except RefusalError as refusal:
            return refusal.reply

    def error(self, call: Call, status: int) -> Reply:
        return status_error(status)

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault is meant for a request: a cursor is repeated only if there is one."""
        if fault.kind == "repeated_cursor" and not dict(call.pairs).get("cursor"):
            return False
        return super().is_struck(fault, call)

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        reply = self.answer(call)
        if reply.status != 200:
            return reply
        answer = orjson.loads(reply.body)
        if fault.kind == "repeated_cursor":
            answer["pagination"]["nextCursor"] = quote(unquote(dict(call.pairs)["cursor"]), safe="")
        else:  # a part of the console could not answer: the last page, by its cursor
            answer["pagination"]["nextCursor"] = None
            answer |= {"data": answer["data"][::2], "errors": [_PARTIAL]}
        return Reply(200, orjson.dumps(answer), facts=reply.facts)

    def _authenticate(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        may_read = self.setup.tokens.sentinelone.get(token) if scheme == "ApiToken" else None
        if not may_read:
            raise RefusalError(status_error(401 if may_read is None else 403))

    def _threats(self, call: Call) -> Reply:
        params = read_params(call.pairs)
        after = decode_cursor(params["cursor"]) if params.get("cursor") else None
        column = params.get("sortBy", after.column if after else "id")
        if after is not None and column != after.column:
            raise invalid("cursor: The cursor belongs to another sorting.")
        place = sort_key(column)
        shown = sorted(self._selected(params, call.now), key=place)
        rest = shown if after is None else [row for row in shown if place(row) > (after.value, after.serial)]
        page = rest[: params.get("limit", _DEFAULT_LIMIT)]
        has_more = len(page) < len(rest)
        next_cursor = encode_cursor(Keyset(column, *place(page[-1]))) if has_more else None
        return _envelope(page, next_cursor, 0 if params.get("skipCount") else len(shown))

    def _selected(self, params: dict[str, Any], now: int) -> list[Shown]:
        bounds = (params.get("createdAt__gte", 0), params.get("updatedAt__gte", 0))
        shown = ((record, record.at(now)) for record in self.book.existing(now, *bounds))
        return [(record, state) for record, state in shown if is_selected(params, record, state)]


def _envelope(page: list[Shown], next_cursor: str | None, total: int) -> Reply:
    pagination = orjson.dumps({"nextCursor": next_cursor, "totalItems": total})
    rows = b",".join(state.payload for _, state in page)
    body = b'{"data":[' + rows + b'],"errors":null,"pagination":' + pagination + b"}"
    return Reply(200, body, facts={"entries": len(page)})
