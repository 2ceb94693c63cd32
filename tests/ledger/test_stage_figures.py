"""Figures of any period: whole days from the roll-up, the rest from the runs, and nothing twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, text

from ci_operators.ledger.deliveries import find_connector
from ci_operators.ledger.history import History
from ci_operators.ledger.stage_figures import Cut, StageFigure, cut_days, read_figures

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = (MIDNIGHT, MIDNIGHT)


def at(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("since", "until", "cut"),
    [
        (at(0), at(48), Cut(date(2026, 3, 10), date(2026, 3, 12), (at(0), at(0)), (at(48), at(48)))),
        (at(-1), at(49), Cut(date(2026, 3, 10), date(2026, 3, 12), (at(-1), at(0)), (at(48), at(49)))),
        (at(1), at(2), Cut(date(2026, 3, 11), date(2026, 3, 11), (at(1), at(2)), (at(2), at(2)))),
        (at(1), at(25), Cut(date(2026, 3, 11), date(2026, 3, 11), (at(1), at(24)), (at(24), at(25)))),
        (at(0), at(1), Cut(date(2026, 3, 10), date(2026, 3, 10), (at(0), at(0)), (at(0), at(1)))),
        (at(-1), None, Cut(date(2026, 3, 10), date.max, (at(-1), at(0)), (at(0), at(0)))),
    ],
)
def test_a_stretch_is_cut_at_midnights(since: datetime, until: datetime | None, cut: Cut) -> None:
    assert cut_days(since, until) == cut


def test_days_are_those_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    cut = cut_days(datetime(2026, 3, 10, 9, tzinfo=tokyo), None)
    assert cut.first == date(2026, 3, 10)
    assert cut.before[0] == cut.before[1]


@pytest.fixture
def connector_id(ledger_connection: Connection) -> int:
    """A connector with a run at each hour of four days; each drops one record."""
    window = {"since": "2026-03-10T10:00:00Z", "until": "2026-03-10T11:00:00Z"}
    manifest = {"window": window, "records_in": 3, "records_out": 1, "dropped": {"a": 1}, "quarantined": {"b": 1}}
    for hour in range(96):
        history = History(ledger_connection, "acme", f"run-{hour}", "filter")
        history.add_run({**manifest, "debug": hour % 8 == 7}, "scheduled")
        with ledger_connection.begin():
            move = text("UPDATE stage_run SET finished_at = :at WHERE run_id = :run")
            ledger_connection.execute(move, {"at": at(hour), "run": f"run-{hour}"})
    with ledger_connection.begin():
        return find_connector(ledger_connection, "acme")


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 96), (0, 24), (1, 23), (1, 25), (20, 28), (5, 77), (24, 24), (30, 29), (95, None), (-50, None)],
)
def test_nothing_is_counted_twice_or_left_out(
    first: int, last: int | None, connector_id: int, ledger_connection: Connection
) -> None:
    hours = [hour for hour in range(96) if first <= hour < (96 if last is None else last) and hour % 8 != 7]
    found = read_figures(ledger_connection, [connector_id], at(first), None if last is None else at(last))
    expected = [("dropped", "a", 1), ("in", "", 3), ("quarantined", "b", 1)]
    assert found == [
        StageFigure(connector_id, "filter", fate, code, each * len(hours)) for fate, code, each in expected if hours
    ]
    assert read_figures(ledger_connection, [connector_id + 1], at(first)) == []
    assert read_figures(ledger_connection, [], at(first)) == []
