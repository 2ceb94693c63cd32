"""One SentinelOne console: `GET /web/api/v2.1/threats` and `POST /web/api/v2.1/unifiedalerts/graphql`."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from simulator.book import Book, EventTenant, Shown
from simulator.exchange import Call, RefusalError, Reply, decode_element
from simulator.faults import Fault
from simulator.sentinelone.alert_scenario import judged as judged_alert
from simulator.sentinelone.alerts import Alerts
from simulator.sentinelone.cursor import Keyset, decode_cursor, encode_cursor
from simulator.sentinelone.refusals import invalid, status_error, too_many_requests
from simulator.sentinelone.scenario import MAX_VERDICT_DELAY, judged, label_threat, threat_hour
from simulator.sentinelone.threat_query import is_selected, read_params, sort_key
from simulator.settings import SENTINELONE_TOKEN
from simulator.throttles import TokenBucket
from simulator.vendor import Setup, SignIn

PATH: Final = "/web/api/v2.1/threats"
ALERTS_PATH: Final = "/web/api/v2.1/unifiedalerts/graphql"
_METHODS: Final = {PATH: "GET", ALERTS_PATH: "POST"}
_DEFAULT_LIMIT: Final = 10
_PARTIAL: Final = {"code": 5000010, "title": "Internal Server Error", "detail": "Server could not process the request."}


class SentinelOneTenant(EventTenant):
    """The console with its threats and its alerts."""

    name = "sentinelone"
    prefixes = ("/web/api/",)
    sign_in = SignIn(SENTINELONE_TOKEN)
    usage = f"GET  /web/api/v2.1/threats             Authorization: ApiToken {SENTINELONE_TOKEN}"
    own_faults = frozenset({"repeated_cursor", "partial_errors"})

    def __init__(self, setup: Setup) -> None:
        self.alerts = Alerts(setup)
        super().__init__(setup, Book(setup, label_threat, threat_hour, reach=MAX_VERDICT_DELAY))
        self._bucket = TokenBucket(setup.limits.sentinelone_per_second, setup.limits.sentinelone_burst)

    def add(self, event: object, visible_from: int | None = None) -> None:
        if visible_from is not None:
            raise TypeError("a threat is visible from its createdAt on")
        decoded, _ = decode_element(event)
        is_alert = isinstance(decoded, dict) and "detectedAt" in decoded
        if is_alert or not isinstance(decoded, dict):
            self.alerts.book.add(event)
        if not is_alert:
            self.book.add(event)

    def judge(self, event_id: str, verdict: str, at: int) -> None:
        """Give an added threat or alert a verdict from an instant on. Raises KeyError if neither is known."""
        try:
            self.book.change(event_id, at, lambda threat: judged(threat, verdict, at))
        except KeyError:
            alert_id = self.alerts.find_id(event_id)
            self.alerts.book.change(alert_id, at, lambda alert: judged_alert(alert, verdict, at))

    def answer(self, call: Call) -> Reply:
        if call.path not in _METHODS:
            return status_error(404)
        if call.method != _METHODS[call.path]:
            return status_error(405)
        if not self._bucket.take(call.now):
            return too_many_requests(self.setup.limits.sentinelone_retry_after_s)
        try:
            self._authenticate(call)
            return self._threats(call) if call.path == PATH else self.alerts.answer(call)
        except RefusalError as refusal:
            return refusal.reply

    def error(self, call: Call, status: int) -> Reply:
        return status_error(status)

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault applies to a request. A cursor can be repeated only if there is one."""
        if fault.kind == "repeated_cursor" and not _read_cursor(call):
            return False
        return super().is_struck(fault, call)

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        reply = self.answer(call)
        if reply.status != 200:
            return reply
        answer = orjson.loads(reply.body)
        if call.path == ALERTS_PATH:
            _strike_alerts(fault, call, answer)
        elif fault.kind == "repeated_cursor":
            answer["pagination"]["nextCursor"] = quote(unquote(_read_cursor(call)), safe="")
        else:  # a part of the console could not answer: the last page, by its cursor
            answer["pagination"]["nextCursor"] = None
            answer |= {"data": answer["data"][::2], "errors": [_PARTIAL]}
        return Reply(200, orjson.dumps(answer), facts=reply.facts)

    def _authenticate(self, call: Call) -> None:
        may_read = self.setup.tokens.sentinelone.get(call.credentials("ApiToken"))
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
        return [each for each in self.book.shown(now, *bounds) if is_selected(params, *each)]


def _read_cursor(call: Call) -> str:
    """Return the cursor of a request, "" if it has none."""
    if call.path == PATH:
        return dict(call.pairs).get("cursor", "")
    return (orjson.loads(call.body).get("variables") or {}).get("after") or ""


def _strike_alerts(fault: Fault, call: Call, answer: dict[str, Any]) -> None:
    """Put a fault into an answer with alerts."""
    if fault.kind == "repeated_cursor":
        answer["data"]["alerts"]["pageInfo"] = {"hasNextPage": True, "endCursor": _read_cursor(call)}
    else:
        answer["errors"] = [{"message": _PARTIAL["detail"], "extensions": {"classification": "INTERNAL_ERROR"}}]


def _envelope(page: list[Shown], next_cursor: str | None, total: int) -> Reply:
    pagination = orjson.dumps({"nextCursor": next_cursor, "totalItems": total})
    rows = b",".join(state.payload for _, state in page)
    body = b'{"data":[' + rows + b'],"errors":null,"pagination":' + pagination + b"}"
    return Reply(200, body, facts={"entries": len(page)})
