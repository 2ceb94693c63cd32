"""Which records are requested: a line that is skipped unread never matches, and a cursor round-trips."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.artifacts import StagedFile
from ci_operators.answers.run.query import Cursor, RecordQuery, read_cursor, write_cursor
from ci_operators.answers.run.record import Record
from tests.answers.staged_run import READER

DROPPED = StagedFile("dropped", "filter", Path("filter.dropped.jsonl.zst"), 3, frozenset({"missing_actor"}))
DETECTIONS = StagedFile("detection", "submit", Path("validate.jsonl.zst"), 3, frozenset({"already_accepted"}))


def test_other_fates_and_stages_are_refused() -> None:
    assert RecordQuery.of("dropped", " missing_actor ", "filter", " X ") == RecordQuery(
        "dropped", "missing_actor", "filter", "X"
    )
    with pytest.raises(WrongQuestionError, match="Unknown outcome 'lost'"):
        RecordQuery.of("lost")
    with pytest.raises(WrongQuestionError, match="Unknown stage 'send'"):
        RecordQuery.of(stage="send")
    with pytest.raises(WrongQuestionError, match="The search has"):
        RecordQuery.of(search="x" * 1000)


def test_artifacts_that_cannot_match_are_not_opened() -> None:
    assert RecordQuery().wants_file(DROPPED)
    assert RecordQuery("dropped", "missing_actor", "filter").wants_file(DROPPED)
    assert not RecordQuery("quarantined").wants_file(DROPPED)
    assert not RecordQuery(stage="map").wants_file(DROPPED)
    assert not RecordQuery(code="wrong_event_type").wants_file(DROPPED)
    assert RecordQuery("dropped", "already_accepted").wants_file(DETECTIONS)
    assert not RecordQuery("quarantined").wants_file(DETECTIONS)


def test_states_are_requested_when_only_the_ledger_has_them() -> None:
    assert RecordQuery(search="ACCEPT").needs_states(DETECTIONS)
    assert RecordQuery("detection").needs_states(DETECTIONS)
    assert not RecordQuery(search="198.51").needs_states(DETECTIONS)
    assert not RecordQuery(search="accepted").needs_states(DROPPED)
    assert not RecordQuery().needs_states(DETECTIONS)


def test_searching_looks_at_ids_indicators_codes_and_states() -> None:
    record = Record(
        "Event-1", "detection", "submit", None, "words", "detail", "ip", "198.51.100.2", ("T1110.003",), "unknown"
    )
    for text in ("event-1", "EVENT", "51.100", "t1110", "nknow"):
        assert RecordQuery(search=text).matches(record)
    for text in ("words", "detail", "T1111", "*", "%", "event_1"):
        assert not RecordQuery(search=text).matches(record)


def test_letters_beyond_z_are_compared_as_they_are() -> None:
    record = Record("ÄK", "dropped", "filter")
    assert RecordQuery(search="Äk").matches(record)
    assert not RecordQuery(search="äk").matches(record)
    assert not RecordQuery(search="\N{KELVIN SIGN}").matches(record)


@given(st.text(max_size=12), st.text(max_size=4), st.booleans())
def test_a_skipped_line_never_matches(event_id: str, search: str, plain: bool) -> None:
    entry = {"event_id": event_id, "reason": "missing_actor"}
    try:
        line = json.dumps(entry).encode() if plain else msgspec.json.encode(entry)
    except UnicodeEncodeError:
        return
    query = RecordQuery(search=search)
    if not query.may_be_in(line):
        assert not query.matches(READER.read(line, "dropped", "filter").record)


def test_most_lines_are_skipped() -> None:
    line = b'{"event_id":"event-00001","reason":"missing_actor"}'
    assert not RecordQuery(search="event-2").may_be_in(line)
    assert not RecordQuery(code="null_display_name").may_be_in(line)
    assert RecordQuery(search="EVENT-00001").may_be_in(line)
    assert RecordQuery(search="event-2").may_be_in(line.replace(b"-", rb"\u002d"))


CURSOR = Cursor("question", "filter.dropped", 4096, 100, 700, "")


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert read_cursor(write_cursor(CURSOR), "question") == CURSOR


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "\ud800",
        f'["question","{"a" * 1000}"]',
        "{}",
        '["question"]',
        '["question","f","1"]',
        '["question","f",-1]',
        '["question","f",99999999999999999999999]',
        f'["question","f",{1 << 62}]',
        '["question","f",1,1,1,"","more"]',
        write_cursor(CURSOR)[:-3],
        "[" * 900,
    ],
)
def test_a_broken_one_is_refused(text: str) -> None:
    with pytest.raises(WrongQuestionError, match="Start again with the first page"):
        read_cursor(text, "question")


def test_a_cursor_of_other_filters_is_refused() -> None:
    with pytest.raises(WrongQuestionError, match="other filters"):
        read_cursor(write_cursor(CURSOR), "another")


def test_fingerprints_distinguish_queries() -> None:
    assert RecordQuery(code="a", stage="map").fingerprint != RecordQuery(code="amap").fingerprint
    assert RecordQuery(code="a").fingerprint != RecordQuery(search="a").fingerprint
    assert RecordQuery(code="a").fingerprint == RecordQuery(code="a").fingerprint
