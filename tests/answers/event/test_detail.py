"""One event of a run in full: its content, its outcome and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ci_operators.answers.event.detail import RecordInquiry, records_of_trail
from ci_operators.answers.question import Limits, WrongQuestionError
from ci_operators.answers.run.query import RecordQuery
from ci_operators.answers.run.record import RecordReader
from ci_operators.answers.run.records import find_records
from ci_operators.core.verdict import Quarantined
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, Trail
from tests.answers.event.test_story import TRAIL
from tests.answers.staged_run import OKTA, READER, S1, WORDING, StagedRun, event, known, mixed_events

SEEN = datetime(2026, 3, 10, 13, tzinfo=UTC)


def detail(run: StagedRun, event_id: str, indicator: str = "", place: str = "", **inquiry: Any) -> dict[str, Any]:
    reader = RecordReader(run.connector.name, WORDING)
    found = RecordInquiry(run.files, run.connector, reader, **inquiry).find(event_id, indicator, place)
    assert found is not None
    msgspec.json.encode(found)
    return found


def test_a_dropped_event_shows_rule_and_question(tmp_path: Path) -> None:
    found = detail(StagedRun(tmp_path).run(mixed_events()), "event-00001")
    assert (found["fate"], found["stage"], found["code"]) == ("dropped", "filter", "missing_actor")
    assert found["faq"] == "FAQ 2b of Recorded Future's page on Okta"
    assert found["event"]["uuid"] == "event-00001"
    assert (found["event_note"], found["detections"], found["truncated"]) == ("", [], False)
    assert found["story"] == [
        "extract: Read from the source.",
        "filter: dropped (missing_actor): There is no actor information under the event. "
        "FAQ 2b of Recorded Future's page on Okta.",
    ]


def test_a_detection_shows_its_payload_and_state(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events()).submit([None] * 20)

    def look_up(keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        return {key: known("unknown", message="broke off") for key in keys}

    found = detail(run, "event-00007", look_up=look_up)
    (sent,) = found["detections"]
    assert (found["fate"], found["stage"], found["code"]) == ("detection", "submit", None)
    assert sent["sent"]["incident"]["id"] == "event-00007"
    assert (sent["indicator"], sent["state"]) == ("198.51.100.8", "unknown")
    assert (sent["message"], sent["batch"]) == ("broke off", 7)
    assert found["story"][-1] == (
        "submit: unknown: sent, but it is not known whether Recorded Future stored it (run scheduled__0, batch 7). "
        "Message: broke off"
    )
    assert set(found["personal"]) >= {"client", "request", "target", "actor.alternateId"}
    assert detail(run, "event-00007")["story"][-1] == "submit: Sent to Recorded Future."


def test_a_refused_detection_shows_once_with_its_issue(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1), event(2)])
    run.submit([Quarantined("rejected_by_api", "event-00001", "no such thing"), None])
    found = detail(run, "event-00001", "198.51.100.2")
    assert (found["fate"], found["stage"]) == ("quarantined", "submit")
    assert (found["code"], found["detail"]) == ("rejected_by_api", "no such thing")
    assert [sent["indicator"] for sent in found["detections"]] == ["198.51.100.2"]
    assert found["event"]["uuid"] == "event-00001"


def test_options_that_changed_since_are_reported(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1, actor={"displayName": "10.0.0.1"}), event(2, actor=None)])
    run.connector = OKTA.model_copy(update={"private_addresses": "drop"})
    assert detail(run, "event-00001")["story"][-1] == (
        "With the connector's current options: the criteria exclude it (private_address): The indicator is not "
        "a globally reachable address (option private_addresses: drop)."
    )
    run.connector = OKTA.model_copy(update={"outcome_reasons_file": "/nowhere.csv"})
    story = detail(run, "event-00001")["story"]
    assert "cannot be applied to it now: outcome_reasons_file: the file /nowhere.csv" in story[-1]


def test_an_unfinished_event_reports_its_last_stage(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1)], until="filter")
    found = detail(run, "event-00001")
    assert (found["fate"], found["code"]) == (None, None)
    assert found["story"][:2] == ["extract: Read from the source.", "filter: It meets the criteria."]
    assert "the next stage has not finished" in found["story"][2]


def test_the_ledger_answers_when_artifacts_are_gone(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    for path in tmp_path.iterdir():
        path.unlink()
    drop = DroppedEvent(OKTA.name, "filter", "missing_actor", "scheduled__1", SEEN)
    found = detail(run, "event-00001", find_trail=lambda _: Trail([drop], (), (), ()))
    assert found["event"] is None
    assert found["event_note"] == "The artifact extract.jsonl.zst was deleted, by retention or by hand."
    assert found["story"] == [
        "okta-acme: dropped by filter (missing_actor) in run scheduled__1: "
        "There is no actor information under the event."
    ]
    assert (found["fate"], found["stage"], found["code"]) == ("dropped", "filter", "missing_actor")


def test_hostile_events_are_shown(tmp_path: Path) -> None:
    huge = {"debugContext": {"debugData": {"x": "y" * 5_000_000}}, "displayMessage": "<script>alert(1)</script>"}
    found = detail(StagedRun(tmp_path).run([event(1, **huge)]), "event-00001")
    assert (found["event"]["uuid"], found["truncated"]) == ("event-00001", True)
    assert found["event"]["displayMessage"] == "<script>alert(1)</script>"


def test_a_threat_folds_its_own_personal_data(tmp_path: Path) -> None:
    run = StagedRun(tmp_path, S1).run([{"id": "9", "threatInfo": {"threatId": "9", "filePath": "C:/Users/jane"}}])
    found = detail(run, "9")
    assert found["code"] == "no_usable_hash"
    assert set(found["personal"]) >= {"agentDetectionInfo", "agentRealtimeInfo", "threatInfo.filePath"}
    assert found["faq"] == "FAQ 3 of Recorded Future's page on SentinelOne"


def test_one_deadline_holds_for_records_and_event(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(number) for number in range(3000)])
    for wanted in ("event-02999", "nobody"):
        ticks = count()
        limits = Limits(seconds=4.0, clock=lambda ticks=ticks: float(next(ticks)))  # type: ignore[misc]  # its default
        found = detail(run, wanted, limits=limits)
        assert (found["fate"], found["event"], found["detections"]) == (None, None, [])
        assert found["event_note"].startswith("Not found among the first ")
        assert found["event_note"].endswith(
            " of 3000 events. `python -m ci_operators explain ID` asks the ledger and the source."
        )
        assert found["story"][0].startswith("The run has too many records to search at once")
        assert next(ticks) < 20


def test_a_record_without_an_id_is_found_by_its_place(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1), b"<html>", b"7", event(2, uuid=None)])
    records = [each for each in find_records(run.files, RecordQuery(), READER).records if each.event_id is None]
    assert len(records) == 3
    shown = [detail(run, "", place=record.place) for record in records]
    assert [found["event"] for found in shown[:2]] == ["<html>", 7]
    assert shown[2]["event"]["published"] == "2026-03-10T12:02:00.123Z"
    assert [found["code"] for found in shown] == ["event_not_an_object", "event_not_an_object", "missing_event_id"]
    assert {found["event_id"] for found in shown} == {None}
    for place in (
        "filter.quarantined:1",
        "filter.quarantined:-5",
        "nothing:0",
        "x",
        ":",
        "map.quarantined:" + "9" * 99,
    ):
        with pytest.raises(WrongQuestionError, match="The run has no record at this place"):
            detail(run, "", place=place)
    with pytest.raises(WrongQuestionError, match=r"Specify an event_id, or the place of a record\."):
        detail(run, "", indicator="198.51.100.2")


def test_ledger_rows_are_shown_as_records() -> None:
    found = records_of_trail(TRAIL, WORDING, "e")
    assert [record.fate for record in found] == ["quarantined", "dropped", "detection"]
    assert {record.event_id for record in found} == {"e"}
