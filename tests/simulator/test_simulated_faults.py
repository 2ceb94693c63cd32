"""Each fault happens once, in the order of programming."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from tests.simulator.caller import Caller, Start

from simulator import FaultError, ManualClock, Simulator
from simulator.vendors import KINDS

#: The vendors that the caller supports; the contract suite tests the vendor of each source.
CALLED = ("okta", "sentinelone", "recorded_future")
WINDOW = {"since": "2026-03-04T09:00:00Z", "until": "2026-03-04T11:00:00Z"}
EVENTS = [{"uuid": f"e{n}", "published": f"2026-03-04T10:00:0{n}.000Z"} for n in range(4)]
THREATS = [{"id": str(n), "threatInfo": {"createdAt": "2026-03-04T10:00:00Z"}} for n in range(4)]
SUBMISSION = {
    "options": {"debug": False, "summary": True},
    "data": [{"ioc": {"type": "ip", "value": "203.0.113.9"}, "detection": {"type": "correlation"}}],
}


def test_queue_gives_401_then_503_then_200(start: Start) -> None:
    simulator, caller = start()
    simulator.add_fault("okta", "status", status=401)
    simulator.add_fault("okta", "status", status=503, headers={"Retry-After": "9"}, body={"errorCode": "X"})
    answers = [caller.okta(**WINDOW) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 503, 200]
    assert answers[0].json()["errorCode"] == "E0000011"
    assert (answers[1].headers["Retry-After"], answers[1].json()) == ("9", {"errorCode": "X"})
    assert all("X-Rate-Limit-Reset" in answer.headers for answer in answers)
    assert [entry.fault for entry in simulator.requests] == ["status", "status", None]
    assert simulator.pending_faults == []


def test_count_skip_path_and_vendor(start: Start) -> None:
    simulator, caller = start()
    simulator.add_fault(
        "recorded_future", "status", status=500, count=2, skip=1, path="/collective-insights/detections"
    )
    statuses = [caller.search({}).status_code] + [caller.submit(SUBMISSION).status_code for _ in range(4)]
    assert statuses == [200, 200, 500, 500, 200]
    assert caller.okta(**WINDOW).status_code == 200


@pytest.mark.parametrize("vendor", CALLED)
def test_usual_error_bodies(start: Start, vendor: str) -> None:
    simulator, caller = start()
    for status in (400, 401, 403, 404, 429, 500, 502, 503, 504):
        simulator.add_fault(vendor, "status", status=status)
        answer = {"okta": caller.okta, "sentinelone": caller.threats, "recorded_future": _submit(caller)}[vendor]()
        assert answer.status_code == status
        assert answer.content


@pytest.mark.parametrize("vendor", CALLED)
@pytest.mark.parametrize("kind", ["truncated_json", "html_200", "empty_body"])
def test_unreadable_answers(start: Start, vendor: str, kind: str) -> None:
    simulator, caller = start()
    simulator.add_fault(vendor, kind)
    answer = {"okta": caller.okta, "sentinelone": caller.threats, "recorded_future": _submit(caller)}[vendor]()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_okta_links_and_concurrency(start: Start) -> None:
    simulator, caller = start(okta_events=EVENTS)
    simulator.add_fault("okta", "repeated_cursor")
    page = caller.okta(**WINDOW, limit=1)
    assert page.links["next"]["url"] == page.links["self"]["url"]
    for _ in range(4):
        simulator.add_fault("okta", "foreign_next_link")
        foreign = caller.okta(**WINDOW, limit=1)
        assert foreign.links["next"]["url"].startswith("https://foreign.example.net/api/v1/logs?")
        assert "after=" in foreign.links["next"]["url"]
        assert foreign.links["self"]["url"].startswith(simulator.url)
    simulator.add_fault("okta", "concurrency_limit")
    busy = caller.okta(**WINDOW)
    assert (busy.status_code, busy.json()["errorCode"]) == (429, "E0000047")
    assert (busy.headers["X-Rate-Limit-Limit"], busy.headers["X-Rate-Limit-Remaining"]) == ("0", "0")


def test_an_okta_page_without_records_leads_to_them(start: Start) -> None:
    simulator, caller = start(okta_events=EVENTS)
    first = caller.okta(**WINDOW, limit=1)
    simulator.add_fault("okta", "empty_page", count=2)
    seen = {first.links["next"]["url"]}
    for _ in range(2):
        empty = caller.okta(first.links["next"]["url"])
        assert empty.json() == []
        seen.add(empty.links["next"]["url"])
    assert len(seen) == 3
    assert caller.okta(empty.links["next"]["url"]).json() == caller.okta(first.links["next"]["url"]).json() != []


def test_a_part_of_sentinelone_fails(start: Start) -> None:
    simulator, caller = start(sentinelone_threats=THREATS)
    simulator.add_fault("sentinelone", "partial_errors")
    answer = caller.threats(limit=1).json()
    assert answer["errors"][0]["code"] == 5000010
    assert answer["pagination"]["nextCursor"] is None
    assert caller.threats(limit=1).json()["errors"] is None


def test_sentinelone_repeats_a_cursor(start: Start) -> None:
    simulator, caller = start(sentinelone_threats=THREATS)
    simulator.add_fault("sentinelone", "repeated_cursor")
    first = caller.threats(limit=1).json()["pagination"]["nextCursor"]
    assert caller.threats(limit=1, cursor=first).json()["pagination"]["nextCursor"] == first
    assert caller.threats(limit=1, cursor=first).json()["pagination"]["nextCursor"] != first


@pytest.mark.parametrize("vendor", CALLED)
def test_drops_the_connection(start: Start, vendor: str) -> None:
    simulator, caller = start()
    simulator.add_fault(vendor, "drop_connection", count=2)
    ask = {"okta": caller.okta, "sentinelone": caller.threats, "recorded_future": _submit(caller)}[vendor]
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask()
    assert ask().status_code == 200
    assert [entry.status for entry in simulator.requests] == [None, None, 200]
    assert len(simulator.detections) == (1 if vendor == "recorded_future" else 0)


def test_stores_and_then_fails(start: Start) -> None:
    simulator, caller = start()
    simulator.add_fault("recorded_future", "store_then_status", status=502)
    simulator.add_fault("recorded_future", "store_then_drop")
    simulator.add_fault("recorded_future", "wrong_counts")
    answer = caller.submit(SUBMISSION)
    assert (answer.status_code, answer.json()) == (502, {"message": "Bad gateway"})
    with pytest.raises(requests.ConnectionError):
        caller.submit(SUBMISSION)
    assert caller.submit(SUBMISSION).json()["result"]["summary"]["processed"]["ip"] == 0
    assert len(simulator.detections) == 3


def test_slow_answers_are_handled_first_and_do_not_hold_up_the_stop(start: Start) -> None:
    simulator, _ = start()
    simulator.add_fault("okta", "slow", seconds=600)
    with pytest.raises(requests.Timeout):
        requests.get(f"{simulator.url}/api/v1/logs", timeout=0.2)
    assert [entry.fault for entry in simulator.requests] == ["slow"]


def test_a_vendor_has_only_its_own_faults(clock: ManualClock) -> None:
    simulator = Simulator(clock=clock, scenario=False)
    for vendor, kind in (("sentinelone", "foreign_next_link"), ("okta", "other"), ("other", "status")):
        with pytest.raises(FaultError, match=f"{vendor} has no fault {kind}; known are"):
            simulator.add_fault(vendor, kind)
    for kind, vendors in KINDS.items():
        for vendor in vendors:
            simulator.add_fault(vendor, kind)


def _submit(caller: Caller) -> Callable[[], requests.Response]:
    return lambda: caller.submit(SUBMISSION)
