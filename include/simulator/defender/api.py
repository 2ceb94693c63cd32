"""One tenant: Graph's `GET /v1.0/security/alerts_v2` and Entra ID's token endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from simulator.book import Book, EventTenant, Shown
from simulator.defender.alert_query import AlertQuery, read_query
from simulator.defender.refusals import entra_error, graph_error, invalid
from simulator.defender.scenario import LONGEST_STORY, alert_hour, changed, label_alert
from simulator.defender.tokens import CLIENT_ID, SECRET, TENANT_ID, TokenEndpoint
from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.faults import Fault
from simulator.instants import SECOND
from simulator.throttles import MinuteWindow
from simulator.vendor import Setup, SignIn

PATH: Final = "/v1.0/security/alerts_v2"
TOKEN_PATH: Final = f"/{TENANT_ID}/oauth2/v2.0/token"
FOREIGN_ORIGIN: Final = "https://foreign.example.net"
#: Graph shows these only to clients that ask for unknown members of an enumeration.
_NEWER: Final = frozenset({"microsoftDefenderForCloud", "microsoftDefenderForServers", "microsoftSentinel"})
_START: Final = (-(1 << 62), 0)
_WARNING: Final = '199 - "Microsoft/Office 365 Security and Compliance/504/10000"'


class MicrosoftDefenderXDRTenant(EventTenant):
    """The tenant with its alerts. ceiling: the page from which Graph answers 400, which is not documented."""

    name = "defender"
    prefixes = ("/v1.0/security/", f"/{TENANT_ID}/")
    sign_in = SignIn(SECRET, {"tenant_id": TENANT_ID, "client_id": CLIENT_ID})
    usage = "GET /v1.0/security/alerts_v2; the client secret of the demo gets a token"
    own_faults = frozenset({"repeated_cursor", "foreign_next_link", "empty_page", "partial_content", "expired_token"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, Book(setup, label_alert, alert_hour, reach=LONGEST_STORY))
        self.entra = TokenEndpoint()
        self.window = MinuteWindow(setup.limits.defender_per_minute)
        self.ceiling: int | None = None

    def change(self, alert_id: str, at: int, **members: Any) -> None:
        """Change an added alert from an instant on; without members, only its last update moves."""
        self.book.change(alert_id, at, lambda alert: changed(alert, at, **members))

    def answer(self, call: Call) -> Reply:
        return self._reply(call, is_empty=False)

    def error(self, call: Call, status: int) -> Reply:
        if not call.path.startswith(PATH):
            return entra_error("invalid_client", 7000215, "Invalid client secret provided.", status).reply
        return graph_error(status)

    def is_struck(self, fault: Fault, call: Call) -> bool:
        """Return whether a fault applies to a request: the API's own faults apply to pages, one only to later pages."""
        if fault.kind in self.own_faults and call.path != PATH:
            return False
        if fault.kind == "expired_token" and "$skiptoken" not in dict(call.pairs):
            return False
        return super().is_struck(fault, call)

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        if fault.kind == "expired_token":
            return graph_error(400, "The skip token has expired.")
        reply = self._reply(call, is_empty=fault.kind == "empty_page")
        if reply.status != 200 or fault.kind == "empty_page":
            return reply
        answer = orjson.loads(reply.body)
        if fault.kind == "partial_content":
            return json_reply(206, {**answer, "value": answer["value"][::2]}, (("Warning", _WARNING),))
        own = f"{call.origin}{call.path}?{call.query}"
        link = own if fault.kind == "repeated_cursor" else f"{FOREIGN_ORIGIN}{PATH}?$skiptoken=1"
        return json_reply(200, {**answer, "@odata.nextLink": link})

    def _reply(self, call: Call, *, is_empty: bool) -> Reply:
        if call.path.endswith("/oauth2/v2.0/token"):
            return self.entra.answer(call)
        if not call.path.startswith(PATH):
            return graph_error(400, f"Resource not found for the segment '{call.path.rpartition('/')[2]}'.")
        if call.method != "GET":
            return graph_error(405)
        state = self.window.take(call.now)
        if state.is_exceeded:
            return graph_error(429, headers=(("Retry-After", str(max(1, state.reset_s - call.now // SECOND))),))
        may_read = self.entra.find(call)
        if not may_read:
            return graph_error(401 if may_read is None else 403)
        try:
            return self._alerts(call, is_empty) if call.path == PATH else self._alert(call)
        except RefusalError as refusal:
            return refusal.reply

    def _alert(self, call: Call) -> Reply:
        state = self.book.find(call.path.removeprefix(f"{PATH}/"), call.now)
        return graph_error(404) if state is None else Reply(200, _show(state.event, state.payload, call.headers))

    def _alerts(self, call: Call, is_empty: bool) -> Reply:
        query = read_query(call)
        if self.ceiling is not None and query.turn >= self.ceiling:
            raise invalid("The request goes beyond the number of alerts that can be read.")
        rest = sorted(self._select(query, call.now), key=query.place)
        if query.after is not None:
            rest = [shown for shown in rest if query.place(shown) > query.after]
        page = [] if is_empty else rest[query.skip : query.skip + query.top]
        head = {"@odata.context": f"{call.origin}/v1.0/$metadata#security/alerts_v2"}
        if is_empty or query.skip + len(page) < len(rest):
            place = query.place(page[-1]) if page else query.after or _START
            head["@odata.nextLink"] = query.next_link(call, place)
        rows = b",".join(_show(state.event, state.payload, call.headers) for _, state in page)
        body = orjson.dumps(head)[:-1] + b',"value":[' + rows + b"]}"
        return Reply(200, body, facts={"entries": len(page)})

    def _select(self, query: AlertQuery, now: int) -> list[Shown]:
        bounds = {name: value for name, operator, value in query.terms if operator in ("ge", "gt")}
        lower = (bounds.get("createdDateTime", 0), bounds.get("lastUpdateDateTime", 0))
        return [each for each in self.book.shown(now, *lower) if query.selects(each)]


def _show(alert: Any, payload: bytes, headers: Mapping[str, str]) -> bytes:
    """Return an alert as a client sees it that does not ask for newer products."""
    if "include-unknown-enum-members" in headers.get("prefer", "") or not isinstance(alert, dict):
        return payload
    if not _NEWER & {alert.get("serviceSource"), alert.get("detectionSource")}:
        return payload
    names = ("serviceSource", "detectionSource")
    return orjson.dumps({**alert, **{name: "unknownFutureValue" for name in names if alert.get(name) in _NEWER}})
