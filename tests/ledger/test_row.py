"""The values that the ledger reads from a detection's text."""

from __future__ import annotations

import json

import msgspec
import pytest

from ci_operators.ledger.keys import detection_key
from ci_operators.ledger.row import read_row
from tests.ledger.samples import detection


def test_a_row_holds_what_is_looked_up_and_the_text_as_it_is() -> None:
    text = detection(1)
    row = read_row("acme", text)
    assert (row.event_id, row.indicator_type, row.indicator) == ("event-00001", "ip", "198.51.0.1")
    assert (row.detected_at, row.codes) == ("2026-03-10T11:00:01.000Z", ["T1110.003"])
    assert row.key == detection_key("acme", "event-00001", "ip", "198.51.0.1")
    assert row.text is text


def test_codes_may_be_missing() -> None:
    entry = json.loads(detection(1))
    del entry["mitre_codes"]
    assert read_row("acme", json.dumps(entry).encode()).codes == []


def test_a_row_shows_no_payload() -> None:
    assert "T1110" not in repr(read_row("acme", detection(1)))
    assert "correlation" not in repr(read_row("acme", detection(1)))


@pytest.mark.parametrize("text", [b"", b"null", b"{}", b"[]", detection(1).replace(b'"id"', b'"no id"')])
def test_text_that_validate_refuses_does_not_become_a_row(text: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_row("acme", text)
