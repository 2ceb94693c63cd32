"""The control API shows what is stored; tests see and change the rest directly."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.simulator.caller import Start

EVENTS = [
    {"uuid": "e1", "published": "2026-03-04T10:00:00.000Z", "eventType": "security.threat.detected"},
    {"uuid": "e2", "published": "2026-03-04T10:30:00.000Z", "eventType": "user.session.start"},
]


def _submission(*values: str) -> dict[str, object]:
    detection = {"type": "correlation"}
    data = [{"ioc": {"type": "ip", "value": value}, "detection": detection} for value in values]
    return {"options": {"debug": False, "summary": True}, "data": data}


def test_health_and_detections(start: Start) -> None:
    _, caller = start()
    caller.submit(_submission("203.0.113.1", "203.0.113.2", "203.0.113.2"))
    assert caller.control("health").json()["detections"] == 3
    found = caller.control("detections", offset=1, limit=1).json()
    assert (found["count"], len(found["detections"])) == (3, 1)
    assert found["detections"][0]["entry"]["ioc"]["value"] == "203.0.113.2"
    assert caller.control("detections", limit="x").status_code == 400
    assert caller.control("nothing").status_code == caller.control("health", "POST").status_code == 404


def test_events_are_the_ground_truth(start: Start) -> None:
    threat = {"id": "5", "threatInfo": {"createdAt": "2026-03-04T10:00:00Z"}}
    simulator, _ = start(okta_events=EVENTS, sentinelone_threats=[threat])
    first, last = (datetime(2026, 3, 4, 10, minute, tzinfo=UTC) for minute in (0, 30))
    assert simulator.event_ids("okta", first, last) == ["e1"]
    assert simulator.event_ids("okta", first, last, "user.session.start") == []
    assert simulator.event_ids("sentinelone", first, last) == ["5"]


def test_reset_returns_to_a_fresh_start(start: Start) -> None:
    simulator, caller = start(okta_events=EVENTS)
    simulator.add_okta_event({"uuid": "e3", "published": "2026-03-04T11:00:00.000Z"})
    simulator.add_threat({"id": "1", "threatInfo": {"createdAt": "2026-03-04T11:00:00Z"}})
    simulator.add_fault("okta", "status")
    caller.submit(_submission("203.0.113.1"))
    simulator.reset()
    assert (simulator.detections, simulator.requests, simulator.pending_faults) == ([], [], [])
    assert len(caller.okta(since="2026-03-04T09:00:00Z").json()) == 2
    assert caller.threats().json()["data"] == []
