"""Trends: only of the named connectors and the requested range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection

from ci_operators.ledger import trends
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.tables import NO_CODE
from ci_operators.ledger.trends import CodeCount, DayCount, IndicatorCount, ReasonCount, TopIndicators
from tests.ledger.samples import detection, refuse
from tests.virtual_time import NOON

DAY = NOON.date()
SINCE, UNTIL = NOON - timedelta(days=7), NOON
NAMES = ("acme", "globex")


def accept(connection: Connection, connector: str, *texts: bytes) -> list[Row]:
    """Deliver detections; return their rows."""
    rows = [read_row(connector, one) for one in texts]
    deliveries = Deliveries(connection, connector, "run", "rf").lock()
    (batch,) = deliveries.plan([rows], [])
    deliveries.accept([batch])
    return rows


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def test_days(ledger_connection: Connection) -> None:
    accept(ledger_connection, "globex", *(detection(n, days_ago=n % 2) for n in range(4)))
    accept(ledger_connection, "acme", *(detection(n, days_ago=n) for n in range(4)))
    found = trends.count_days(ledger_connection, NAMES, ago(2), DAY)
    assert found == [DayCount("acme", ago(2), 1), DayCount("acme", ago(1), 1), DayCount("globex", ago(1), 2)]
    assert trends.count_days(ledger_connection, ["globex"], DAY, ago(-1)) == [DayCount("globex", DAY, 2)]
    assert trends.count_days(ledger_connection, [], ago(99), ago(-99)) == []


def test_an_empty_day_is_left_out(ledger_connection: Connection) -> None:
    rows = accept(ledger_connection, "acme", detection(1))
    refuse(Deliveries(ledger_connection, "acme", "run", "rf").lock(), rows, "no")
    assert trends.count_days(ledger_connection, NAMES, ago(9), ago(-9)) == []
    assert trends.count_codes(ledger_connection, NAMES, ago(9), ago(-9)) == []


def test_codes(ledger_connection: Connection) -> None:
    accept(ledger_connection, "acme", detection(1, codes=()), detection(2, codes=("T1078", "T1110")), detection(3))
    accept(ledger_connection, "globex", detection(4), detection(5, days_ago=1))
    found = trends.count_codes(ledger_connection, NAMES, DAY, ago(-1))
    assert found == [
        CodeCount("T1110.003", 2),
        CodeCount(NO_CODE, 1),
        CodeCount("T1078", 1),
        CodeCount("T1110", 1),
    ]
    assert trends.count_codes(ledger_connection, ["globex"], ago(1), DAY) == [CodeCount("T1110.003", 1)]
    assert trends.count_codes(ledger_connection, ["unmet"], ago(9), ago(-9)) == []


def test_reasons(ledger_connection: Connection) -> None:
    window = {"since": "2026-03-10T10:00:00Z", "until": "2026-03-10T11:00:00Z"}
    manifest = {"debug": False, "window": window, "records_in": 9, "records_out": 1}
    for run, connector, stage, dropped, quarantined in (
        ("1", "acme", "filter", {"not_a_threat": 2}, {}),
        ("2", "acme", "filter", {"not_a_threat": 3}, {"bad_json": 1}),
        ("1", "acme", "submit", {"already_accepted": 4}, {}),
        ("1", "globex", "filter", {"not_a_threat": 7}, {}),
    ):
        history = History(ledger_connection, connector, run, stage)
        history.add_run({**manifest, "dropped": dropped, "quarantined": quarantined}, "scheduled")
    now = datetime.now(UTC)
    found = trends.count_reasons(ledger_connection, ["acme"], now - timedelta(days=1), now + timedelta(days=1))
    assert found == [
        ReasonCount("acme", "filter", "dropped", "not_a_threat", 5),
        ReasonCount("acme", "submit", "dropped", "already_accepted", 4),
        ReasonCount("acme", "filter", "quarantined", "bad_json", 1),
    ]
    assert [reason.has_arrived for reason in found] == [False, True, False]
    both = trends.count_reasons(ledger_connection, NAMES, now - timedelta(days=1), now + timedelta(days=1))
    assert both[0] == ReasonCount("globex", "filter", "dropped", "not_a_threat", 7)
    assert trends.count_reasons(ledger_connection, NAMES, now + timedelta(days=1), now + timedelta(days=9)) == []


@pytest.fixture
def indicators(ledger_connection: Connection) -> Connection:
    """Three of one address by two connectors, two of another one, others once, and some not accepted."""
    accept(ledger_connection, "acme", *(detection(n, value="198.51.100.1") for n in (1, 2)), detection(3, value="a"))
    accept(ledger_connection, "globex", detection(4, value="198.51.100.1"), detection(5, value="b"))
    accept(ledger_connection, "globex", detection(6, value="b"), detection(7, value="old", days_ago=30))
    rows = accept(ledger_connection, "acme", *(detection(n, value="refused") for n in range(10, 20)))
    deliveries = Deliveries(ledger_connection, "acme", "run", "rf").lock()
    refuse(deliveries, rows, "no")
    deliveries.plan([[read_row("acme", detection(n, value="planned")) for n in range(20, 30)]], [])
    return ledger_connection


def test_top_indicators(indicators: Connection) -> None:
    found = trends.find_top_indicators(indicators, NAMES, SINCE, UNTIL, 2)
    hour = NOON - timedelta(hours=1)
    assert found == TopIndicators(
        [
            IndicatorCount("ip", "198.51.100.1", 3, hour + timedelta(seconds=4), ["acme", "globex"]),
            IndicatorCount("ip", "b", 2, hour + timedelta(seconds=6), ["globex"]),
        ],
        read=26,
        is_partial=False,
    )
    only = trends.find_top_indicators(indicators, ["acme"], SINCE, UNTIL, 9)
    assert [(each.value, each.detections) for each in only.indicators] == [("198.51.100.1", 2), ("a", 1)]


def test_only_the_requested_number_is_read(indicators: Connection) -> None:
    found = trends.find_top_indicators(indicators, NAMES, SINCE, UNTIL, 9, read_at_most=21)
    assert (found.read, found.is_partial) == (21, True)
    assert [each.value for each in found.indicators] == ["b"], "the newest are read"
    none = trends.find_top_indicators(indicators, NAMES, SINCE, UNTIL, 9, read_at_most=15)
    assert none == TopIndicators([], 15, is_partial=True)


@pytest.mark.parametrize("names", [[], ["unmet"], ["acme"]])
def test_without_detections_there_are_no_top_indicators(names: list[str], ledger_connection: Connection) -> None:
    Deliveries(ledger_connection, "acme", "run", "rf")
    found = trends.find_top_indicators(ledger_connection, names, SINCE, UNTIL, 9)
    assert found == TopIndicators([], 0, is_partial=False)
