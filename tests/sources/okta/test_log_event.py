"""The fast and the tolerant reading of an event agree where both can read."""

from __future__ import annotations

import json

import pytest

from ci_operators.sources.okta.log_event import Actor, LogEvent, Outcome, read_log_event
from tests.sources.okta.specimens import SPECIMENS, threat_event

#: A member of a type that it should not have, which no criterion reads: it sends the reader the tolerant way.
LOOSENING = {"displayMessage": 7}


@pytest.mark.parametrize("story", SPECIMENS.kept)
def test_both_ways_of_reading_agree(story: str) -> None:
    event = {**SPECIMENS.kept[story].event, "displayMessage": "7"}
    fast = read_log_event(json.dumps(event).encode())
    assert fast == read_log_event(json.dumps({**event, **LOOSENING}).encode())


def test_members_of_the_wrong_type_are_absent_or_read_as_text() -> None:
    event = threat_event(uuid=7, eventType=None, published={}, displayMessage=True, actor=[], outcome={"reason": [1]})
    event["legacyEventType"] = ["x"]
    assert read_log_event(json.dumps(event).encode()) == LogEvent(uuid="7", displayMessage="true", outcome=Outcome())


def test_an_empty_object_has_no_fields() -> None:
    assert read_log_event(b"{}") == LogEvent()
    assert read_log_event(b'{"actor": {}}') == LogEvent(actor=Actor())


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"7", b"{", b"\xff"])
def test_what_is_no_object_is_none(text: bytes) -> None:
    assert read_log_event(text) is None
