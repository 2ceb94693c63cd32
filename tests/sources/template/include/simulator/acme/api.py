"""One Acme Cloud tenant: `GET /acme/v1/alerts`."""

from __future__ import annotations

from typing import Any, Final

import orjson

from simulator.book import TIMELESS, Book, EventTenant, Label, Plan, Record, read_instant
from simulator.exchange import Call, Reply, json_reply
from simulator.faults import Fault
from simulator.instants import HOUR, format_ms, parse_zoned
from simulator.vendor import Setup, SignIn

TOKEN: Final = "simulator-acme-reader"  # noqa: S105 - invented, opens only this simulator
TOKEN_WITHOUT_RIGHT: Final = "simulator-acme-nobody"  # noqa: S105 - as above
_DEFAULT_LIMIT: Final = 100


class AcmeCloudTenant(EventTenant):
    """The tenant with its alerts. Its scenario: one alert an hour."""

    name = "acme"
    prefixes = ("/acme/",)
    sign_in = SignIn(TOKEN)
    usage = f"GET  /acme/v1/alerts                   Authorization: Bearer {TOKEN}"
    own_faults = frozenset({"repeated_cursor"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, Book(setup, label_alert, alert_hour))

    def answer(self, call: Call) -> Reply:
        """Return a page of alerts."""
        token = call.credentials("Bearer")
        if token not in (TOKEN, TOKEN_WITHOUT_RIGHT):
            return self.error(call, 401)
        if token == TOKEN_WITHOUT_RIGHT:
            return self.error(call, 403)
        asked = dict(call.pairs)
        found = [state.payload for record, state in self.book.shown(call.now) if _is_wanted(record, asked)]
        first, limit = int(asked.get("cursor", 0)), int(asked.get("limit", _DEFAULT_LIMIT))
        cursor = str(first + limit) if len(found) > first + limit else None
        page = b",".join(found[first : first + limit])
        return Reply(200, b'{"alerts":[' + page + b'],"cursor":' + orjson.dumps(cursor) + b"}")

    def error(self, call: Call, status: int) -> Reply:
        """Return an error in Acme Cloud's form."""
        del call
        return json_reply(status, {"code": status, "message": "Refused."})

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        """Return a page that leads to itself."""
        answer = orjson.loads(self.answer(call).body)
        return json_reply(200, {**answer, "cursor": dict(call.pairs).get("cursor", "0")})


def label_alert(alert: dict[str, Any]) -> Label:
    """Return an alert's members."""
    return Label(alert.get("id"), read_instant(alert, "time"))


def alert_hour(seed: int, hour: int) -> list[Plan]:
    """Return the alerts of an hour since 1970."""
    del seed
    indicators = [{"kind": "ip", "value": f"198.51.100.{hour % 250 + 1}"}]
    members = {"category": "Malware", "indicators": indicators}
    return [Plan(hour * HOUR, hour * HOUR, {"id": f"alert-{hour}", "time": format_ms(hour * HOUR), **members})]


def _is_wanted(record: Record, asked: dict[str, str]) -> bool:
    """Return whether an alert is in the window, or has the id. An alert without a time is in every window."""
    if "id" in asked:
        return record.event_id == asked["id"]
    since, until = (parse_zoned(asked.get(name, "")) for name in ("since", "until"))
    return record.created == TIMELESS or since is None or until is None or since <= record.created < until
