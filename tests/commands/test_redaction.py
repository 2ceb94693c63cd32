"""Redaction hides what may be personal, and leaves what explains an issue."""

from __future__ import annotations

import json

import pytest

from ci_operators.commands.redaction import read_record, redact_record
from ci_operators.sources.registry import OPTIONS, load_source


def test_persons_and_machines_are_hidden_structure_stays() -> None:
    event = {
        "uuid": "1",
        "eventType": "security.threat.detected",
        "displayMessage": "Request",
        "actor": {"id": "00u1", "type": "User", "displayName": None, "alternateId": "jane@acme.example"},
        "client": {"ipAddress": "192.0.2.1", "geo": [{"city": "Berlin", "lat": 52.5}]},
        "outcome": {"result": "DENY", "reason": "Password Spray"},
        "threatInfo": {"threatId": "9", "filePath": "/home/jane/x", "sha1": "ab", "processUser": "jane", "is": True},
        "mitre_codes": ["T1110"],
        "unheard_of": 7,
    }
    assert redact_record(json.dumps(event).encode()) == {
        "uuid": "1",
        "eventType": "security.threat.detected",
        "displayMessage": "Request",
        "actor": {"id": "***", "type": "User", "displayName": None, "alternateId": "***"},
        "client": {"ipAddress": "***", "geo": [{"city": "***", "lat": "***"}]},
        "outcome": {"result": "DENY", "reason": "Password Spray"},
        "threatInfo": {"threatId": "9", "filePath": "***", "sha1": "ab", "processUser": "***", "is": True},
        "mitre_codes": ["T1110"],
        "unheard_of": "***",
    }


@pytest.mark.parametrize("source", OPTIONS)
def test_whatever_a_source_declares_personal_is_hidden(source: str) -> None:
    for path in load_source(source).personal:
        value: object = {"id": "secret", "list": [{"type": "secret", "none": None, "is": True}]}
        hidden: object = {"id": "***", "list": [{"type": "***", "none": None, "is": True}]}
        for name in reversed(path.split(".")):
            value, hidden = {name: value}, {name: hidden}
        assert redact_record(json.dumps({"nested": [value]}).encode()) == {"nested": [hidden]}
        assert redact_record(json.dumps(value).encode()) == hidden


def test_what_is_no_json_is_hidden_as_a_whole() -> None:
    assert redact_record(b"jane\xff") == "*** (5 bytes that are no JSON)"
    assert read_record(b"jane\xff") == "jane\\xff"
    assert redact_record(b'"jane"') == "***"
