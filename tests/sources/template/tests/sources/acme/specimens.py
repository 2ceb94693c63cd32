"""Acme Cloud alerts in the format of its API reference; people, addresses and ids are invented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.sources.acme.source import SOURCE
from simulator.acme.api import TOKEN, TOKEN_WITHOUT_RIGHT
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import VendorCase


def alert(**changes: Any) -> dict[str, Any]:
    """Return an alert; a change replaces a member."""
    event: dict[str, Any] = {
        "id": "alert-1",
        "time": "2026-03-10T11:30:00.000Z",
        "category": "Malware",
        "severity": 70,
        "technique": "T1110",
        "indicators": [{"kind": "ip", "value": "198.51.100.7"}, {"kind": "domain", "value": "files.example.net"}],
        "user": "alice@example.com",
        "host": "LAPTOP-ALICE",
    }
    return {**event, **changes}


def read_id(event: Any) -> str | None:
    """Return the alert's id."""
    return event.get("id") if isinstance(event, dict) else None


def _make_event(instant: datetime, number: int) -> dict[str, Any]:
    return alert(id=f"alert-{number:05d}", time=format_instant(instant))


SPECIMENS = Specimens(
    source=SOURCE,
    case=VendorCase("acme", SOURCE.api, TOKEN, TOKEN_WITHOUT_RIGHT, SOURCE.api.check),
    kept={
        "an address and a domain": Specimen(alert()),
        "a hash": Specimen(alert(indicators=[{"kind": "hash", "value": "ab" * 32}])),
    },
    dropped={
        "no_indicators": Specimen(alert(indicators=[])),
        "low_severity": Specimen(alert(severity=10), {"min_severity": 20}),
    },
    quarantined={
        "event_not_an_object": Specimen(["alice"]),
        "missing_event_id": Specimen(alert(id=None)),
        "missing_timestamp": Specimen(alert(time=None)),
        "unreadable_timestamp": Specimen(alert(time="at noon")),
        "no_usable_indicator": Specimen(alert(indicators=[{"kind": "ip", "value": "10.0.0.300"}])),
    },
    noted={
        "timestamp_without_zone": Specimen(alert(time="2026-03-10T11:30:00")),
        "unusable_indicator": Specimen(alert(indicators=[{"kind": "ip", "value": "198.51.100.7"}, {"kind": "x"}])),
        "unknown_technique": Specimen(alert(technique="T9999")),
        "replaced_technique": Specimen(alert(technique="T1086")),
        "withdrawn_technique": Specimen(alert(technique="T1064")),
    },
    make_event=_make_event,
    read_id=read_id,
)
