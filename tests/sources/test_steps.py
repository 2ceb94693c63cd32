"""The common parts of the steps of all sources, tested with a source of a few lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Struct

from ci_operators.core.detection import MAX_NAME_LENGTH, Detection, Incident, Ioc, Method
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.tolerant import make_reader
from ci_operators.core.verdict import Dropped, Note, Quarantined
from ci_operators.sources.steps import (
    ISSUES,
    IssueError,
    clip,
    make_criteria,
    make_mapping,
    read_event_id,
    read_timestamp,
)


class Alert(Struct, frozen=True):
    """An event with several indicators."""

    event_id: str | None = None
    time: str | None = None
    hosts: str | None = None


def map_alert(alert: Alert, connector: Any, note: Note) -> list[Detection]:
    """Return a detection of each host."""
    del connector
    timestamp, event_id = read_timestamp(note, alert.time), read_event_id(alert)
    hosts = (alert.hosts or "").split()
    if not hosts:
        raise IssueError("missing_indicator")
    return [
        Detection(
            timestamp=timestamp,
            ioc=Ioc(type="domain", value=host, source_type="Acme", field=f"hosts.{number}"),
            incident=Incident(id=event_id, type="alert"),
            detection=Method(name="Acme", type="correlation"),
        )
        for number, host in enumerate(hosts)
    ]


FILTER = make_criteria(make_reader(Alert), lambda alert, least: "too_few" if len(alert.hosts or "") < least else None)
MAP = make_mapping(make_reader(Alert), map_alert, {**ISSUES, "missing_indicator": "No host."})
WHOLE = {"event_id": "1", "time": "2026-03-10T12:00:00Z", "hosts": "a.example b.example a.example"}


def test_the_filter_passes_an_event_on_as_it_is_or_names_its_reason() -> None:
    event = json.dumps(WHOLE).encode()
    assert FILTER(3)(event) is event
    assert FILTER(300)(event) == Dropped("too_few", "1")
    assert FILTER(3)(b"[]") == Quarantined("event_not_an_object", None, ISSUES["event_not_an_object"])


def test_the_mapping_gives_a_detection_for_each_indicator() -> None:
    mapped = MAP(None, lambda _: None)(json.dumps(WHOLE).encode())
    assert isinstance(mapped, list)
    iocs = [json.loads(text)["ioc"] for text in mapped]
    assert [(ioc["value"], ioc["field"]) for ioc in iocs] == [("a.example", "hosts.0"), ("b.example", "hosts.1")]


def test_options_that_cannot_work_are_refused_before_the_first_event() -> None:
    def refuse(connector: Any) -> None:
        raise ConfigurationError(connector)

    with pytest.raises(ConfigurationError, match="nowhere"):
        make_mapping(make_reader(Alert), map_alert, ISSUES, refuse)("nowhere", lambda _: None)


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"event_id": " "}, "missing_event_id"),
        ({"time": None}, "missing_timestamp"),
        ({"time": "soon"}, "unreadable_timestamp"),
        ({"hosts": ""}, "missing_indicator"),
    ],
)
def test_an_error_of_a_step_is_an_issue_with_its_words(change: dict[str, Any], issue: str) -> None:
    words = {**ISSUES, "missing_indicator": "No host."}[issue]
    event_id = change.get("event_id", "1")
    assert MAP(None, lambda _: None)(json.dumps({**WHOLE, **change}).encode()) == Quarantined(issue, event_id, words)
    assert isinstance(MAP(None, lambda _: None)(b"[]"), Quarantined)


@pytest.mark.parametrize(
    ("times", "timestamp", "notes"),
    [
        (("2026-03-10T12:00:00Z", "soon"), "2026-03-10T12:00:00.000Z", []),
        ((None, "", "2026-03-10T12:00:00"), "2026-03-10T12:00:00.000Z", ["timestamp_without_zone"]),
        (("soon", "2026-03-10T12:00:00Z"), "2026-03-10T12:00:00.000Z", ["timestamp_replaced"]),
    ],
)
def test_the_first_valid_time_counts(times: tuple[str | None, ...], timestamp: str, notes: list[str]) -> None:
    noted: list[str] = []
    assert read_timestamp(noted.append, *times) == timestamp
    assert noted == notes


def test_names_are_cut_after_their_spaces_are_taken_off() -> None:
    assert clip(None) == ""
    assert clip("  " * 500 + "x" * 600) == "x" * MAX_NAME_LENGTH
    ids = {read_event_id(Alert(f" {'x' * 10_000}{end} ")) for end in "ab"}
    assert [len(each) for each in ids] == [MAX_NAME_LENGTH] * 2, "cut ids stay different"
