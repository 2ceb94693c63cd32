"""The simulated Collective Insights search finds stored detections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.simulator.caller import Start

from simulator import Limits, ManualClock
from simulator.settings import FOREIGN_ORGANIZATION, ORGANIZATION, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH

VALUES = {"ip": "203.0.113.9", "hash": "a" * 40}


def entry(kind: str = "ip", incident: str = "incident-1") -> dict[str, Any]:
    return {
        "timestamp": "2026-03-04T10:00:00.000Z",
        "ioc": {"type": kind, "value": VALUES[kind]},
        "incident": {"id": incident, "type": "security.threat.detected"},
        "mitre_codes": ["T1110"],
        "detection": {"type": "correlation"},
    }


def body(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"options": {"debug": False, "summary": True}, "data": list(entries) or [entry()]}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["ip", "hash"]),
        ({"detection_time": {"from": "2026-03-04T10:00:00Z", "to": "2026-03-04T10:00:00Z"}}, ["ip"]),
        ({"detection_time": {"from": "2026-03-04T10:00:00.001Z"}}, ["hash"]),
        ({"submission_method": ["api"]}, ["ip", "hash"]),
        ({"submission_method": "integration"}, []),
        ({"organizations": [ORGANIZATION]}, ["ip", "hash"]),
        ({"organizations": [FOREIGN_ORGANIZATION]}, []),
    ],
)
def test_search(start: Start, filters: dict[str, Any], expected: list[str]) -> None:
    _, caller = start()
    late = {**entry("hash"), "timestamp": "2026-03-04T13:00:00+02:00"}
    caller.submit(body(late, entry()))
    answer = caller.search({"filters": filters, "limit": 10}).json()
    assert [found["indicator"]["type"] for found in answer["data"]] == expected
    assert answer["counts"] == {"returned": len(expected), "total": len(expected)}


def test_search_pages_and_shape(start: Start) -> None:
    _, caller = start()
    caller.submit(body(*[entry(incident=f"incident-{n}") for n in range(5)]))
    answer = caller.search({"limit": 2, "offset": 4}).json()
    assert answer["counts"] == {"returned": 1, "total": 5}
    found = answer["data"][0]
    assert found["incident"]["id"] == "incident-4"
    assert found["detection_time"] == "2026-03-04T10:00:00.000Z"
    assert found["submission_method"] == "api"


@pytest.mark.parametrize(
    "content",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": True},
        {"offset": -1},
        {"page": 1},
        {"filters": {"incident_id": "x"}},
        {"filters": {"submission_method": ["email"]}},
        {"filters": {"submission_method": []}},
        {"filters": {"detection_time": {"from": "2026-03-04T10:00:00"}}},
        {"filters": {"detection_time": {"since": "2026-03-04T10:00:00Z"}}},
    ],
)
def test_search_refuses(start: Start, content: dict[str, Any]) -> None:
    _, caller = start()
    assert caller.search(content).status_code == 400


def test_search_needs_permission_and_may_lag(start: Start, clock: ManualClock) -> None:
    _, caller = start(limits=Limits(recorded_future_search_delay=timedelta(minutes=2)))
    assert caller.submit(body(), token=RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH).status_code == 200
    assert caller.search({"limit": 1}, token=RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH).status_code == 403
    assert caller.search({"limit": 1}).json()["counts"]["total"] == 0
    clock.advance(minutes=2)
    assert caller.search({"limit": 1}).json()["counts"]["total"] == 1
