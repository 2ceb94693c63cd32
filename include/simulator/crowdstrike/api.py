"""One Falcon tenant: `POST /oauth2/token` and `POST /alerts/combined/alerts/v1`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from simulator.book import Book, EventTenant, Shown
from simulator.crowdstrike.alert_query import AlertQuery, read_query
from simulator.crowdstrike.refusals import make_meta, refuse, status_error
from simulator.crowdstrike.scenario import MAX_CHANGE_DELAY, alert_hour, changed, label_alert
from simulator.crowdstrike.tokens import CLIENT_ID, SECRET, TokenEndpoint
from simulator.crowdstrike.tokens import PATH as TOKEN_PATH
from simulator.exchange import Call, RefusalError, Reply
from simulator.faults import Fault
from simulator.throttles import MinuteWindow
from simulator.vendor import Setup, SignIn

PATH: Final = "/alerts/combined/alerts/v1"
_PER_MINUTE: Final = 6000


class CrowdStrikeTenant(EventTenant):
    """The tenant with its alerts.

    cloud: where it is reached; region: where it belongs. ceiling: rows that one search returns, None for no limit.
    """

    name = "crowdstrike"
    prefixes = (PATH.removesuffix("combined/alerts/v1"), TOKEN_PATH)
    sign_in = SignIn(SECRET, {"client_id": CLIENT_ID})
    usage = f"POST {PATH}   client {CLIENT_ID}, secret {SECRET}"
    own_faults = frozenset({"repeated_cursor", "partial_errors", "empty_page"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, Book(setup, label_alert, alert_hour, reach=MAX_CHANGE_DELAY))
        self.token_endpoint = TokenEndpoint()
        self.window = MinuteWindow(_PER_MINUTE)
        self.cloud = self.region = "us-1"
        self.ceiling: int | None = None
        self.queries: list[dict[str, Any]] = []
        self._pages = 0

    def change(self, alert_id: str, at: int, **members: Any) -> None:
        """Change an added alert from an instant on; without members, only its `updated_timestamp` moves."""
        self.book.change(alert_id, at, lambda alert: changed(alert, at, **members))

    def answer(self, call: Call) -> Reply:
        return self._with_headers(call, lambda: self._answer(call))

    def error(self, call: Call, status: int) -> Reply:
        return self._with_headers(call, lambda: status_error(status))

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault applies to a request: faults of pages skip the token endpoint and first pages."""
        if fault.kind in self.own_faults and (
            call.path != PATH or (_is_first(call) and fault.kind != "partial_errors")
        ):
            return False
        return super().is_struck(fault, call)

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        reply = self.answer(call)
        if reply.status != 200:
            return reply
        answer = orjson.loads(reply.body)
        if fault.kind == "partial_errors":
            answer |= {"resources": answer["resources"][::2], "errors": [{"code": 500, "message": "shard failed"}]}
        elif fault.kind == "empty_page":  # its token leads to the records
            answer["resources"] = []
            answer["meta"]["pagination"]["after"] = f"{orjson.loads(call.body)['after']} "
        else:
            answer["meta"]["pagination"]["after"] = orjson.loads(call.body)["after"]
        return replace(reply, body=orjson.dumps(answer))

    def _with_headers(self, call: Call, answer: Any) -> Reply:
        state = self.window.take(call.now)
        try:
            reply: Reply = status_error(429) if state.is_exceeded else answer()
        except RefusalError as refusal:
            reply = refusal.reply
        headers = [("X-Cs-Region", self.region), ("X-Ratelimit-Limit", str(state.limit))]
        headers.append(("X-Ratelimit-Remaining", str(state.remaining)))
        if reply.status == 429:
            headers.append(("X-Ratelimit-Retryafter", str(state.reset_s)))
        return replace(reply, headers=(*reply.headers, *headers))

    def _answer(self, call: Call) -> Reply:
        if call.path == TOKEN_PATH:
            return self.token_endpoint.answer(call)
        if call.path != PATH:
            return status_error(404)
        if call.method != "POST":
            return status_error(405)
        scopes = self.token_endpoint.find(call) if self.cloud == self.region else None
        if scopes is None:
            return status_error(401)
        if "alerts:read" not in scopes:
            return status_error(403)
        query = read_query(call)
        self.queries.append(orjson.loads(call.body))
        if self.ceiling is not None and query.fetched >= self.ceiling:
            raise refuse(f"limit + offset must be less than {self.ceiling}")
        return self._page(query, call.now)

    def _page(self, query: AlertQuery, now: int) -> Reply:
        shown = self.book.shown(now, updated_from=query.since)
        wanted = sorted(filter(query.is_wanted, shown), key=query.place, reverse=query.is_descending)
        rest = list(filter(query.is_after, wanted))
        page = rest[: query.limit]
        pagination: dict[str, Any] = {"limit": query.limit, "total": len(wanted)}
        self._pages += 1
        if len(rest) > len(page):
            pagination["after"] = query.make_after(page[-1], query.fetched + len(page))
        elif self._pages % 2:  # the last page has no token, or an empty one
            pagination["after"] = ""
        return _make_envelope(page, pagination)


def _make_envelope(page: list[Shown], pagination: dict[str, Any]) -> Reply:
    meta = orjson.dumps(make_meta(pagination=pagination))
    rows = b",".join(state.payload for _, state in page)
    body = b'{"meta":' + meta + b',"errors":[],"resources":[' + rows + b"]}"
    return Reply(200, body, facts={"entries": len(page)})


def _is_first(call: Call) -> bool:
    try:
        return not orjson.loads(call.body).get("after")
    except (orjson.JSONDecodeError, AttributeError):
        return True
