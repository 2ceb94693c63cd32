"""One hour of the invented TAP tenant: the messages and clicks that it created, and when each became visible."""

from __future__ import annotations

from typing import Any, Final

from simulator.book import TIMELESS, Label, Plan
from simulator.draws import Draws, daytime_factor
from simulator.instants import DAY, HOUR, MINUTE, SECOND, format_ms, parse_zoned
from simulator.proofpoint.threats import draw_threats, spoil_threats, threat_entry

#: Events can appear half an hour late.
MAX_DELAY: Final = 30 * MINUTE
_MESSAGES_PER_BUSY_HOUR: Final = 14
_CLICKS_PER_BUSY_HOUR: Final = 9
_CAMPAIGN_SHARE: Final = 0.08
_DELAYS: Final = (
    ((SECOND, 50 * SECOND), 90.0),
    ((MINUTE, 9 * MINUTE), 7.0),
    ((10 * MINUTE, MAX_DELAY - SECOND), 3.0),
)


def label_event(event: dict[str, Any]) -> Label:
    """Return what a click or a message says of itself; its kind is a list of the answer.

    TAP created it when it had both happened and been recognized as a threat.
    """
    entries = event.get("threatsInfoMap")
    threats = [event, *(entries if isinstance(entries, list) else ())]
    texts = [event.get("clickTime"), event.get("messageTime")]
    texts += [each.get("threatTime") for each in threats if isinstance(each, dict)]
    moments = (parse_zoned(text) or TIMELESS for text in texts if isinstance(text, str))
    kind = "clicksPermitted" if "clickTime" in event else "messagesDelivered"
    return Label(event.get("id"), max(moments, default=TIMELESS), kind=kind)


def tap_hour(seed: int, hour: int) -> list[Plan]:
    """Return the events created in an hour since 1970, in no order. Some hours have a campaign; some messages come
    back with another threat."""
    draws, factor = Draws(seed, "proofpoint", hour), daytime_factor(hour)
    campaign = draws.uuid() if draws.chance(_CAMPAIGN_SHARE) else None
    found = list[Plan]()
    for at in _moments(draws, hour, _MESSAGES_PER_BUSY_HOUR * factor + (40 if campaign else 0)):
        message = _message(draws, at, campaign)
        place = draws.weighted((("messagesBlocked", 7.0), ("messagesDelivered", 3.0)))
        found.append(_plan(draws, at, place, message))
        again = at + draws.between(MINUTE, 20 * MINUTE) // 1000 * 1000
        if draws.chance(0.05) and again // HOUR == hour and _is_plain(message):
            threats = [*message["threatsInfoMap"], threat_entry(draws, again, campaign)]
            found.append(_plan(draws, again, place, {**message, "threatsInfoMap": threats}))
    for at in _moments(draws, hour, _CLICKS_PER_BUSY_HOUR * factor):
        place = draws.weighted((("clicksBlocked", 6.0), ("clicksPermitted", 4.0)))
        found.append(_plan(draws, at, place, _click(draws, at, campaign)))
    return found


def _is_plain(message: dict[str, Any]) -> bool:
    """Return whether the first threat is active and at a URL: such a message is sent before it comes back."""
    first: dict[str, Any] = next(iter(message["threatsInfoMap"] or ()), {})
    return str(first.get("threat")).startswith("https://") and first.get("threatStatus") == "active"


def _moments(draws: Draws, hour: int, expected: float) -> list[int]:
    count = draws.between(int(expected * 0.7), int(expected * 1.3 + 0.5))
    return [draws.between(hour * HOUR, (hour + 1) * HOUR - 1) // 1000 * 1000 for _ in range(count)]


def _plan(draws: Draws, created: int, place: str, event: dict[str, Any]) -> Plan:
    return Plan(created, created + draws.between(*draws.weighted(_DELAYS)), event, kind=place)


def _message(draws: Draws, created: int, campaign: str | None) -> dict[str, Any]:
    """Return a message; some were delivered hours before their threat was recognized."""
    number, sent = draws.between(1, 300), created - (draws.between(HOUR, DAY) if draws.chance(0.1) else 0)
    threats = draw_threats(draws, created, campaign)
    message: dict[str, Any] = {
        "GUID": draws.hexadecimal(32),
        "QID": draws.hexadecimal(12),
        "id": draws.uuid(),
        "ccAddresses": [],
        "cluster": "example_hosted",
        "completelyRewritten": draws.pick((True, False, "true", "na")),
        "fromAddress": [f"sender{number}@example.net"],
        "headerFrom": f'"Sender {number}" <sender{number}@example.net>',
        "messageID": f"<{draws.hexadecimal(16)}@example.net>",
        "messageParts": _parts(draws, threats),
        "messageSize": draws.between(900, 4_000_000),
        "messageTime": format_ms(sent),
        "modulesRun": ["pdr", "sandbox", "spam", "urldefense"],
        "policyRoutes": ["default_inbound"],
        "quarantineFolder": draws.pick(("Phish", "Malware", None)),
        "recipient": [f"user{draws.between(1, 300)}@example.com" for _ in range(draws.between(1, 3))],
        "sender": f"{draws.hexadecimal(32)}@example.net",
        "senderIP": f"203.0.113.{draws.between(1, 254)}",
        "subject": draws.pick(("Your invoice", "Password expires today", "Parcel is waiting", "")),
        "threatsInfoMap": threats,
        **_scores(draws),
    }
    return spoil_threats(draws, message)


def _scores(draws: Draws) -> dict[str, Any]:
    scores: dict[str, Any] = {
        "phishScore": draws.pick((0, 12, 46, 80, 100)),
        "malwareScore": draws.pick((0, 0, 55, 100)),
        "impostorScore": draws.pick((0, 0.5, 97.25)),
        "spamScore": draws.pick((0, 4, 70, 100)),
    }
    if draws.chance(0.04):
        scores["phishScore"] = str(scores["phishScore"])
    if draws.chance(0.02):
        del scores["impostorScore"]
    return scores


def _parts(draws: Draws, threats: list[Any]) -> list[dict[str, Any]]:
    attached = [each["threat"] for each in threats if str(each.get("threatType")).lower() == "attachment"]
    return [
        {
            "contentType": "application/pdf",
            "disposition": "attached",
            "filename": f"invoice-{draws.between(1, 99)}.pdf",
            "md5": draws.hexadecimal(32),
            "oContentType": "application/pdf",
            "sandboxStatus": "threat",
            "sha256": sha256,
        }
        for sha256 in attached
    ]


def _click(draws: Draws, created: int, campaign: str | None) -> dict[str, Any]:
    """Return a click; some happened days before the threat at their URL was recognized."""
    entry, number = threat_entry(draws, created, campaign, kind="url"), draws.between(1, 300)
    click: dict[str, Any] = {
        "GUID": draws.hexadecimal(32),
        "campaignId": campaign,
        "classification": entry.get("classification"),
        "clickIP": f"198.51.100.{draws.between(1, 254)}",
        "clickTime": format_ms(created - (draws.between(HOUR, 5 * DAY) if draws.chance(0.2) else 0)),
        "id": draws.uuid(),
        "messageID": f"{draws.hexadecimal(16)}@example.net",
        "recipient": f"user{number}@example.com",
        "sender": f"{draws.hexadecimal(32)}@example.net",
        "senderIP": f"203.0.113.{draws.between(1, 254)}",
        "threatID": draws.hexadecimal(64),
        "threatStatus": entry.get("threatStatus", "active"),
        "threatTime": format_ms(created),
        "threatURL": f"https://threatinsight.example.com/threat/email/{draws.hexadecimal(16)}",
        "url": entry["threat"],
        "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    }
    if draws.chance(0.02):
        click["url"] = draws.pick((None, "", "N/A"))
    return click
