"""The validate step, compared with Recorded Future's own models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.core.verdict import Quarantined
from ci_operators.stages.contract import ISSUES, contract_for
from tests.psengine_models import is_accepted_by_psengine

SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
VALIDATE = contract_for(attack_table())


def detection(**changes: Any) -> dict[str, Any]:
    """Return a detection; a change replaces a member, `...` removes it."""
    whole: dict[str, Any] = {
        "timestamp": "2026-03-10T12:00:00.000Z",
        "ioc": {"type": "ip", "value": "198.51.100.7", "source_type": "Okta", "field": "actor.displayName"},
        "incident": {"id": "event-1", "type": "security.threat.detected", "name": "Request from suspicious actor"},
        "detection": {"type": "correlation", "name": "Okta Threat Detection"},
        "mitre_codes": ["T1110.003", "TA0006"],
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def ioc(kind: str, value: str) -> dict[str, Any]:
    """Return a detection of another indicator."""
    return detection(ioc={"type": kind, "value": value, "source_type": "Okta"})


def validate(entry: Any) -> Any:
    return VALIDATE(json.dumps(entry).encode())


@pytest.mark.parametrize(
    "entry",
    [
        detection(),
        detection(mitre_codes=...),
        detection(mitre_codes=[]),
        ioc("ip", "2001:db8::7"),
        ioc("domain", "proxy.example.org"),
        ioc("hash", SHA256),
        ioc("hash", SHA256[:40]),
        ioc("hash", SHA256[:32]),
        ioc("url", "https://proxy.example.org/a"),
        ioc("vulnerability", "CVE-2026-0001"),
    ],
)
def test_a_valid_detection_is_passed_on_unchanged(entry: dict[str, Any]) -> None:
    text = json.dumps(entry, indent=1).encode()
    assert VALIDATE(text) == text
    assert is_accepted_by_psengine(text)


@pytest.mark.parametrize(
    ("entry", "issue"),
    [
        (ioc("ip", "198.51.100.700"), "malformed_indicator"),
        (ioc("ip", " 198.51.100.7"), "malformed_indicator"),
        (ioc("ip", "2001:DB8::7"), "malformed_indicator"),
        (ioc("ip", "::ffff:198.51.100.7"), "malformed_indicator"),
        (ioc("domain", "Proxy.example.org"), "malformed_indicator"),
        (ioc("domain", "proxy"), "malformed_indicator"),
        (ioc("domain", "john.doe"), "malformed_indicator"),
        (ioc("domain", "srv.corp"), "malformed_indicator"),
        (ioc("hash", SHA256.upper()), "malformed_indicator"),
        (ioc("hash", SHA256[:-1]), "malformed_indicator"),
        (ioc("url", "  "), "malformed_indicator"),
        (detection(timestamp="2026-02-30T12:00:00.000Z"), "impossible_timestamp"),
        (detection(timestamp="2026-03-10T25:00:00.000Z"), "impossible_timestamp"),
        (detection(mitre_codes=["T9999"]), "unknown_mitre_code"),
        (detection(mitre_codes=["T1086"]), "unknown_mitre_code"),
        (detection(mitre_codes=["T1110.003", "TA9999"]), "unknown_mitre_code"),
        (detection(timestamp="2026-03-10T12:00:00"), "contract_violation"),
        (detection(timestamp="2026-03-10T12:00:00.000Z\n"), "contract_violation"),
        (detection(incident=...), "contract_violation"),
        (detection(extra=1), "contract_violation"),
        (ioc("email", "alice@example.org"), "contract_violation"),
        (ioc("ip", ""), "contract_violation"),
        (["no", "object"], "contract_violation"),
        (None, "contract_violation"),
    ],
)
def test_an_invalid_detection_is_quarantined(entry: Any, issue: str) -> None:
    verdict = validate(entry)
    assert isinstance(verdict, Quarantined)
    assert verdict.issue == issue
    assert verdict.event_id == (None if issue == "contract_violation" else "event-1")
    assert verdict.detail


def test_every_issue_has_its_words() -> None:
    assert all(words.endswith(".") for words in ISSUES.values())


@given(st.binary() | st.just(b"[" * 100_000) | st.just(b'{"ioc":"\xff"}'))
def test_any_bytes_are_quarantined(record: bytes) -> None:
    verdict = VALIDATE(record)
    assert isinstance(verdict, Quarantined)
    assert verdict.issue == "contract_violation"


PLACES = [
    ("timestamp",), ("ioc",), ("incident",), ("detection",), ("mitre_codes",), ("extra",),
    ("ioc", "type"), ("ioc", "value"), ("ioc", "source_type"), ("ioc", "field"),
    ("incident", "id"), ("incident", "type"), ("incident", "name"),
    ("detection", "type"), ("detection", "name"), ("detection", "sub_type"), ("detection", "id"),
]  # fmt: skip
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["detection_rule", "sandbox", "threat_hunt", "email", "hash", "url", "2026-03-10", "1772000000"])
    | st.lists(st.text(max_size=3), max_size=2)
    | st.dictionaries(st.sampled_from(["type", "id", "value"]), st.text(max_size=3), max_size=2)
    | st.just(...)
)


@settings(max_examples=500)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
def test_detections_that_recorded_futures_models_refuse_are_refused(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    entry = detection()
    for place, value in changes:
        holder = entry if len(place) == 1 else entry.get(place[0])
        if not isinstance(holder, dict):
            continue
        if value is ...:
            holder.pop(place[-1], None)
        else:
            holder[place[-1]] = value
    text = json.dumps(entry).encode()
    if not is_accepted_by_psengine(text):
        assert isinstance(VALIDATE(text), Quarantined), text
    if isinstance(VALIDATE(text), bytes):
        assert is_accepted_by_psengine(text), text
