"""Clicks and messages in the format of Proofpoint's SIEM API; people, addresses, threats and ids are invented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.sources.proofpoint.source import SOURCE
from simulator.proofpoint.api import PRINCIPAL, SECRET, SECRET_OF_ANOTHER_PRODUCT
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import VendorCase

#: A table with codes that ATT&CK has retired.
OLD_CODES = {"classifications_file": "golden/old_codes.csv"}
SHA256 = "ab" * 32
THREAT_ID = "0123456789abcdef" * 4


def threat(**changes: Any) -> dict[str, Any]:
    """Return an entry of threatsInfoMap; a change replaces a member, `...` removes it."""
    whole: dict[str, Any] = {
        "campaignID": None,
        "classification": "phish",
        "threat": "https://login.example.com/en/sign-in",
        "threatID": THREAT_ID,
        "threatStatus": "active",
        "threatTime": "2026-03-10T11:30:00.000Z",
        "threatType": "url",
        "threatUrl": "https://threatinsight.example.com/threat/email/1",
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def message(*threats: Any, **changes: Any) -> dict[str, Any]:
    """Return a message with these threats, by default one."""
    whole: dict[str, Any] = {
        "GUID": "message-guid-1",
        "QID": "r2FNwRHF004109",
        "id": "5f2e0d6c-0001-4a6b-8c5b-000000000001",
        "ccAddresses": ["bob@example.com"],
        "completelyRewritten": "true",
        "fromAddress": ["alice@example.net"],
        "headerFrom": '"Alice Example" <alice@example.net>',
        "impostorScore": 0.5,
        "malwareScore": 0,
        "messageID": "<1111@example.net>",
        "messageParts": [{"filename": "to-bob.pdf", "md5": "cd" * 16, "sha256": SHA256, "sandboxStatus": "threat"}],
        "messageTime": "2026-03-10T11:29:00.000Z",
        "phishScore": 85,
        "recipient": ["bob@example.com"],
        "sender": "alice@example.net",
        "senderIP": "203.0.113.5",
        "spamScore": 4,
        "subject": "For Bob alone",
        "threatsInfoMap": list(threats or [threat()]),
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def click(**changes: Any) -> dict[str, Any]:
    """Return a click."""
    whole: dict[str, Any] = {
        "GUID": "message-guid-1",
        "campaignId": None,
        "classification": "malware",
        "clickIP": "203.0.113.9",
        "clickTime": "2026-03-10T11:31:00.000Z",
        "id": "8c8b4895-a277-449f-a797-547e3c89b25a",
        "messageID": "1111@example.net",
        "recipient": "bob@example.com",
        "sender": "alice@example.net",
        "senderIP": "203.0.113.5",
        "threatID": THREAT_ID,
        "threatStatus": "active",
        "threatTime": "2026-03-10T11:30:00.000Z",
        "threatURL": "https://threatinsight.example.com/threat/email/1",
        "url": "http://files.example.org/invoice.exe",
        "userAgent": "Mozilla/5.0",
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def read_id(event: Any) -> str | None:
    """Return the event's id, else the GUID of the message."""
    return (event.get("id") or event.get("GUID") or None) if isinstance(event, dict) else None


def _make_event(instant: datetime, number: int) -> dict[str, Any]:
    written = format_instant(instant)
    return click(id=f"click-{number:05d}", clickTime=written, threatTime=written)


SPECIMENS = Specimens(
    source=SOURCE,
    case=VendorCase(
        "proofpoint",
        SOURCE.api,
        SECRET,
        SECRET_OF_ANOTHER_PRODUCT,
        SOURCE.api.check,
        extra={"principal": PRINCIPAL},
    ),
    kept={
        "a click": Specimen(click()),
        "a message with a URL": Specimen(message()),
        "a message with three threats": Specimen(
            message(
                threat(threat="parcel.example.net/a/?id=7"),
                threat(threat="parcel.example.net", threatID=..., threatId="b" * 64),
                threat(threat=SHA256.upper(), threatType="ATTACHMENT", classification="MALWARE"),
            )
        ),
        "a message that reaches its scores": Specimen(
            message(malwareScore="55"), {"score_groups": [{"phish": 90}, {"phish": 85, "malware": 50}]}
        ),
        "the least of a click": Specimen(
            {"id": "1", "url": "http://198.51.100.7/a", "threatTime": "2026-03-10T11:30Z"}
        ),
    },
    dropped={
        "no_threat": Specimen(message(threatsInfoMap=[])),
        "low_scores": Specimen(message(), {"score_groups": [{"phish": 86}, {"malware": 1}]}),
        "no_indicator": Specimen(message(threat(threat=THREAT_ID, threatType="messageText"))),
        "cleared_threat": Specimen(click(threatStatus="falsePositive")),
        "private_address": Specimen(click(url="http://10.0.0.7/login"), {"private_addresses": "drop"}),
    },
    quarantined={
        "event_not_an_object": Specimen("bob@example.com"),
        "missing_event_id": Specimen(click(id=None, GUID="")),
        "missing_timestamp": Specimen(click(threatTime=None, clickTime="")),
        "unreadable_timestamp": Specimen(message(threat(threatTime="yesterday at noon"), messageTime="noon")),
        "no_usable_threat": Specimen(click(url="N/A")),
    },
    noted={
        "threat_left_out": Specimen(message(threat(), threat(threatStatus="cleared"))),
        "unknown_classification": Specimen(click(classification="toad")),
        "no_classification": Specimen(click(classification=None)),
        "url_without_scheme": Specimen(message(threat(threat="parcel.example.net/a/?id=7"))),
        "timestamp_replaced": Specimen(click(threatTime="yesterday at noon")),
        "timestamp_without_zone": Specimen(click(threatTime="2026-03-10T11:30:00")),
        "replaced_technique": Specimen(click(classification="Old Shell"), OLD_CODES),
        "withdrawn_technique": Specimen(click(classification="Old Script"), OLD_CODES),
    },
    make_event=_make_event,
    read_id=read_id,
    finds_by_id=False,
)
