"""The answers of the SentinelOne console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.sentinelone.cursor import Keyset, SortValue, decode_cursor, encode_cursor
from simulator.sentinelone.refusals import invalid, status_error, too_many_requests
from simulator.sentinelone.selection import Shown, conditions, is_selected, lower_bound
from simulator.sentinelone.threat_book import ThreatBook, ThreatRecord, ThreatState
from simulator.sentinelone.threat_params import SORT_COLUMNS, read_params
from simulator.settings import Limits, Tokens
from simulator.throttles import TokenBucket

PREFIX: Final = "/web/api/v2.1/"
_DEFAULT_LIMIT: Final = 10
_INFO_COLUMNS: Final = {
    "mitigationStatus": "mitigationStatus",
    "classification": "classification",
    "contentHash": "sha1",
}


class SentinelOneApi:
    """One SentinelOne console."""

    def __init__(self, book: ThreatBook, tokens: Tokens, limits: Limits) -> None:
        self._book = book
        self._tokens = tokens.sentinelone
        self._bucket = TokenBucket(limits.sentinelone_per_second, limits.sentinelone_burst)
        self._retry_after_s = limits.sentinelone_retry_after_s

    def answer(self, call: Call) -> Reply:
        """Returns the answer to one request."""
        resource = call.path.removeprefix(PREFIX)
        if resource == "system/status" and call.method == "GET":
            return json_reply(200, {"data": {"health": "ok"}})
        if resource not in ("threats", "system/info"):
            return status_error(404)
        if call.method != "GET":
            return status_error(405)
        if resource == "threats" and not self._bucket.take(call.now):
            return too_many_requests(self._retry_after_s)
        try:
            self._authenticate(call)
            return self._threats(call) if resource == "threats" else _system_info()
        except RefusalError as refusal:
            return refusal.reply

    def _authenticate(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "ApiToken" or token not in self._tokens:
            raise RefusalError(status_error(401))
        if not self._tokens[token]:
            raise RefusalError(status_error(403))

    def _threats(self, call: Call) -> Reply:
        params = read_params(call.pairs)
        after = decode_cursor(params["cursor"]) if params.get("cursor") else None
        column, order = _sorting(params, after)
        shown = self._selected(params, call.now)
        total = 0 if params.get("skipCount") else len(shown)
        if params.get("countOnly"):
            return _envelope([], None, len(shown))
        sort_key = _sort_key(column)
        shown.sort(key=sort_key, reverse=order == "desc")
        start = params.get("skip", 0) if after is None else _place(shown, sort_key, after)
        end = start + params.get("limit", _DEFAULT_LIMIT)
        page = shown[start:end]
        has_more = end < len(shown)
        next_cursor = encode_cursor(Keyset(column, order, *sort_key(page[-1]))) if has_more and page else None
        return _envelope(page, next_cursor, total)

    def _selected(self, params: dict[str, Any], now: int) -> list[Shown]:
        tests = conditions(params)
        created_from, updated_from = lower_bound(params, "createdAt"), lower_bound(params, "updatedAt")
        shown = ((record, record.at(now)) for record in self._book.existing(now, created_from, updated_from))
        return [(record, state) for record, state in shown if is_selected(record, state, tests)]


def _sorting(params: dict[str, Any], after: Keyset | None) -> tuple[str, str]:
    """Returns column and direction; a cursor brings its own, which the request may repeat but not change."""
    column, order = params.get("sortBy"), params.get("sortOrder")
    if after is None:
        return column or "id", order or "asc"
    if after.column not in SORT_COLUMNS:
        raise invalid("cursor: Invalid cursor.")
    if column not in (None, after.column) or order not in (None, after.order):
        raise invalid("cursor: The cursor belongs to another sorting.")
    return after.column, after.order


def _sort_key(column: str) -> Callable[[Shown], tuple[SortValue, int]]:
    if column == "id":
        return lambda shown: (shown[0].serial, shown[0].serial)
    if column in ("createdAt", "createdDate"):
        return lambda shown: (shown[0].created, shown[0].serial)
    if column == "updatedAt":
        return lambda shown: (shown[1].updated, shown[0].serial)
    return lambda shown: (_text_column(column, *shown), shown[0].serial)


def _text_column(column: str, record: ThreatRecord, state: ThreatState) -> str:
    if column != "siteId":
        return str(state.info.get(_INFO_COLUMNS[column]) or "")
    section = state.threat.get("agentDetectionInfo") if isinstance(state.threat, dict) else None
    return str((section if isinstance(section, dict) else state.info).get("siteId") or "")


def _place(shown: list[Shown], sort_key: Callable[[Shown], tuple[SortValue, int]], after: Keyset) -> int:
    """Returns the index of the first row beyond the cursor's."""
    mark = (after.value, after.serial)
    is_descending = after.order == "desc"
    low, high = 0, len(shown)
    try:
        while low < high:
            middle = (low + high) // 2
            key = sort_key(shown[middle])
            low, high = (middle + 1, high) if (key >= mark if is_descending else key <= mark) else (low, middle)
    except TypeError:
        raise invalid("cursor: Invalid cursor.") from None
    return low


def _envelope(page: list[Shown], next_cursor: str | None, total: int) -> Reply:
    pagination = orjson.dumps({"nextCursor": next_cursor, "totalItems": total})
    rows = b",".join(state.payload for _, state in page)
    body = b'{"data":[' + rows + b'],"errors":null,"pagination":' + pagination + b"}"
    return Reply(200, body, facts={"entries": len(page)})


def _system_info() -> Reply:
    info = {"build": "1", "latestAgentVersion": "24.1.2.6", "release": "simulator", "version": "S-24.1.2"}
    return json_reply(200, {"data": info})
