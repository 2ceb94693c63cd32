"""Asking the API what it has stored."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ci_operators.core.errors import UnavailableError, UnreadableAnswerError
from ci_operators.recorded_future import search
from ci_operators.recorded_future.api import Submission, submit
from ci_operators.recorded_future.search import PAGE_SIZE, Hit, Stored, find_hits, find_stored
from ci_operators.transport.client import ATTEMPTS
from simulator import Simulator
from simulator.settings import RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH, SUB_ORGANIZATION
from tests.noting_session import NotingSession
from tests.vendor_cases import DETECTION, LIVE
from tests.virtual_time import VirtualTime

SINCE, UNTIL = "2026-03-10T11:00:00.000Z", "2026-03-10T12:00:00.000Z"
FIRST = Stored("event-1", "ip", "198.51.100.7")


def store(vendors: Simulator, session: NotingSession, time: VirtualTime, *detections: bytes) -> None:
    for start in range(0, len(detections), 500):
        part = detections[start : start + 500]
        submit(LIVE.connect(vendors.url, session, time), Submission(part, Counter(ip=len(part)), debug=False))


def test_stored_detections_are_counted_with_their_duplicates(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    later = DETECTION.replace(b"11:59:00", b"12:00:01")
    other = DETECTION.replace(b"event-1", b"event-2")
    store(vendors, session, virtual_time, DETECTION, DETECTION, other, later)
    found = find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL)
    assert found == {FIRST: 2, Stored("event-2", "ip", "198.51.100.7"): 1}


def test_hits_differ_by_time_and_organization(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    store(vendors, session, virtual_time, DETECTION, DETECTION.replace(b"11:59:00.000", b"11:59:00.001"))
    client = LIVE.connect(vendors.url, session, virtual_time)
    submit(client, Submission([DETECTION], Counter(ip=1), debug=False, organization_ids=(SUB_ORGANIZATION,)))
    first, second = (Hit(FIRST, f"2026-03-10T11:59:00.00{ms}Z") for ms in (0, 1))
    assert find_hits(client, SINCE, UNTIL) == {first: 2, second: 1}
    found = find_hits(client, SINCE, UNTIL, (SUB_ORGANIZATION,))
    asked = json.loads(session.sent[-1].body or b"")["filters"]
    assert asked["organizations"] == [SUB_ORGANIZATION]
    assert found is not None
    assert found[first] >= 1


@pytest.mark.parametrize("time", [None, "", "yesterday", "2026-02-30T00:00:00.000Z"])
def test_a_time_that_cannot_be_read_is_none(
    time: str | None, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    entry = {"indicator": {"type": "ip", "value": "198.51.100.7"}, "incident": {"id": "event-1"}}
    vendors.add_fault("recorded_future", "status", status=200, body={"data": [{**entry, "detection_time": time}]})
    assert find_hits(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL) == {Hit(FIRST, ""): 1}


def test_a_dry_run_leaves_nothing_to_find(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = LIVE.connect(vendors.url, session, virtual_time)
    submit(client, Submission([DETECTION], Counter(ip=1), debug=True))
    assert find_stored(client, SINCE, UNTIL) == {}


def test_all_pages_are_read(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    count = PAGE_SIZE + 1
    detections = [DETECTION.replace(b"event-1", b"event-%d" % number) for number in range(count)]
    store(vendors, session, virtual_time, *detections)
    found = find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL)
    assert found is not None
    assert len(found) == count
    assert set(found.values()) == {1}


def test_without_the_right_nobody_can_tell(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = LIVE.connect(vendors.url, session, virtual_time, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH)
    assert find_stored(client, SINCE, UNTIL) is None


@pytest.mark.parametrize("status", [400, 404])
def test_an_endpoint_that_is_not_there_cannot_tell(
    status: int, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault("recorded_future", "status", status=status)
    assert find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL) is None


def test_trouble_is_waited_out_and_then_raised(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = LIVE.connect(vendors.url, session, virtual_time)
    vendors.add_fault("recorded_future", "status", status=503, count=ATTEMPTS - 1)
    assert find_stored(client, SINCE, UNTIL) == {}
    vendors.add_fault("recorded_future", "status", status=503, count=ATTEMPTS)
    with pytest.raises(UnavailableError):
        find_stored(client, SINCE, UNTIL)


def test_an_answer_of_another_shape_is_unreadable(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault("recorded_future", "status", status=200, body={"entries": []})
    with pytest.raises(UnreadableAnswerError):
        find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL)


def test_an_entry_without_incident_is_known_by_its_indicator(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    entry = {"indicator": {"type": "ip", "value": "198.51.100.7", "field": None}, "submission_method": "api"}
    vendors.add_fault("recorded_future", "status", status=200, body={"data": [entry], "counts": {}})
    found = find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL)
    assert found == {Stored("", "ip", "198.51.100.7"): 1}


def test_a_search_that_does_not_end_is_given_up(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_ENTRIES", 10 * PAGE_SIZE)
    entry = {"indicator": {"type": "ip", "value": "198.51.100.7"}}
    body = {"data": [entry] * PAGE_SIZE}
    vendors.add_fault("recorded_future", "status", status=200, body=body, count=12)
    with pytest.raises(UnreadableAnswerError, match="search does not end"):
        find_stored(LIVE.connect(vendors.url, session, virtual_time), SINCE, UNTIL)
