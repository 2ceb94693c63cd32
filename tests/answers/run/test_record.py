"""A line of an artifact as a row of the table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ci_operators.answers.run.record import UNREADABLE, Candidate, Record, RecordReader
from ci_operators.ledger.keys import detection_key
from tests.answers.staged_run import OKTA, READER, WORDING, StagedRun, event, known
from tests.artifacts import read_all

BEGAN = datetime(2026, 3, 10, 13, tzinfo=UTC)


def detection_of(tmp_path: Path) -> bytes:
    StagedRun(tmp_path).run([event(1)])
    return read_all(tmp_path / "validate.jsonl.zst")[0]


def test_a_dropped_event_is_described_in_words() -> None:
    found = READER.read(b'{"event_id":"e","reason":"missing_actor"}', "dropped", "filter")
    assert found.record == Record(
        "e", "dropped", "filter", "missing_actor", "There is no actor information under the event."
    )
    assert READER.read(b'{"event_id":null,"reason":"new_reason"}', "dropped", "filter").record.words == "new_reason"


def test_a_quarantined_event_keeps_its_payload() -> None:
    line = b'{"event_id":null,"issue":"event_not_an_object","detail":"Odd.","record_base64":"/w=="}'
    found = READER.read(line, "quarantined", "filter")
    assert (found.payload, found.key, found.record.detail, found.record.event_id) == (b"\xff", None, "Odd.", None)


def test_a_repeated_detail_is_left_out() -> None:
    words = WORDING.say(OKTA.name, "missing_timestamp")
    line = json.dumps({"issue": "missing_timestamp", "detail": words, "record": {"uuid": "e"}}).encode()
    assert READER.read(line, "quarantined", "map").record.detail == ""


def test_a_detection_shows_indicator_and_codes(tmp_path: Path) -> None:
    line = detection_of(tmp_path)
    found = READER.read(line, "detection", "validate")
    record = found.record
    assert (record.event_id, record.indicator_type, record.indicator) == ("event-00001", "ip", "198.51.100.2")
    assert (record.codes, record.detected_at) == (("T1110.003",), "2026-03-10T12:01:00.123Z")
    assert found.key == detection_key(OKTA.name, "event-00001", "ip", "198.51.100.2")
    refused = msgspec.json.encode({"event_id": "event-00001", "issue": "rejected_by_api", "record": msgspec.Raw(line)})
    assert READER.read(refused, "quarantined", "submit").record.indicator == "198.51.100.2"
    assert READER.read(refused, "quarantined", "submit").key == found.key


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"7", b'{"reason":1}', b'{"event_id":{}}', b"\xff", b"[" * 100_000])
def test_a_line_that_is_not_a_record_is_reported(line: bytes) -> None:
    for fate, stage in (("dropped", "filter"), ("quarantined", "map"), ("detection", "validate")):
        with pytest.raises(UNREADABLE):
            READER.read(line, fate, stage)


def test_the_ledger_adds_the_state() -> None:
    candidate = Candidate(Record("e", "detection", "submit"), b"key")
    assert READER.add_state(candidate, None) == candidate.record
    found = READER.add_state(candidate, known("waiting"))
    assert (found.state, found.state_words, found.fate) == ("waiting", "waiting for the day's budget", "detection")


def test_a_detection_sent_before_the_run_counts_as_dropped() -> None:
    candidate = Candidate(Record("e", "detection", "submit"), b"key")
    reader = RecordReader(OKTA.name, WORDING, began=BEGAN)
    before = known("accepted", BEGAN - timedelta(minutes=1))
    found = reader.add_state(candidate, before, sorts=True)
    assert (found.fate, found.stage, found.code, found.detail) == (
        "dropped",
        "submit",
        "already_accepted",
        "In run scheduled__0.",
    )
    for same in (
        reader.add_state(candidate, before),
        reader.add_state(candidate, known("accepted", BEGAN), sorts=True),
        reader.add_state(candidate, known("accepted"), sorts=True),
        READER.add_state(candidate, before, sorts=True),
    ):
        assert same.fate == "detection"
