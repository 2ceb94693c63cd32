"""The results of each stage of each run: writing them repeatedly keeps one copy."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, text

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.core.window import Window
from ci_operators.ledger.history import CHUNK, History, QuarantineEntry
from ci_operators.ledger.keys import event_key
from ci_operators.staging.manifest import Manifest
from tests.virtual_time import NOON

WINDOW = Window(NOON - timedelta(hours=1), NOON)


@pytest.fixture
def history(ledger_connection: Connection) -> History:
    return History(ledger_connection, "acme", "run-1", "filter")


def look(history: History, statement: str) -> list[tuple[Any, ...]]:
    with history.connection.begin():
        return [tuple(row) for row in history.connection.execute(text(statement))]


def manifest(tally: Tally) -> dict[str, Any]:
    return Manifest("filter", "acme", False, WINDOW, "data interval", None, tally).to_xcom()


def dropped(*entries: tuple[str | None, str]) -> list[bytes]:
    return [json.dumps({"event_id": event_id, "reason": reason}).encode() for event_id, reason in entries]


def test_a_run_is_kept_with_its_counts(history: History) -> None:
    tally = Tally(records_in=3, records_out=1)
    tally.drop(Dropped("wrong_event_type", "event-1"))
    tally.quarantine(Quarantined("missing_event_id", None))
    history.add_run(manifest(tally), "scheduled")
    ((run_id, stage, kind, debug, since, until, *counts, kept),) = look(
        history,
        "SELECT run_id, stage, run_kind, debug, since, until, records_in, records_out, dropped, quarantined, manifest "
        "FROM stage_run",
    )
    assert (run_id, stage, kind, debug, since, until) == ("run-1", "filter", "scheduled", False, WINDOW.since, NOON)
    assert counts == [3, 1, {"wrong_event_type": 1}, {"missing_event_id": 1}]
    assert kept == manifest(tally)


def test_a_retry_writes_over_the_run(history: History) -> None:
    history.add_run(manifest(Tally(records_in=1, records_out=1)), "scheduled")
    ((first,),) = look(history, "SELECT finished_at FROM stage_run")
    history.add_run(manifest(Tally(records_in=2, records_out=2)), "scheduled")
    ((count, finished),) = look(history, "SELECT records_in, finished_at FROM stage_run")
    assert count == 2
    assert finished > first


def test_an_id_with_nul_does_not_fail(history: History) -> None:
    """PostgreSQL's JSON has no NUL either."""
    tally = Tally(records_in=2)
    tally.drop(Dropped("wrong_event_type", "a\0b"))
    tally.quarantine(Quarantined("missing_timestamp", "\0"))
    history.add_run(manifest(tally), "scheduled")
    history.add_dropped([dropped(("a\0b", "wrong_event_type"))])
    history.add_quarantined([[quarantined("{}", event_id="\0", detail="\0")]])
    assert look(history, "SELECT event_id FROM dropped_event") == [("ab",)]


def test_dropped_events_are_kept_by_id_without_payload(history: History) -> None:
    history.add_dropped([dropped(("event-1", "wrong_event_type"), (None, "missing_actor")), dropped(("event-2", "x"))])
    found = look(history, "SELECT event_key, event_id, stage, reason, run_id FROM dropped_event ORDER BY event_id")
    assert [tuple(row[1:]) for row in found] == [
        ("event-1", "filter", "wrong_event_type", "run-1"),
        ("event-2", "filter", "x", "run-1"),
    ]
    assert bytes(found[0][0]) == event_key("acme", "event-1")


def test_an_event_dropped_twice_is_kept_with_its_newest_reason(history: History) -> None:
    history.add_dropped([dropped(("event-1", "one"), ("event-1", "one"))])
    ((before,),) = look(history, "SELECT seen_at FROM dropped_event")
    later = History(history.connection, "acme", "run-2", "map")
    later.add_dropped([dropped(("event-1", "two"))])
    ((stage, reason, run_id, seen),) = look(history, "SELECT stage, reason, run_id, seen_at FROM dropped_event")
    assert (stage, reason, run_id) == ("map", "two", "run-2")
    assert seen > before


def test_many_dropped_events_are_merged(history: History) -> None:
    lines = dropped(*((f"event-{number}", "one") for number in range(CHUNK)))
    history.add_dropped([lines, lines])
    assert look(history, "SELECT count(*) FROM dropped_event") == [(CHUNK,)]


def test_no_dropped_events_write_no_rows(history: History) -> None:
    history.add_dropped([])
    history.add_dropped([dropped((None, "missing_actor"))])
    assert look(history, "SELECT 1 FROM dropped_event") == []


def quarantined(record: str, event_id: str | None = "event-1", detail: str = "It is odd.", issue: str = "odd") -> bytes:
    entry = {"event_id": event_id, "issue": issue, "detail": detail}
    return json.dumps(entry).encode()[:-1] + b',"record":' + record.encode() + b"}"


def test_quarantined_records_are_kept_to_the_byte(history: History) -> None:
    record = '{"b": 1.0,  "a": "\N{FIRE}"}'
    history.add_quarantined([[quarantined(record)]])
    (row,) = look(history, "SELECT stage, event_id, issue, detail, record, run_id FROM quarantine")
    assert (*row[:4], bytes(row[4]), row[5]) == ("filter", "event-1", "odd", "It is odd.", record.encode(), "run-1")


def test_a_record_quarantined_again_is_kept_once(history: History) -> None:
    history.add_quarantined([[quarantined("{}"), quarantined("{}", detail="newest in the chunk")]])
    later = History(history.connection, "acme", "run-2", "filter")
    later.add_quarantined([[quarantined("{}", detail="newest of all", issue="odder")], [quarantined("[]")]])
    found = look(history, "SELECT issue, detail, run_id FROM quarantine ORDER BY id")
    assert found == [("odder", "newest of all", "run-2"), ("odd", "It is odd.", "run-2")]


def test_a_record_that_is_not_json_comes_in_base64(history: History) -> None:
    entry = {"event_id": None, "issue": "odd", "record_base64": base64.b64encode(b"\0\xff").decode()}
    history.add_quarantined([[json.dumps(entry).encode()]])
    ((event_id, record),) = look(history, "SELECT event_id, record FROM quarantine")
    assert (event_id, bytes(record)) == (None, b"\0\xff")


def test_a_payload_that_is_not_base64_is_kept_too() -> None:
    entry = msgspec.json.decode(b'{"issue":"odd","record_base64":"!"}', type=QuarantineEntry)
    assert entry.payload() == b"!"


def test_connectors_and_stages_have_their_own(history: History) -> None:
    for connector, stage in (("acme", "map"), ("globex", "filter")):
        other = History(history.connection, connector, "run-1", stage)
        other.add_quarantined([[quarantined("{}")]])
        other.add_run(manifest(Tally()), "manual")
        other.add_dropped([dropped(("event-1", stage))])
    history.add_quarantined([[quarantined("{}")]])
    assert look(history, "SELECT count(*) FROM quarantine") == [(3,)]
    assert look(history, "SELECT count(*) FROM stage_run") == [(2,)]
    assert look(history, "SELECT count(*) FROM dropped_event") == [(2,)]
