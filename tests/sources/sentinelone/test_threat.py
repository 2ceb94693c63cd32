"""The fast and the tolerant reading of a threat agree where both can read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_operators.sources.sentinelone.threat import (
    Indicator,
    Tactic,
    Threat,
    ThreatInfo,
    find_id,
    read_threat,
    read_threat_with_indicators,
)
from tests.sources.sentinelone.specimens import SPECIMENS


def loosened(event: dict[str, Any]) -> bytes:
    """Return the event with a member of a type that it should not have: it sends the reader the tolerant way."""
    return json.dumps({**event, "threatInfo": {**event["threatInfo"], "classification": 7}}).encode()


@pytest.mark.parametrize("story", SPECIMENS.kept)
def test_both_ways_of_reading_agree(story: str) -> None:
    event = SPECIMENS.kept[story].event
    plain = {**event, "threatInfo": {**event["threatInfo"], "classification": "7"}}
    assert read_threat(json.dumps(plain).encode()) == read_threat(loosened(event))
    fast, tolerant = (read_threat_with_indicators(text) for text in (json.dumps(plain).encode(), loosened(event)))
    assert fast is not None
    assert tolerant is not None
    assert (fast.id, fast.threatInfo, list(fast.indicators or ())) == (
        tolerant.id,
        tolerant.threatInfo,
        list(tolerant.indicators or ()),
    )


def test_what_is_no_object_among_the_indicators_is_left_out() -> None:
    raw = {"id": 7, "indicators": [7, {"tactics": "x"}, {"tactics": [None, 7, {"name": "Impact", "techniques": [7]}]}]}
    threat = read_threat_with_indicators(json.dumps(raw).encode())
    assert threat is not None
    assert threat.id == "7"
    assert threat.indicators == [Indicator(tactics=[]), Indicator(tactics=[Tactic(name="Impact", techniques=[])])]


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"7", b"{", b"\xff"])
def test_what_is_no_object_is_none(text: bytes) -> None:
    assert read_threat(text) is None
    assert read_threat_with_indicators(text) is None


@pytest.mark.parametrize(
    ("threat", "threat_id"),
    [
        (Threat(id="1", threatInfo=ThreatInfo(threatId="2")), "2"),
        (Threat(id="1", threatInfo=ThreatInfo(threatId="")), "1"),
        (Threat(id="1"), "1"),
        (Threat(), None),
    ],
)
def test_the_id_is_the_sections_else_the_one_at_the_top(threat: Threat, threat_id: str | None) -> None:
    assert find_id(threat) == threat_id
