"""`quarantine replay`: repeats the refused stage and the later ones, with exact delivery."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace as change
from typing import Any

import pytest

from ci_operators.core.verdict import Note, Step
from ci_operators.sources.registry import load_source
from simulator import Simulator
from tests.commands.conftest import Desk, stored_ids

NO_ADDRESS = {"displayName": "no address"}


def quarantine_one(desk: Desk) -> None:
    """Have the map stage of a run quarantine an event."""
    desk.add_okta_events(1, actor=NO_ADDRESS)
    desk.deliver()


def fix_records(desk: Desk) -> None:
    """Make quarantined events mappable, as a fixed mapping would."""
    desk.connection.exec_driver_sql(
        "UPDATE quarantine SET record = convert_to(replace(convert_from(record, 'UTF8'), 'no address', '198.51.100.9'),"
        " 'UTF8') WHERE stage = 'map'"
    )
    desk.connection.commit()


def replay(desk: Desk, *options: str, status: int = 0) -> dict[str, Any]:
    printed = desk.run("quarantine", "replay", "--json", *options)
    assert printed.status == status, printed
    report: dict[str, Any] = printed.json
    return report


def open_entries(desk: Desk) -> int:
    total: int = desk.run("quarantine", "list", "--json").json["total"]
    return total


def test_a_fixed_mapping_delivers_each_once(desk: Desk) -> None:
    desk.add_okta_events(1, 2, actor=NO_ADDRESS)
    desk.add_okta_events(3)
    desk.deliver()
    still = replay(desk, "--connector", "okta", status=1)
    assert still["counts"] == {"quarantined": 2}
    assert open_entries(desk) == 2
    fix_records(desk)
    dry = replay(desk, "--connector", "okta", "--dry-run")
    assert dry["counts"] == {"would_be_sent": 2}
    assert stored_ids(desk.simulator) == ["event-0003"]
    report = replay(desk, "--connector", "okta")
    assert report["counts"] == {"accepted": 2}
    assert report["run_id"].startswith("replay__")
    assert stored_ids(desk.simulator) == ["event-0001", "event-0002", "event-0003"]
    assert open_entries(desk) == 0
    assert replay(desk, "--connector", "okta")["counts"] == {}
    assert replay(desk, "1")["counts"] == {"already_accepted": 1}
    assert stored_ids(desk.simulator) == ["event-0001", "event-0002", "event-0003"]
    note = desk.run("quarantine", "show", "1", "--json").json["replay_note"]
    assert "accepted it before" in note


def test_each_detection_of_an_event_is_delivered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    quarantine_one(desk)
    fix_records(desk)
    source = load_source("okta")

    def map_twice(connector: Any, note: Note) -> Step:
        step = source.mapping(connector, note)
        return lambda event: [step(event), step(event.replace(b"198.51.100.9", b"198.51.100.8"))]  # type: ignore[list-item]  # both pass

    monkeypatch.setattr("ci_operators.stages.chain.load_source", lambda _: change(source, mapping=map_twice))
    report = replay(desk, "--connector", "okta")
    assert (report["entries"], report["counts"]) == (1, {"accepted": 2})
    assert stored_ids(desk.simulator) == ["event-0001"] * 2
    assert open_entries(desk) == 0


def test_an_event_that_a_criterion_excludes_now_is_closed(desk: Desk) -> None:
    quarantine_one(desk)
    desk.execute("UPDATE quarantine SET stage = 'filter', record = '{}'")
    report = replay(desk, "1")
    assert report["counts"] == {"dropped": 1}
    assert "(wrong_event_type)" in report["outcomes"][0]["words"]
    assert open_entries(desk) == 0


def test_a_record_that_a_later_stage_refuses_moves_to_its_quarantine(desk: Desk) -> None:
    desk.add_okta_events(1, actor=NO_ADDRESS, published="0001-01-01T00:00:00.000Z")
    desk.add_okta_events(2, actor=NO_ADDRESS)
    desk.deliver()
    desk.execute("UPDATE quarantine SET stage = 'filter'")
    report = replay(desk, "--issue", "indicator_not_an_address", status=1)
    assert set(report["counts"]) == {"quarantined"}
    entries = desk.run("quarantine", "list", "--json").json["entries"]
    assert {entry["stage"] for entry in entries} == {"map"}
    closed = desk.run("quarantine", "show", "1", "--json").json
    assert closed["replay_note"].endswith("see the quarantine of map")


def refuse(desk: Desk, event_id: str) -> None:
    """Put a delivered detection into the state that a run leaves after the API refused it."""
    stored = next(found for found in desk.simulator.detections if found.incident_id == event_id)
    template = '{"timestamp":"2026-03-10T12:00:00.000Z","ioc":{"type":"ip","value":"%s","source_type":"Okta"},'
    template += '"incident":{"id":"%s","type":"t"},"detection":{"name":"n","type":"correlation"}}'
    record = (template % (stored.indicator[1], event_id)).encode()
    update = "UPDATE detection SET state = 3, issue = 'no' WHERE event_id = %s"
    desk.connection.exec_driver_sql(update, (event_id,))
    desk.connection.exec_driver_sql(
        "INSERT INTO quarantine (connector_id, run_id, stage, event_id, issue, record, record_digest)"
        " VALUES (1, 'scheduled__1', 'submit', %s, 'rejected_by_api', %s, %s)",
        (event_id, record, hashlib.sha256(record).digest()),
    )
    desk.connection.commit()


def test_a_detection_that_the_api_refused_is_sent_again(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    refuse(desk, "event-0001")
    assert desk.run("status", "okta", "--json").json[0]["rejected"] == 1
    assert replay(desk, "--issue", "rejected_by_api")["counts"] == {"accepted": 1}
    assert desk.run("status", "okta", "--json").json[0]["rejected"] == 0
    assert Counter(stored_ids(desk.simulator)) == {"event-0001": 2}  # once by the run that we marked as refused


def test_a_detection_that_the_api_refuses_again_stays_open(desk: Desk) -> None:
    desk.add_okta_events(1, 2)
    desk.deliver()
    refuse(desk, "event-0001")
    refuse_all_but_the_probe(desk.simulator)
    report = replay(desk, "--issue", "rejected_by_api", status=1)
    assert report["counts"] == {"rejected": 1}
    assert "never" in report["outcomes"][0]["words"]
    assert open_entries(desk) == 1
    assert replay(desk, "--issue", "rejected_by_api")["counts"] == {"accepted": 1}


def refuse_all_but_the_probe(simulator: Simulator) -> None:
    """Refuse a detection, accept the invented one after it, and refuse the detection again."""
    for skip in (0, 1):
        body = {"message": "data[0]: never"}
        simulator.add_fault("recorded_future", "status", status=400, body=body, skip=skip)


def test_an_interrupted_replay_reports_the_outcome_of_each(desk: Desk) -> None:
    quarantine_one(desk)
    fix_records(desk)
    desk.simulator.add_fault("recorded_future", "store_then_drop", path="/collective-insights/detections")
    report = replay(desk, "--connector", "okta", status=1)
    assert report["counts"] == {"unknown": 1}
    assert report["problems"][0].startswith("okta: Recorded Future")
    assert open_entries(desk) == 1
    assert replay(desk, "--connector", "okta")["counts"] == {"accepted": 1}
    assert stored_ids(desk.simulator) == ["event-0001"]


def test_a_held_detection_is_left_to_settle(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.lose_answer()
    desk.deliver()
    report = replay(desk, "--connector", "okta", status=1)
    assert report["counts"] == {"held": 1}
    assert stored_ids(desk.simulator) == []


def test_a_debug_connector_only_checks(desk: Desk, simulator: Simulator) -> None:
    desk.add_okta_events(1, 2, actor=NO_ADDRESS)
    desk.deliver("dry")
    fix_records(desk)
    report = replay(desk, "--connector", "dry")
    assert (report["counts"], report["debug_connectors"]) == ({"checked": 2}, ["dry"])
    assert open_entries(desk) == 2
    assert not simulator.detections
    assert "dry is in debug mode" in desk.run("quarantine", "replay", "--connector", "dry").out
    refuse_all_but_the_probe(simulator)
    assert replay(desk, "1", status=1)["counts"] == {"refused": 1}


def test_records_wait_when_the_budget_is_spent(desk: Desk) -> None:
    quarantine_one(desk)
    fix_records(desk)
    desk.edit_file("daily_limit: 100", "daily_limit: 1")
    assert replay(desk, "--connector", "okta")["counts"] == {"waiting": 1}
    assert desk.run("status", "okta", "--json").json[0]["waiting"] == 1


def test_another_running_run_is_one_sentence(desk: Desk) -> None:
    quarantine_one(desk)
    fix_records(desk)
    desk.connection.exec_driver_sql(f"SELECT pg_advisory_lock({0x434C4F4B}, 1)")
    printed = desk.run("quarantine", "replay", "1")
    assert (printed.status, printed.out) == (1, "")
    assert printed.err == "Another run of okta is submitting: this one waits for it.\n"


def test_replay_needs_a_selection(desk: Desk) -> None:
    printed = desk.run("quarantine", "replay")
    assert printed.status == 2
    assert "Specify what to replay" in printed.err
    report = replay(desk, "77", status=1)
    assert report["problems"] == ["Some of the ids are not in the quarantine of any connector in the file."]
