"""One Acme Cloud tenant: `GET /acme/v1/alerts`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from simulator.exchange import Call, Reply, decode_element, json_reply
from simulator.faults import Fault
from simulator.instants import HOUR, format_ms, parse_zoned
from simulator.vendor import Setup, Tenant

TOKEN: Final = "simulator-acme-reader"  # noqa: S105 - invented, opens only this simulator
TOKEN_WITHOUT_RIGHT: Final = "simulator-acme-nobody"  # noqa: S105 - as above
_DEFAULT_LIMIT: Final = 100


class AcmeCloudTenant(Tenant):
    """The tenant with its alerts. Its scenario: one alert an hour."""

    name = "acme"
    prefixes = ("/acme/",)
    own_faults = frozenset({"repeated_cursor"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._alerts: list[tuple[Any, bytes]] = [decode_element(event) for event in setup.events]

    def add(self, event: object, visible_from: int | None = None) -> None:
        """Add an alert; it is visible from its own time on."""
        del visible_from
        self._alerts.append(decode_element(event))

    def answer(self, call: Call) -> Reply:
        """Return a page of alerts."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in (TOKEN, TOKEN_WITHOUT_RIGHT):
            return self.error(call, 401)
        if token == TOKEN_WITHOUT_RIGHT:
            return self.error(call, 403)
        asked = dict(call.pairs)
        found = [text for alert, text in self._existing(call.now) if _is_wanted(alert, asked)]
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

    def _existing(self, now: int) -> Iterator[tuple[Any, bytes]]:
        yield from self._alerts
        if self.setup.seed is not None:
            for hour in range((now - self.setup.history) // HOUR, now // HOUR):
                yield decode_element(_make_alert(hour))


def _make_alert(hour: int) -> dict[str, Any]:
    indicators = [{"kind": "ip", "value": f"198.51.100.{hour % 250 + 1}"}]
    return {"id": f"alert-{hour}", "time": format_ms(hour * HOUR), "category": "Malware", "indicators": indicators}


def _is_wanted(alert: Any, asked: dict[str, str]) -> bool:
    """Return whether an alert is in the window, or has the id; what has no time is in every window."""
    if "id" in asked:
        return isinstance(alert, dict) and alert.get("id") == asked["id"]
    at = parse_zoned(str(alert.get("time"))) if isinstance(alert, dict) else None
    since, until = (parse_zoned(asked.get(name, "")) for name in ("since", "until"))
    return at is None or since is None or until is None or since <= at < until
