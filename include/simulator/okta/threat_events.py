"""`security.threat.detected` events of ThreatInsight (shape: Okta System Log API reference)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from simulator.draws import Draws
from simulator.instants import format_ms

THREAT_EVENT: Final = "security.threat.detected"
_SPRAY: Final = "Password Spray"
_UNKNOWN_USERS: Final = "Login failures with high unknown users count"
_FAILURES: Final = "Login Failures"
_PLANS: Final = ((_SPRAY, _FAILURES), (_SPRAY,), (_UNKNOWN_USERS, _FAILURES), (_SPRAY, _UNKNOWN_USERS, _FAILURES))
#: Phrases that are not documented.
_UNDOCUMENTED: Final = (
    "Credential stuffing with a leaked list",
    "Suspected automation",
    "Anomalous device fingerprint",
)
_SPELLINGS: Final[tuple[tuple[Callable[[str], str], float], ...]] = ((str, 90.0), (str.upper, 4.0), (str.lower, 6.0))
_ACTORS: Final = (
    ("address", 93.0), ("null", 1.5), ("no actor", 1.5), ("absent", 1.0), ("domain", 2.0), ("text", 1.0),
)  # fmt: skip
_OUTCOMES: Final = (("reason", 94.0), ("null", 2.0), ("empty", 1.0), ("absent", 1.0), ("no outcome", 2.0))
_CLIENTS: Final = (("none", 95.0), ("text", 2.0), ("absent", 2.0), ("empty", 1.0))
_BROWSERS: Final = (("CHROME", "Windows 10"), ("FIREFOX", "Linux"), ("UNKNOWN", "Unknown"), ("SAFARI", "Mac OS X"))
_PLACES: Final = (
    {"city": "Springfield", "state": "Examplia", "country": "Exampleland", "postalCode": "00100"},
    {"city": "Port Sample", "state": "North Shore", "country": "Exampleland", "postalCode": 20200},
    {"city": None, "state": None, "country": "Testonia", "postalCode": None},
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One attack: a few addresses, with its own phrases."""

    addresses: tuple[str, ...]
    phrases: tuple[str, ...]
    result: str


def draw_campaign(draws: Draws) -> Campaign:
    """Return an attack."""
    addresses = tuple(_address(draws) for _ in range(draws.between(3, 9)))
    result = draws.weighted((("DENY", 8), ("ALLOW", 1), ("RATE_LIMIT", 1)))
    return Campaign(addresses, draws.pick(_PLANS), result)


def threat_event(draws: Draws, published: int, campaign: Campaign | None) -> dict[str, Any]:
    """Return one threat event; outside of a campaign it has its own address and phrases."""
    attack = campaign or Campaign((_address(draws),), (draws.pick((_SPRAY, _UNKNOWN_USERS, _FAILURES)),), "DENY")
    address = draws.pick(attack.addresses)
    unknown = (draws.pick(_UNDOCUMENTED),) if draws.chance(0.04) else ()
    phrases = (*attack.phrases, *unknown)
    return {
        "actor": _actor(draws, address),
        "client": client_section(draws, address),
        "debugContext": {"debugData": _debug_data(draws, phrases)},
        "displayMessage": "Request from suspicious actor",
        "eventType": THREAT_EVENT,
        "legacyEventType": THREAT_EVENT,
        "outcome": _outcome(draws, phrases, attack.result),
        "published": format_ms(published),
        "request": {"ipChain": [{"ip": address, "version": "V6" if ":" in address else "V4", "source": None}]},
        "securityContext": security_section(draws),
        "severity": "WARN",
        "target": None,
        "transaction": {"type": "WEB", "id": draws.hexadecimal(24), "detail": {}},
        "uuid": draws.uuid(),
        "version": "0",
    }


def ipv4_address(draws: Draws) -> str:
    """Return an address from the two documentation networks (RFC 5737)."""
    return f"{draws.pick(('198.51.100', '203.0.113'))}.{draws.between(1, 254)}"


def client_section(draws: Draws, address: str) -> dict[str, Any]:
    """Return a client section; sometimes with the vendor's oddities (absent or "null" address)."""
    browser, system = draws.pick(_BROWSERS)
    client: dict[str, Any] = {
        "userAgent": {"rawUserAgent": f"Mozilla/5.0 ({system})", "os": system, "browser": browser},
        "zone": "null",
        "device": draws.pick(("Computer", "Unknown", "Mobile")),
        "id": None,
        "ipAddress": address,
        "geographicalContext": {**draws.pick(_PLACES), "geolocation": {"lat": 0.5, "lon": -12.25}},
    }
    oddity = draws.weighted(_CLIENTS)
    if oddity == "text":
        client["ipAddress"] = "null"
    elif oddity == "absent":
        del client["ipAddress"]
    return {} if oddity == "empty" else client


def security_section(draws: Draws) -> dict[str, Any]:
    """Return the network owner of the request."""
    number = draws.between(64496, 64511)
    network = {"asNumber": number, "asOrg": f"example network {number}", "isp": f"example transit {number % 4}"}
    return {**network, "domain": draws.pick(("example.com", "example.net", ".")), "isProxy": draws.chance(0.3)}


def _address(draws: Draws) -> str:
    """Return an address; some are from the documentation prefix (RFC 3849)."""
    if draws.chance(0.9):
        return ipv4_address(draws)
    return f"2001:db8:{draws.hexadecimal(4).lstrip('0') or '1'}::{draws.between(1, 9999):x}"


def _actor(draws: Draws, address: str) -> dict[str, Any] | None:
    actor: dict[str, Any] = {"id": address, "type": "IP address", "alternateId": "unknown", "detailEntry": None}
    form = draws.weighted(_ACTORS)
    if form in ("no actor", "absent"):
        return None if form == "no actor" else actor
    names = {
        "address": address,
        "null": None,
        "domain": f"proxy-{draws.between(1, 40)}.example.com",
        "text": draws.pick(("Unknown source", "several addresses", "behind trusted proxy")),
    }
    return {**actor, "displayName": names[form]}


def _outcome(draws: Draws, phrases: tuple[str, ...], result: str) -> dict[str, Any] | None:
    form = draws.weighted(_OUTCOMES)
    if form in ("no outcome", "absent"):
        return None if form == "no outcome" else {"result": result}
    if form == "null":
        return {"result": result, "reason": None}
    words = [] if form == "empty" else draws.shuffled(phrases)
    change = draws.weighted(_SPELLINGS)
    return {"result": result, "reason": ", ".join(change(word) for word in words)}


def _debug_data(draws: Draws, phrases: tuple[str, ...]) -> dict[str, Any]:
    uri = draws.pick(("/idp/idx/challenge/answer", "/oauth2/v1/authorize", "/api/v1/authn"))
    levels = {phrase: "MEDIUM" if phrase == _FAILURES else "HIGH" for phrase in phrases}
    request = {"requestId": draws.hexadecimal(24), "requestUri": uri, "url": f"{uri}?"}
    return {**request, "threatSuspected": "true", "threatDetections": orjson.dumps(levels).decode()}
