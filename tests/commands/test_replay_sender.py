"""Which steps a quarantined record goes through again, and which sender takes it. (Delivery: test_replay.py.)"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ci_operators.commands.replay_sender import CheckingReplay, DeliveringReplay, open_sender, trace_entries
from ci_operators.core.connector import Destination
from ci_operators.ledger.quarantined import Entry
from ci_operators.sources.registry import OPTIONS, load_source
from tests.commands.conftest import Desk, okta_event

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
CONNECTOR = OPTIONS["okta"].model_validate({"name": "a", "source": "okta"})
EVENT = json.dumps(okta_event(1, NOW)).encode()
DETECTION = trace_entries(CONNECTOR, [Entry(1, "a", "r", "map", "e", "i", "", NOW, None, None, EVENT)])[0].record


def take(stage: str, record: bytes, issue: str = "some") -> tuple[str, str]:
    (trace,) = trace_entries(CONNECTOR, [Entry(1, "a", "r", stage, "e", issue, "", NOW, None, None, record)])
    return trace.stage, trace.outcome.became if trace.outcome else "goes on"


@pytest.mark.parametrize(
    ("stage", "record", "expected"),
    [
        ("filter", EVENT, ("submit", "goes on")),
        ("map", EVENT, ("submit", "goes on")),
        ("validate", DETECTION, ("submit", "goes on")),
        ("submit", DETECTION, ("submit", "goes on")),
        ("filter", b"{}", ("filter", "dropped")),
        ("filter", b"no json", ("filter", "quarantined")),
        ("map", b"{}", ("map", "quarantined")),
        ("submit", b"{}", ("validate", "quarantined")),
    ],
)
def test_a_record_starts_at_its_stage(stage: str, record: bytes, expected: tuple[str, str]) -> None:
    assert take(stage, record) == expected


def test_an_event_continues_once_for_each_of_its_detections(monkeypatch: pytest.MonkeyPatch) -> None:
    source = load_source("okta")
    other = DETECTION.replace(b"198.51.100", b"203.0.113")
    double = replace(source, mapping=lambda connector, note: lambda event: [DETECTION, other, b"{}"])
    monkeypatch.setattr("ci_operators.stages.chain.load_source", lambda name: double)
    traced = trace_entries(CONNECTOR, [Entry(1, "a", "r", "map", "e", "some", "", NOW, None, None, EVENT)])
    assert [(trace.entry.id, trace.stage, trace.record) for trace in traced] == [
        (1, "submit", DETECTION),
        (1, "submit", other),
        (1, "validate", b"{}"),
    ]


def test_a_held_detection_is_left_alone() -> None:
    assert take("submit", DETECTION, "outcome_unknown") == ("submit", "held")


def test_a_live_connector_delivers_and_a_debug_connector_checks(desk: Desk) -> None:
    with open_sender(desk.connection, desk.connector("okta"), Destination(), "replay__1") as sender:
        assert isinstance(sender, DeliveringReplay)
    with open_sender(desk.connection, desk.connector("dry"), Destination(), "replay__1") as sender:
        assert isinstance(sender, CheckingReplay)
        record = json.dumps(okta_event(1, desk.now)).encode()
        entry = Entry(1, "dry", "r", "map", "e", "i", "", desk.now, None, None, record)
        traced = trace_entries(desk.connector("dry"), [entry])
        assert [outcome.became for outcome in sender.take(traced)] == ["checked"]
        assert [outcome.became for outcome in sender.outcomes(traced)] == ["not_sent"]
    assert not desk.simulator.detections
