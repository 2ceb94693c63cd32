"""The shape of a detection, written and read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ci_operators.core.detection import (
    INDICATOR_TYPES,
    MAX_NAME_LENGTH,
    Detection,
    Incident,
    Ioc,
    Method,
    decode_detection,
    encode_detection,
)

WHOLE: dict[str, Any] = {
    "timestamp": "2026-03-10T12:00:00.000Z",
    "ioc": {"type": "ip", "value": "198.51.100.7", "source_type": "Okta", "field": "actor.displayName"},
    "incident": {"id": "event-1", "type": "security.threat.detected", "name": "Request from suspicious actor"},
    "detection": {"name": "Okta Threat Detection", "type": "correlation"},
    "mitre_codes": ["T1110.003", "TA0006"],
}


def test_detection_is_read_as_written() -> None:
    detection = decode_detection(msgspec.json.encode(WHOLE))
    assert msgspec.json.decode(encode_detection(detection)) == WHOLE


def test_empty_members_are_left_out() -> None:
    detection = Detection(
        timestamp="2026-03-10T12:00:00.000Z",
        ioc=Ioc(type="ip", value="198.51.100.7", source_type="Okta"),
        incident=Incident(id="event-1", type="security.threat.detected"),
        detection=Method(name="Okta Threat Detection", type="correlation"),
    )
    assert msgspec.json.decode(encode_detection(detection)) == {
        "timestamp": "2026-03-10T12:00:00.000Z",
        "ioc": {"type": "ip", "value": "198.51.100.7", "source_type": "Okta"},
        "incident": {"id": "event-1", "type": "security.threat.detected"},
        "detection": {"name": "Okta Threat Detection", "type": "correlation"},
    }


@pytest.mark.parametrize("kind", INDICATOR_TYPES)
def test_every_type_the_api_counts_is_allowed(kind: str) -> None:
    assert decode_detection(msgspec.json.encode({**WHOLE, "ioc": {**WHOLE["ioc"], "type": kind}})).ioc.type == kind


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "2026-03-10T12:00:00Z"},
        {"timestamp": "2026-03-10T12:00:00.000+01:00"},
        {"timestamp": "2026-03-10T12:00:00.000Z\n"},
        {"mitre_codes": ["T110"]},
        {"mitre_codes": ["T1110.003\n"]},
        {"mitre_codes": None},
        {"incident": {"id": "", "type": "a"}},
        {"incident": {"id": "a"}},
        {"incident": {"id": "x" * (MAX_NAME_LENGTH + 1), "type": "a"}},
        {"ioc": {"type": "email", "value": "a", "source_type": "Okta"}},
        {"ioc": {"type": "ip", "value": "", "source_type": "Okta"}},
        {"detection": {"name": "a"}},
        {"detection": {"name": "a", "type": "detection_rule"}},
        {"detection": {"name": "a", "type": "correlation", "id": "b"}},
        {"transient_id": "a"},
    ],
)
def test_other_shapes_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_detection(msgspec.json.encode({**WHOLE, **change}))


@pytest.mark.parametrize("name", ["timestamp", "ioc", "incident", "detection"])
def test_nothing_but_the_codes_may_be_missing(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        decode_detection(msgspec.json.encode({key: value for key, value in WHOLE.items() if key != name}))
