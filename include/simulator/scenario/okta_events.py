"""One hour of the invented Okta tenant: threat events, everyday events, and when each became visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from simulator.instants import HOUR, MINUTE, SECOND, format_ms
from simulator.scenario.draws import Draws
from simulator.scenario.okta_threats import client_section, security_section, threat_event
from simulator.scenario.tempo import campaign_minutes, daytime_factor, ipv4_address

MAX_DELAY: Final = 8 * MINUTE
_THREATS_PER_BUSY_HOUR: Final = 28
_OTHERS_PER_BUSY_HOUR: Final = 70
_EVERYDAY: Final = (
    ("user.session.start", "User login to Okta", "core.user_auth.login_success", 30.0),
    ("user.session.end", "User logout from Okta", "core.user_auth.logout_success", 10.0),
    ("user.authentication.sso", "User single sign on to app", "app.auth.sso", 30.0),
    (
        "user.authentication.auth_via_mfa",
        "Authentication of user via MFA",
        "core.user.factor.attempt_success",
        15.0,
    ),
    ("policy.evaluate_sign_on", "Evaluation of sign-on policy", None, 12.0),
    ("user.account.lock", "Max sign in attempts exceeded", "core.user_auth.account_locked", 1.0),
    ("security.attack.start", "Org under attack", None, 0.5),
    ("system.api_token.create", "Create API token", "api.token.create", 0.5),
)


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event with the instant at which it is published and the later one at which it is stored."""

    published: int
    persisted: int
    event: dict[str, Any]


def okta_hour(seed: int, hour: int) -> list[PlannedEvent]:
    """Returns the events published in an hour since 1970, unordered."""
    draws = Draws(seed, "okta", hour)
    start, end = hour * HOUR, (hour + 1) * HOUR - 1
    planned = [
        _plan(draws, threat_event(draws, moment, None), moment)
        for moment in _moments(draws, start, end, _THREATS_PER_BUSY_HOUR * daytime_factor(hour))
    ]
    for campaign, first, last in campaign_minutes(seed, hour):
        expected = campaign.per_hour * (last - first) / HOUR
        planned.extend(
            _plan(draws, threat_event(draws, moment, campaign), moment)
            for moment in _moments(draws, first, last - 1, expected)
        )
    planned.extend(
        _plan(draws, _everyday_event(draws, moment), moment)
        for moment in _moments(draws, start, end, _OTHERS_PER_BUSY_HOUR * daytime_factor(hour))
    )
    return planned


def _moments(draws: Draws, start: int, end: int, expected: float) -> list[int]:
    count = draws.between(int(expected * 0.7), int(expected * 1.3 + 0.5))
    return [draws.between(start, end) // 1000 * 1000 for _ in range(count)]


def _plan(draws: Draws, event: dict[str, Any], published: int) -> PlannedEvent:
    low, high = draws.weighted((
        ((SECOND // 10, 2 * SECOND), 90.0), ((5 * SECOND, MINUTE), 8.0), ((MINUTE, MAX_DELAY - SECOND), 2.0),
    ))  # fmt: skip
    return PlannedEvent(published, published + draws.between(low, high), event)


def _everyday_event(draws: Draws, published: int) -> dict[str, Any]:
    kind, message, legacy = draws.weighted([((row[0], row[1], row[2]), row[3]) for row in _EVERYDAY])
    number = draws.between(1, 300)
    return {
        "actor": _person(number),
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": draws.hexadecimal(20)},
        "client": client_section(draws, ipv4_address(draws)),
        "debugContext": {"debugData": _debug_data(draws, kind)},
        "displayMessage": message,
        "eventType": kind,
        "legacyEventType": legacy,
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


def _person(number: int) -> dict[str, Any]:
    account, name = f"user{number}@example.com", f"User {number}"
    return {"id": f"00u{number:017d}", "type": "User", "alternateId": account, "displayName": name}


def _debug_data(draws: Draws, kind: str) -> dict[str, Any]:
    debug = {
        "requestId": draws.hexadecimal(24),
        "dtHash": draws.hexadecimal(64),
        "requestUri": "/api/v1/authn",
    }
    if kind == "user.session.start":
        debug["threatSuspected"] = "true" if draws.chance(0.02) else "false"
    return debug
