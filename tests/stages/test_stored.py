"""Looking up which of a run's detections the API has stored."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ci_operators.core.errors import UnreachableError
from ci_operators.ledger.row import Row, read_row
from ci_operators.recorded_future.api import Submission, submit
from ci_operators.stages.stored import look_up_with
from ci_operators.transport.client import ATTEMPTS, Client
from simulator import Simulator
from simulator.settings import RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
from tests.ledger.samples import detection, rows
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime


@pytest.fixture
def client(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> Client:
    return LIVE.connect(vendors.url, session, virtual_time)


def store(client: Client, found: list[Row]) -> None:
    submit(client, Submission([row.text for row in found], Counter(ip=len(found)), debug=False))


def keys(numbers: list[int]) -> set[bytes]:
    return {row.key for row in rows(numbers)}


def test_stored_detections_are_found(client: Client) -> None:
    store(client, rows([1, 3, 4, 4]))
    assert look_up_with(client)(rows([0, 1, 2, 3])) == keys([1, 3])


def test_a_single_detection_is_found(client: Client) -> None:
    store(client, rows([1]))
    assert look_up_with(client)(rows([1])) == keys([1])
    assert look_up_with(client)(rows([2])) == set()


def test_another_event_or_indicator_is_another_detection(client: Client) -> None:
    store(client, rows([1]))
    others = [
        read_row("acme", detection(1, event_id="event-2")),
        read_row("acme", detection(1, value="203.0.113.9")),
    ]
    assert look_up_with(client)(others) == set()


def test_the_time_asked_for_is_that_of_the_rows(client: Client, session: NotingSession) -> None:
    look_up_with(client)([rows([9])[0], rows([2])[0], rows([5])[0]])
    asked = json.loads(session.sent[-1].body or b"")["filters"]["detection_time"]
    assert asked == {"from": "2026-03-10T11:00:02.000Z", "to": "2026-03-10T11:00:09.000Z"}


def test_a_token_that_may_not_search_knows_nothing(
    client: Client, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    store(client, rows([1]))
    blind = LIVE.connect(vendors.url, session, virtual_time, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH)
    assert look_up_with(blind)(rows([1])) is None


def test_another_time_is_another_detection(client: Client) -> None:
    """To the millisecond."""
    store(client, rows([1]))
    moved = detection(1).replace(b"11:00:01.000Z", b"11:00:01.001Z")
    found = [read_row("acme", moved), *rows([0, 2])]
    assert look_up_with(client)(found) == set()


@pytest.mark.parametrize("fault", [{"kind": "status"}, {"kind": "html_200"}, {"kind": "drop_connection"}])
def test_an_error_is_not_taken_for_a_miss(
    fault: dict[str, str], client: Client, vendors: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    vendors.add_fault("recorded_future", count=ATTEMPTS, **fault)
    assert look_up_with(client)(rows([1])) is None
    assert "The search could not find out which of 1 detections are stored" in caplog.text


def test_an_unreachable_host_is_an_error_for_all(session: NotingSession, virtual_time: VirtualTime) -> None:
    with pytest.raises(UnreachableError):
        look_up_with(LIVE.connect("http://127.0.0.1:1", session, virtual_time))(rows([1]))
