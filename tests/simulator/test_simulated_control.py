"""The control API shows what happened and what is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator import Simulator
from simulator.caller import Caller

Start = Callable[..., tuple[Simulator, Caller]]
EVENTS = [
    {"uuid": "e1", "published": "2026-03-04T10:00:00.000Z", "eventType": "security.threat.detected"},
    {"uuid": "e2", "published": "2026-03-04T10:30:00.000Z", "eventType": "user.session.start"},
]


def _submission(*values: str) -> dict[str, object]:
    data = [
        {
            "ioc": {"type": "ip", "value": value},
            "incident": {"id": f"incident-{value}", "type": "t"},
            "detection": {"type": "correlation"},
        }
        for value in values
    ]
    return {"options": {"debug": False, "summary": True}, "data": data}


def test_detections(start: Start) -> None:
    _, caller = start()
    caller.submit(_submission("203.0.113.1", "203.0.113.2", "203.0.113.2"))
    assert caller.control("detections", count_only="true").json() == {"count": 3}
    found = caller.control("detections", indicator="203.0.113.2", offset=1, limit=5).json()
    assert (found["count"], len(found["detections"])) == (2, 1)
    assert found["detections"][0]["entry"]["incident"]["id"] == "incident-203.0.113.2"
    assert caller.control("detections", incident_id="incident-203.0.113.1").json()["count"] == 1
    assert caller.control("detections", limit="x").status_code == 400


def test_events_are_the_ground_truth(start: Start) -> None:
    threat = {"id": "5", "threatInfo": {"createdAt": "2026-03-04T10:00:00Z"}}
    _, caller = start(okta_events=EVENTS, sentinelone_threats=[threat])
    assert caller.control("events", vendor="okta").json()["ids"] == ["e1", "e2"]
    bounds = {"since": "2026-03-04T10:00:00Z", "until": "2026-03-04T10:30:00Z"}
    assert caller.control("events", vendor="okta", **bounds).json()["ids"] == ["e1"]
    assert caller.control("events", vendor="okta", event_type="user.session.start").json()["ids"] == ["e2"]
    assert caller.control("events", vendor="sentinelone", **bounds).json()["ids"] == ["5"]


@pytest.mark.parametrize("params", [{}, {"vendor": "other"}, {"vendor": "okta", "since": "yesterday"}])
def test_events_refuses(start: Start, params: dict[str, str]) -> None:
    _, caller = start()
    assert caller.control("events", **params).status_code == 400


def test_requests_hold_no_secret(start: Start) -> None:
    simulator, caller = start(okta_events=EVENTS)
    caller.okta(since="2026-03-04T09:00:00Z", access_token="hidden")
    caller.threats(limit=5)
    shown = caller.control("requests", vendor="okta").json()["requests"]
    assert len(shown) == 1
    assert shown[0]["query"] == {"since": "2026-03-04T09:00:00Z", "access_token": "***"}
    assert (shown[0]["status"], shown[0]["entries"], shown[0]["method"]) == (200, 2, "GET")
    assert "simulator-okta" not in caller.control("requests").text
    caller.control("requests", "DELETE")
    assert simulator.requests == []


def test_reset_returns_to_a_fresh_start(start: Start) -> None:
    simulator, caller = start(okta_events=EVENTS)
    simulator.add_okta_event({"uuid": "e3", "published": "2026-03-04T11:00:00.000Z"})
    simulator.add_threat({"id": "1", "threatInfo": {"createdAt": "2026-03-04T11:00:00Z"}})
    simulator.add_fault("okta", "status")
    caller.submit(_submission("203.0.113.1"))
    assert caller.control("reset", "POST").json() == {"status": "ok"}
    assert (simulator.detections, simulator.requests, simulator.pending_faults) == ([], [], [])
    assert len(caller.okta(since="2026-03-04T09:00:00Z").json()) == 2
    assert caller.threats().json()["data"] == []


def test_health_and_unknown_calls(start: Start) -> None:
    _, caller = start()
    assert caller.control("health").json()["status"] == "ok"
    unknown = caller.control("nothing")
    assert unknown.status_code == 404
    assert "POST /simulator/faults" in unknown.json()["known"]
    assert caller.control("faults", "POST", None).status_code == 400
