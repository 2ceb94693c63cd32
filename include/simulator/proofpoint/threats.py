"""The entries of `threatsInfoMap` in the forms of real messages: two spellings, any case, odd indicators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from simulator.draws import Draws
from simulator.instants import DAY, HOUR, format_ms

_COUNTS: Final = ((1, 70.0), (2, 18.0), (3, 8.0), (12, 1.0))
_KINDS: Final = (("url", 60.0), ("attachment", 32.0), ("messageText", 8.0))
_CASES: Final[tuple[tuple[Callable[[str], str], float], ...]] = (
    (str, 70.0),
    (str.upper, 20.0),
    (str.capitalize, 10.0),
)
_CLASSIFICATIONS: Final = (("phish", 52.0), ("malware", 34.0), ("spam", 6.0), ("impostor", 5.0), ("toad", 3.0))
_STATUSES: Final = (("active", 88.0), ("cleared", 6.0), ("falsePositive", 2.0), (None, 4.0))
_SITES: Final = ("login", "files", "parcel", "bank", "portal")
_PLACEHOLDERS: Final = ("N/A", "unknown", "", None)


def draw_threats(draws: Draws, created: int, campaign: str | None) -> list[dict[str, Any]]:
    """Return the threats of a message; the first one was recognized when the event was created."""
    first = threat_entry(draws, created, campaign)
    others = range(draws.weighted(_COUNTS) - 1)
    return [first, *(threat_entry(draws, created - draws.between(0, 30 * DAY), campaign) for _ in others)]


def threat_entry(draws: Draws, recognized: int, campaign: str | None, kind: str = "") -> dict[str, Any]:
    """Return one threat."""
    kind = kind or draws.weighted(_KINDS)
    change = draws.weighted(_CASES)
    entry: dict[str, Any] = {
        draws.pick(("campaignID", "campaignId")): campaign,
        "classification": change(draws.weighted(_CLASSIFICATIONS)),
        "threat": _threat(draws, kind),
        draws.pick(("threatID", "threatId")): draws.hexadecimal(64),
        "threatTime": format_ms(recognized),
        "threatType": change(kind),
        "threatUrl": f"https://threatinsight.example.com/threat/email/{draws.hexadecimal(16)}",
    }
    status = draws.weighted(_STATUSES)
    if status is not None:
        entry["threatStatus"] = status
    if draws.chance(0.02):
        del entry["classification"]
    if draws.chance(0.03):
        entry["threatTime"] = entry["threatTime"].replace("Z", "4567Z")
    return entry


def spoil_threats(draws: Draws, message: dict[str, Any]) -> dict[str, Any]:
    """Return the message, sometimes without its threats."""
    if draws.chance(0.01):
        return {**message, "threatsInfoMap": draws.pick(([], None))}
    return message


def _threat(draws: Draws, kind: str) -> Any:
    if draws.chance(0.03):
        return draws.pick(_PLACEHOLDERS)
    if kind == "attachment":
        digest = draws.hexadecimal(64)
        return digest.upper() if draws.chance(0.05) else digest
    if kind == "messageText":
        return draws.hexadecimal(64)
    host = f"{draws.pick(_SITES)}{draws.between(1, 60)}.example.{draws.pick(('com', 'net', 'org'))}"
    form = draws.weighted(
        (("url", 50.0), ("no scheme", 22.0), ("domain", 15.0), ("address", 6.0), ("private", 4.0), ("internal", 3.0))
    )
    path = f"{draws.pick(('index.php', 'en/sign-in', 'a/'))}?id={draws.between(1, HOUR)}"
    return {
        "url": f"https://{host}/{path}",
        "no scheme": f"{host}/{path}",
        "domain": host,
        "address": f"http://198.51.100.{draws.between(1, 254)}:8080/{path}",
        "private": f"http://10.0.{draws.between(0, 9)}.{draws.between(1, 254)}/{path}",
        "internal": f"http://intranet/{path}",
    }[form]
