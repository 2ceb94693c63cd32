"""Okta events in the format of the System Log API reference; people, addresses and ids are invented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.sources.okta.source import SOURCE
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import OKTA

#: A table with codes that ATT&CK has retired.
OLD_CODES = {"outcome_reasons_file": "golden/old_codes.csv"}
EVENT_ID = "7a1f0c4e-0001-11f1-8c5b-000000000001"


def threat_event(**changes: Any) -> dict[str, Any]:
    """Return an event of ThreatInsight; a change replaces a member, `...` removes it."""
    event: dict[str, Any] = {
        "actor": {
            "id": "198.51.100.7",
            "type": "IP address",
            "alternateId": "unknown",
            "displayName": "198.51.100.7",
            "detailEntry": None,
        },
        "client": {"zone": "null", "device": "Computer", "id": None, "ipAddress": "198.51.100.7"},
        "debugContext": {"debugData": {"threatSuspected": "true", "threatDetections": '{"Password Spray":"HIGH"}'}},
        "displayMessage": "Request from suspicious actor",
        "eventType": "security.threat.detected",
        "legacyEventType": "security.threat.detected",
        "outcome": {"result": "DENY", "reason": "Password Spray, Login Failures"},
        "published": "2026-03-10T11:30:00.123Z",
        "request": {"ipChain": [{"ip": "198.51.100.7", "version": "V4", "source": None}]},
        "severity": "WARN",
        "target": None,
        "transaction": {"type": "WEB", "id": "0123456789abcdef01234567", "detail": {}},
        "uuid": EVENT_ID,
        "version": "0",
    }
    return {key: value for key, value in {**event, **changes}.items() if value is not ...}


def actor(**changes: Any) -> dict[str, Any]:
    """Return the event's actor with other members."""
    own = {**threat_event()["actor"], **changes}
    return {key: value for key, value in own.items() if value is not ...}


def read_id(event: Any) -> str | None:
    """Return the event's uuid."""
    return event.get("uuid") if isinstance(event, dict) else None


def _make_event(instant: datetime, number: int) -> dict[str, Any]:
    return {
        "uuid": f"event-{number:05d}",
        "eventType": "security.threat.detected",
        "published": format_instant(instant),
        "actor": {"displayName": "198.51.100.7", "type": "IP address"},
    }


SPECIMENS = Specimens(
    source=SOURCE,
    case=OKTA,
    kept={
        "an address": Specimen(threat_event()),
        "an address of version 6": Specimen(threat_event(actor=actor(displayName="2001:db8::7"))),
        "a domain": Specimen(threat_event(actor=actor(displayName="proxy.example.org"))),
        "the least of an event": Specimen(_make_event(datetime.fromisoformat("2026-03-10T11:30:00Z"), 1)),
    },
    dropped={
        "wrong_event_type": Specimen(threat_event(eventType="user.session.start")),
        "missing_actor": Specimen(threat_event(actor=None)),
        "null_display_name": Specimen(threat_event(actor=actor(displayName=None))),
        "private_address": Specimen(threat_event(), {"private_addresses": "drop"}),
    },
    quarantined={
        "event_not_an_object": Specimen(["Alice Example"]),
        "missing_event_id": Specimen(threat_event(uuid=...)),
        "missing_timestamp": Specimen(threat_event(published=None)),
        "unreadable_timestamp": Specimen(threat_event(published="yesterday at noon")),
        "indicator_not_an_address": Specimen(threat_event(actor=actor(displayName="Alice Example", type="User"))),
    },
    noted={
        "unknown_outcome_reason": Specimen(threat_event(outcome={"reason": "Bad Luck"})),
        "replaced_technique": Specimen(threat_event(outcome={"reason": "Old Shell"}), OLD_CODES),
        "withdrawn_technique": Specimen(threat_event(outcome={"reason": "Old Script"}), OLD_CODES),
        "no_display_message": Specimen(threat_event(displayMessage=None)),
        "timestamp_without_zone": Specimen(threat_event(published="2026-03-10T11:30:00")),
        "no_outcome_reason": Specimen(threat_event(outcome={"reason": None})),
    },
    make_event=_make_event,
    read_id=read_id,
)
