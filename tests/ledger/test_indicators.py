"""Detections of an indicator: newest first, a page at a time, of the named connectors only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.indicators import FoundDetection, find_by_indicator
from ci_operators.ledger.row import read_row
from tests.ledger.samples import detection
from tests.virtual_time import NOON

VALUE = "198.51.100.1"
NAMES = ("acme", "globex")


@pytest.fixture
def met(ledger_connection: Connection) -> Connection:
    """Twelve detections of the indicator, some with equal times, six of each connector."""
    for number, name in enumerate(NAMES):
        deliveries = Deliveries(ledger_connection, name, "run", "rf").lock()
        made = [detection(n // 2, value=VALUE, event_id=f"event-{n}") for n in range(number, 12, 2)]
        batches = deliveries.plan([[read_row(name, one)] for one in [*made, detection(50)]], [])
        deliveries.accept([batches[0]])
    return ledger_connection


def test_the_newest_come_first(met: Connection) -> None:
    found = find_by_indicator(met, NAMES, VALUE, 100)
    assert len(found) == 12
    assert [each.detected_at for each in found] == sorted((each.detected_at for each in found), reverse=True)
    oldest = next(each for each in found if each.event_id == "event-0")
    row = read_row("acme", detection(0, value=VALUE, event_id="event-0"))
    assert oldest == FoundDetection(
        "acme", "event-0", "ip", VALUE, NOON - timedelta(hours=1), "accepted", oldest.batch, row.key
    )
    assert {each.state for each in found} == {"accepted", "planned"}


def test_pages_are_the_whole_cut_in_parts(met: Connection) -> None:
    whole, parts, before = find_by_indicator(met, NAMES, VALUE, 100), list[FoundDetection](), None
    for _ in range(5):
        page = find_by_indicator(met, NAMES, VALUE, 3, before)
        parts += page
        if page:
            before = (page[-1].detected_at, page[-1].key)
    assert parts == whole


def test_only_named_connectors_and_this_indicator(met: Connection) -> None:
    assert {each.connector for each in find_by_indicator(met, ["globex"], VALUE, 100)} == {"globex"}
    assert find_by_indicator(met, [], VALUE, 100) == []
    for other in ("", "198.51.100.2", "198.51.100.1 ", "a\x00b", "\ud800", "'; DROP TABLE detection"):
        assert find_by_indicator(met, NAMES, other, 100) == []
