"""One TAP tenant: `GET /v2/siem/all`, for a service principal and its secret."""

from __future__ import annotations

import base64
from collections import deque
from dataclasses import replace
from typing import Final

from simulator.book import TIMELESS, Book, EventTenant, Record
from simulator.exchange import Call, RefusalError, Reply
from simulator.instants import DAY, format_ms
from simulator.proofpoint.query import RETENTION, read_period, refuse, text_reply
from simulator.proofpoint.scenario import label_event, tap_hour
from simulator.vendor import Setup, SignIn

PATH: Final = "/v2/siem/all"
PRINCIPAL: Final = "0a1b2c3d-simulator-principal"
SECRET: Final = "simulator-proofpoint-secret"  # noqa: S105 - invented, opens only this simulator
#: The secret of a principal for another Proofpoint product.
SECRET_OF_ANOTHER_PRODUCT: Final = "simulator-proofpoint-other-product"  # noqa: S105 - as above
LISTS: Final = ("messagesDelivered", "messagesBlocked", "clicksPermitted", "clicksBlocked")
#: Requests in any 24 hours.
DAILY: Final = 1800
_SENTENCES: Final = {
    400: "The request is not valid.",
    401: "The authorization information is missing or incorrect.",
    403: "The credentials are not valid for this resource.",
    404: "There is no such resource.",
    405: "The method is not allowed.",
    429: "The user has made too many requests over the past 24 hours and has been throttled.",
}


class ProofpointTAPTenant(EventTenant):
    """The tenant with its clicks and messages. Requests of the last 24 hours count, except refused ones."""

    name = "proofpoint"
    prefixes = ("/v2/siem/",)
    sign_in = SignIn(SECRET, {"principal": PRINCIPAL})
    usage = f"GET  /v2/siem/all                      Authorization: Basic, {PRINCIPAL}:{SECRET}"

    def __init__(self, setup: Setup) -> None:
        held = replace(setup, history=min(setup.history, RETENTION))
        super().__init__(setup, Book(held, label_event, tap_hour, kept_hours=200))
        self._taken: deque[int] = deque()

    def answer(self, call: Call) -> Reply:
        try:
            self._authenticate(call)
            if call.path != PATH:
                return self.error(call, 404)
            if call.method != "GET":
                return self.error(call, 405)
            begin, end = read_period(call)
            self._count(call.now)
        except RefusalError as refusal:
            return refusal.reply
        # What has no time is in the periods that reach the present.
        found = [each for each in self.book.scan(begin, end) if each.created != TIMELESS or end >= call.now]
        found = [each for each in found if each.visible <= call.now]
        parts = (self._list(name, found) for name in LISTS)
        text = b'{"queryEndTime":"%b",%b}' % (format_ms(min(end, call.now)).encode(), b",".join(parts))
        return Reply(200, text, facts={"entries": len(found)})

    def error(self, call: Call, status: int) -> Reply:
        return text_reply(status, _SENTENCES.get(status, "The service has met an unexpected situation."))

    def _authenticate(self, call: Call) -> None:
        try:
            pair = base64.b64decode(call.credentials("Basic"), validate=True).decode()
        except ValueError:
            pair = ""
        principal, _, secret = pair.partition(":")
        if principal != PRINCIPAL or secret not in (SECRET, SECRET_OF_ANOTHER_PRODUCT):
            raise refuse(401, _SENTENCES[401])
        if secret == SECRET_OF_ANOTHER_PRODUCT:
            raise refuse(403, _SENTENCES[403])

    def _count(self, now: int) -> None:
        while self._taken and self._taken[0] <= now - DAY:
            self._taken.popleft()
        if len(self._taken) >= DAILY:
            raise refuse(429, _SENTENCES[429])
        self._taken.append(now)

    def _list(self, name: str, found: list[Record]) -> bytes:
        rows = b",".join(each.states[0].payload for each in found if each.kind == name)
        return b'"%b":[%b]' % (name.encode(), rows)
