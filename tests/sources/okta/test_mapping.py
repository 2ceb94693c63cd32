"""From event to detection: what the pages of Recorded Future name stands where it has to; cases stand in golden/."""

from __future__ import annotations

import json

from ci_operators.core.detection import MAX_NAME_LENGTH
from ci_operators.core.verdict import Quarantined
from ci_operators.sources.okta.mapping import mapping_for
from ci_operators.sources.okta.options import OktaConnector
from tests.sources.okta.specimens import EVENT_ID, threat_event


def map_event(**changes: object) -> tuple[object, list[str]]:
    notes: list[str] = []
    mapped = mapping_for(OktaConnector(name="acme"), notes.append)(json.dumps(threat_event(**changes)).encode())
    return (json.loads(mapped) if isinstance(mapped, bytes) else mapped), notes


def test_the_detection_holds_what_the_pages_list_and_nothing_else() -> None:
    detection, notes = map_event()
    assert detection == {
        "timestamp": "2026-03-10T11:30:00.123Z",
        "ioc": {"type": "ip", "value": "198.51.100.7", "source_type": "Okta", "field": "actor.displayName"},
        "incident": {"id": EVENT_ID, "type": "security.threat.detected", "name": "Request from suspicious actor"},
        "detection": {"name": "Okta Threat Detection: Password Spray, Login Failures", "type": "correlation"},
        "mitre_codes": ["T1110.003", "T1110.001"],
    }
    assert notes == []


def test_names_are_cut_after_their_spaces_are_taken_off() -> None:
    detection, _ = map_event(uuid=" " * 600 + "event-1", displayMessage=" " + "x" * 600)
    assert isinstance(detection, dict)
    assert detection["incident"]["id"] == "event-1"
    assert detection["incident"]["name"] == "x" * MAX_NAME_LENGTH


def test_an_event_that_the_filter_keeps_back_is_quarantined() -> None:
    verdict, _ = map_event(actor=None)
    assert isinstance(verdict, Quarantined)
