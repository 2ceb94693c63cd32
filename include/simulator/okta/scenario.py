"""One hour of the invented Okta tenant: threat events, everyday events, and when each became visible."""

from __future__ import annotations

from typing import Any, Final

from simulator.book import Label, Plan, read_instant
from simulator.draws import Draws, daytime_factor
from simulator.instants import HOUR, MINUTE, SECOND, format_ms
from simulator.okta.threat_events import client_section, draw_campaign, ipv4_address, security_section, threat_event

MAX_DELAY: Final = 8 * MINUTE
_THREATS_PER_BUSY_HOUR: Final = 28
_OTHERS_PER_BUSY_HOUR: Final = 70
_CAMPAIGN_SHARE: Final = 0.1
_EVERYDAY: Final = (
    (("user.session.start", "User login to Okta"), 30.0),
    (("user.session.end", "User logout from Okta"), 10.0),
    (("user.authentication.sso", "User single sign on to app"), 30.0),
    (("user.authentication.auth_via_mfa", "Authentication of user via MFA"), 15.0),
    (("policy.evaluate_sign_on", "Evaluation of sign-on policy"), 12.0),
    (("user.account.lock", "Max sign in attempts exceeded"), 1.0),
    (("system.api_token.create", "Create API token"), 0.5),
)
_DELAYS: Final = (
    ((SECOND // 10, 2 * SECOND), 90.0),
    ((5 * SECOND, MINUTE), 8.0),
    ((MINUTE, MAX_DELAY - SECOND), 2.0),
)


def label_event(event: dict[str, Any]) -> Label:
    """Return what an event says of itself."""
    return Label(event.get("uuid"), read_instant(event, "published"), kind=event.get("eventType"))


def okta_hour(seed: int, hour: int) -> list[Plan]:
    """Return the events published in an hour since 1970, in no order; in some hours there is a campaign."""
    draws, factor = Draws(seed, "okta", hour), daytime_factor(hour)
    campaign = draw_campaign(draws) if draws.chance(_CAMPAIGN_SHARE) else None
    attacks = draws.between(70, 200) if campaign else 0
    threats, others = _THREATS_PER_BUSY_HOUR * factor, _OTHERS_PER_BUSY_HOUR * factor
    return [
        *(_plan(draws, threat_event(draws, at, None), at) for at in _moments(draws, hour, threats)),
        *(_plan(draws, threat_event(draws, at, campaign), at) for at in _moments(draws, hour, attacks)),
        *(_plan(draws, _everyday_event(draws, at), at) for at in _moments(draws, hour, others)),
    ]


def _moments(draws: Draws, hour: int, expected: float) -> list[int]:
    count = draws.between(int(expected * 0.7), int(expected * 1.3 + 0.5))
    return [draws.between(hour * HOUR, (hour + 1) * HOUR - 1) // 1000 * 1000 for _ in range(count)]


def _plan(draws: Draws, event: dict[str, Any], published: int) -> Plan:
    return Plan(published, published + draws.between(*draws.weighted(_DELAYS)), event)


def _everyday_event(draws: Draws, published: int) -> dict[str, Any]:
    kind, message = draws.weighted(_EVERYDAY)
    number = draws.between(1, 300)
    return {
        "actor": {
            "id": f"00u{number:017d}",
            "type": "User",
            "alternateId": f"user{number}@example.com",
            "displayName": f"User {number}",
        },
        "client": client_section(draws, ipv4_address(draws)),
        "debugContext": {"debugData": {"requestId": draws.hexadecimal(24), "requestUri": "/api/v1/authn"}},
        "displayMessage": message,
        "eventType": kind,
        "outcome": {"result": "FAILURE" if draws.chance(0.1) else "SUCCESS", "reason": None},
        "published": format_ms(published),
        "request": {"ipChain": []},
        "securityContext": security_section(draws),
        "severity": "INFO",
        "target": [{"id": f"0oa{number % 7}", "type": "AppInstance", "displayName": f"App {number % 7}"}],
        "transaction": {"type": "WEB", "id": draws.hexadecimal(24), "detail": {}},
        "uuid": draws.uuid(),
        "version": 0 if draws.chance(0.05) else "0",
    }
