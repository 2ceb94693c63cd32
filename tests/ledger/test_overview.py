"""The state of a connector in the ledger: what counts and what does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ci_operators.ledger import overview
from ci_operators.ledger.deliveries import Deliveries, find_connector
from ci_operators.ledger.history import History
from tests.ledger.delivered import accept_batch, lose_batch, make_row, plan_batch
from tests.ledger.samples import refuse

SINCE = datetime.now(UTC) - timedelta(hours=1)


def add_run(
    connection: Connection, run_id: str, stage: str, hour: int, *, out: int = 1, kind: str = "scheduled", **more: Any
) -> None:
    manifest = {
        "debug": False,
        "window": {"since": f"2026-03-10T{hour:02}:00:00Z", "until": f"2026-03-10T{hour + 1:02}:00:00Z"},
        "records_in": 5,
        "records_out": out,
        "dropped": {},
        "quarantined": {},
        **more,
    }
    History(connection, "okta", run_id, stage).add_run(manifest, kind)


def number_of(connection: Connection) -> int:
    with connection.begin():
        return find_connector(connection, "okta")


def test_the_last_window_is_the_newest_that_a_live_scheduled_run_ended(ledger_connection: Connection) -> None:
    connection = ledger_connection
    assert overview.find_id(connection, "okta") is None
    number = number_of(connection)
    assert overview.find_last_window(connection, number) is None
    assert overview.find_first_since(connection, number) is None
    add_run(connection, "a", "extract", 1)
    add_run(connection, "a", "submit", 1)
    add_run(connection, "b", "filter", 2, out=0)
    add_run(connection, "c", "validate", 3)  # has not ended
    add_run(connection, "d", "submit", 4, kind="backfill")
    add_run(connection, "e", "submit", 5, debug=True)
    add_run(connection, "a", "submit", 1)  # cleared and run again: newest by the clock, not by its window
    found = overview.find_last_window(connection, number)
    assert found is not None
    assert (found.run_id, found.until) == ("b", datetime(2026, 3, 10, 3, tzinfo=UTC))
    assert overview.find_last_windows(connection, [number, number + 1]) == {number: found}
    assert overview.find_first_since(connection, number) == datetime(2026, 3, 10, 1, tzinfo=UTC)


def test_counts(ledger_connection: Connection) -> None:
    connection, number = ledger_connection, number_of(ledger_connection)
    dropped, issues = {"missing_actor": 3, "already_accepted": 2}, {"bad": 1}
    add_run(connection, "a", "extract", 1)
    add_run(connection, "a", "filter", 1, dropped=dropped, quarantined=issues)
    add_run(connection, "b", "extract", 1, debug=True)
    accept_batch(connection, 1, 2, 3)
    accept_batch(connection, 4, connector="other")
    deliveries, batch = plan_batch(connection, 5, 6)
    deliveries.reserve([batch], 1000)
    refuse(deliveries, [make_row(5)], "no")
    deliveries.accept([batch])
    (other,) = overview.find_names(connection, ["other"])
    assert overview.count_since(connection, [number, other, 77], SINCE) == {
        number: overview.Counts(5, 3, 2, 1, 4, {"missing_actor": 3, "bad": 1}),
        other: overview.Counts(0, 0, 0, 0, 1),
        77: overview.Counts(0, 0, 0, 0, 0),
    }
    assert overview.count_since(connection, [number], SINCE + timedelta(days=1))[number].accepted == 0
    assert overview.count_since(connection, [], SINCE) == {}


def test_resends_count_by_their_runs_clock_without_refused_ones(ledger_connection: Connection) -> None:
    connection, number = ledger_connection, number_of(ledger_connection)
    rows = [make_row(each) for each in (1, 2, 3)]
    keys = [row.key for row in rows]
    lose_batch(connection, 1, 2, 3)
    deliveries = Deliveries(connection, "okta", "scheduled__2", "rf").lock()
    (again,) = deliveries.plan([rows], keys, resends=1)
    assert overview.count_since(connection, [number], SINCE)[number].resent == 0, "it has not been sent yet"
    deliveries.reserve([again], 1000)
    deliveries.mark_unknown(again, "no answer")
    assert overview.count_since(connection, [number], SINCE)[number].resent == 3
    (last,) = deliveries.plan([rows], keys, resends=2)
    deliveries.reserve([last], 1000)
    deliveries.reject(rows[:1], {keys[0]: "no address"})
    deliveries.accept([last])
    assert overview.count_since(connection, [number], SINCE)[number].resent == 3 + 2
    assert overview.count_since(connection, [number], SINCE + timedelta(days=1))[number].resent == 0


def test_a_detection_that_leaves_an_accepted_batch_counts_in_its_new_state(ledger_connection: Connection) -> None:
    """A refused one that is sent again, and those of a run that was replaced while it waited for its answer."""
    connection, number = ledger_connection, number_of(ledger_connection)
    deliveries, batch = plan_batch(connection, 1, 2, 3)
    deliveries.reserve([batch], 1000)
    refuse(deliveries, [make_row(1)], "no")
    deliveries.accept([batch])
    again = Deliveries(connection, "okta", "replay", "rf").lock()
    again.accept([again.plan([[make_row(1)]], [make_row(1).key])[0]])
    assert overview.count_since(connection, [number], SINCE)[number].accepted == 3
    replaced, late = plan_batch(connection, 4, 5)
    replaced.reserve([late], 1000)
    again.lock().recover()
    rows = [make_row(4), make_row(5)]
    again.accept([again.plan([rows], [row.key for row in rows], resends=1)[0]])
    replaced.accept([late])
    assert overview.count_since(connection, [number], SINCE)[number].accepted == 5


def test_connectors_that_are_not_named_are_found(ledger_connection: Connection) -> None:
    for name in ("okta", "other"):
        plan_batch(ledger_connection, 1, connector=name)
    assert overview.find_others(ledger_connection, ["okta", "unmet"]) == {2: "other"}
    assert overview.find_others(ledger_connection, ["okta", "other"]) == {}


def test_names_are_found_by_number(ledger_connection: Connection) -> None:
    for name in ("okta", "other"):
        plan_batch(ledger_connection, 1, connector=name)
    assert overview.find_names(ledger_connection, ["other", "unmet"]) == {2: "other"}
    assert overview.find_names(ledger_connection, []) == {}


def test_open_entries_are_counted(ledger_connection: Connection) -> None:
    connection, number = ledger_connection, number_of(ledger_connection)
    lose_batch(connection, 1, 2)
    deliveries, batch = plan_batch(connection, 3, 4, 5)
    deliveries.reserve([batch], 1000)
    waiting, put_off = plan_batch(connection, 6)
    waiting.put_off(put_off)
    waiting.confirm([make_row(1).key])
    accept_batch(connection, 7)
    refuse(deliveries.lock(), [make_row(7)], "no")
    found = overview.find_open(connection, number)
    assert found.unknown == [overview.UnknownBatch("scheduled__1", "no answer", 1)]
    assert (found.in_flight, found.rejected, found.waiting, found.quarantined) == (3, 1, 1, {"rejected_by_api": 1})


def test_open_entries_are_counted_by_connector(ledger_connection: Connection) -> None:
    connection = ledger_connection
    for connector, count in (("okta", 2), ("other", 3)):
        lose_batch(connection, *range(count), connector=connector)
        lines = [json.dumps({"issue": f"i{n % 2}", "record": {"n": n}}).encode() for n in range(count)]
        History(connection, connector, "a", "map").add_quarantined([lines])
    accept_batch(connection, 9, connector="third")
    numbers = {name: number for number, name in overview.find_names(connection, ["okta", "other", "third"]).items()}
    found = overview.find_opens(connection, numbers.values())
    assert found == {number: overview.find_open(connection, number) for number in numbers.values()}
    assert [doubt.detections for doubt in found[numbers["other"]].unknown] == [3]
    assert found[numbers["other"]].quarantined == {"i0": 2, "i1": 1}
    assert found[numbers["okta"]].quarantined == {"i0": 1, "i1": 1}
    assert found[numbers["third"]] == overview.Open([], 0, 0, 0, {})


def test_budget(ledger_connection: Connection) -> None:
    connection, today = ledger_connection, datetime.now(UTC).date()
    assert overview.find_spent(connection, "rf", today) == (0, False)
    accept_batch(connection, 1, 2)
    deliveries, batch = plan_batch(connection, 3)
    deliveries.budget.exhaust(batch)
    assert overview.find_spent(connection, "rf", today) == (2, True)
    assert overview.find_budgets(connection, ["rf", "other"], today) == {"rf": (2, True), "other": (0, False)}
