"""`security.threat.detected` events of ThreatInsight (shape: Okta System Log API reference)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from simulator.instants import format_ms
from simulator.scenario.draws import Draws
from simulator.scenario.tempo import (
    LOGIN_FAILURES,
    PASSWORD_SPRAY,
    UNKNOWN_USERS,
    Campaign,
    ipv4_address,
    ipv6_address,
)

THREAT_EVENT = "security.threat.detected"
_UNKNOWN_PHRASES = (
    "Credential stuffing with a leaked list",
    "Suspected automation",
    "Anomalous device fingerprint",
)
_SPELLINGS: tuple[tuple[Callable[[str], str], float], ...] = ((str, 90.0), (str.upper, 4.0), (str.lower, 6.0))
_OUTCOMES = (("reason", 94.0), ("null", 2.0), ("empty", 1.0), ("absent", 1.0), ("no outcome", 2.0))
_LEVELS = {PASSWORD_SPRAY: "HIGH", UNKNOWN_USERS: "HIGH", LOGIN_FAILURES: "MEDIUM"}
_URIS = (
    "/idp/idx/challenge/answer",
    "/oauth2/v1/authorize",
    "/api/v1/authn",
    "/app/office365/sso/wsfed/active",
)
_BROWSERS = (("CHROME", "Windows 10"), ("FIREFOX", "Linux"), ("UNKNOWN", "Unknown"), ("SAFARI", "Mac OS X"))
_PLACES = (
    {"city": "Springfield", "state": "Examplia", "country": "Exampleland", "postalCode": "00100"},
    {"city": "Port Sample", "state": "North Shore", "country": "Exampleland", "postalCode": 20200},
    {"city": None, "state": None, "country": "Testonia", "postalCode": None},
)


def threat_event(draws: Draws, published: int, campaign: Campaign | None) -> dict[str, Any]:
    """Returns one threat event; outside a campaign the address and the phrases are its own."""
    address, phrases, result = _attack(draws, campaign)
    return {
        "actor": _actor(draws, address),
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": "unknown"},
        "client": client_section(draws, address),
        "debugContext": {"debugData": _debug_data(draws, phrases)},
        "displayMessage": "Request from suspicious actor",
        "eventType": THREAT_EVENT,
        "legacyEventType": THREAT_EVENT,
        "outcome": _outcome(draws, phrases, result),
        "published": format_ms(published),
        "request": {"ipChain": [_hop(draws, address)]},
        "securityContext": security_section(draws),
        "severity": "WARN",
        "target": None,
        "transaction": {"type": "WEB", "id": draws.hexadecimal(24), "detail": {}},
        "uuid": draws.uuid(),
        "version": "0",
    }


def _attack(draws: Draws, campaign: Campaign | None) -> tuple[str, tuple[str, ...], str]:
    """Returns address, phrases and result; now and then a phrase that nobody has documented."""
    unknown = (draws.pick(_UNKNOWN_PHRASES),) if draws.chance(0.04) else ()
    if campaign is not None:
        return draws.pick(campaign.addresses), (*campaign.phrases, *unknown), campaign.result
    address = ipv6_address(draws) if draws.chance(0.08) else ipv4_address(draws)
    phrase = draws.pick((PASSWORD_SPRAY, UNKNOWN_USERS, LOGIN_FAILURES))
    return address, (phrase, *unknown), "DENY"


def _actor(draws: Draws, address: str) -> dict[str, Any] | None:
    actor: dict[str, Any] = {
        "id": address, "type": "IP address", "alternateId": "unknown", "displayName": address, "detailEntry": None,
    }  # fmt: skip
    form = draws.weighted((
        ("address", 93.0), ("null", 1.5), ("no actor", 1.5), ("absent", 1.0), ("domain", 2.0), ("text", 1.0),
    ))  # fmt: skip
    if form == "no actor":
        return None
    if form == "absent":
        del actor["displayName"]
    elif form == "null":
        actor["displayName"] = None
    elif form == "domain":
        actor["displayName"] = f"proxy-{draws.between(1, 40)}.example.com"
    elif form == "text":
        actor["displayName"] = draws.pick(("Unknown source", "several addresses", "behind trusted proxy"))
    return actor


def _outcome(draws: Draws, phrases: tuple[str, ...], result: str) -> dict[str, Any] | None:
    form = draws.weighted(_OUTCOMES)
    if form == "no outcome":
        return None
    if form == "absent":
        return {"result": result}
    if form == "null":
        return {"result": result, "reason": None}
    words = [] if form == "empty" else draws.shuffled(phrases)
    change = draws.weighted(_SPELLINGS)
    return {"result": result, "reason": ", ".join(change(word) for word in words)}


def _debug_data(draws: Draws, phrases: tuple[str, ...]) -> dict[str, Any]:
    uri = draws.pick(_URIS)
    levels = {phrase: _LEVELS.get(phrase, "MEDIUM") for phrase in phrases}
    return {
        "requestId": draws.hexadecimal(24),
        "requestUri": uri,
        "url": f"{uri}?",
        "dtHash": draws.hexadecimal(64),
        "threatSuspected": "true",
        "threatDetections": orjson.dumps(levels).decode(),
    }


def client_section(draws: Draws, address: str) -> dict[str, Any]:
    """Returns a client section; now and then with the vendor's oddities (absent or "null" address)."""
    browser, system = draws.pick(_BROWSERS)
    client: dict[str, Any] = {
        "userAgent": {"rawUserAgent": f"Mozilla/5.0 ({system})", "os": system, "browser": browser},
        "zone": "null",
        "device": draws.pick(("Computer", "Unknown", "Mobile")),
        "id": None,
        "ipAddress": address,
        "geographicalContext": {**draws.pick(_PLACES), "geolocation": {"lat": 0.5, "lon": -12.25}},
    }
    oddity = draws.weighted((("none", 95.0), ("text", 2.0), ("absent", 2.0), ("empty", 1.0)))
    if oddity == "text":
        client["ipAddress"] = "null"
    elif oddity == "absent":
        del client["ipAddress"]
    return {} if oddity == "empty" else client


def security_section(draws: Draws) -> dict[str, Any]:
    """Returns the network owner of the request."""
    number = draws.between(64496, 64511)
    return {
        "asNumber": number,
        "asOrg": f"example network {number}",
        "isp": f"example transit {number % 4}",
        "domain": draws.pick(("example.com", "example.net", ".")),
        "isProxy": draws.chance(0.3),
    }


def _hop(draws: Draws, address: str) -> dict[str, Any]:
    return {
        "ip": address,
        "version": "V6" if ":" in address else "V4",
        "source": None,
        "geographicalContext": dict(draws.pick(_PLACES)),
    }
