"""From threat to detection: what the pages of Recorded Future name stands where it has to; cases stand in golden/."""

from __future__ import annotations

import json

from ci_operators.core.verdict import Quarantined
from ci_operators.sources.sentinelone.mapping import mapping_for
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from tests.sources.sentinelone.specimens import SHA256, THREAT_ID, flat_threat, threat


def test_the_detection_holds_what_the_pages_list_and_nothing_else() -> None:
    notes: list[str] = []
    mapped = mapping_for(SentinelOneConnector(name="acme"), notes.append)(json.dumps(threat()).encode())
    assert isinstance(mapped, bytes)
    assert json.loads(mapped) == {
        "timestamp": "2026-03-10T11:30:00.500Z",
        "ioc": {"type": "hash", "value": SHA256, "source_type": "SentinelOne", "field": "threatInfo.sha256"},
        "incident": {"id": THREAT_ID, "type": "Trojan"},
        "detection": {"name": "SentinelOne Threat Detection", "type": "correlation"},
        "mitre_codes": ["T1055.012", "T1106"],
    }
    assert notes == []


def test_nothing_personal_leaves() -> None:
    mapped = mapping_for(SentinelOneConnector(name="acme"), lambda _: None)(json.dumps(threat()).encode())
    assert isinstance(mapped, bytes)
    for told in (b"alice", b"invoice.exe", b"HarddiskVolume", b"198.51.100.20"):
        assert told not in mapped


def test_a_threat_that_the_filter_keeps_back_is_quarantined() -> None:
    step = mapping_for(SentinelOneConnector(name="acme"), lambda _: None)
    assert isinstance(step(json.dumps(flat_threat()).encode()), Quarantined)
