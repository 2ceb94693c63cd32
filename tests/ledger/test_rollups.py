"""Figures of pages are exact for every sequence of states and every timing."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine, text

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.batch import Batch
from ci_operators.ledger.compaction import forget_days, forget_delivered
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.indicators import find_by_indicator
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.settlement import override, queue
from ci_operators.ledger.tables import State
from tests.ledger.old_ledger import OldRun, migrate_to
from tests.ledger.rollups import check_rollups, read_rollup
from tests.ledger.samples import detection, refuse, rows
from tests.ledger.waiters import wait_until_somebody_waits
from tests.virtual_time import NOON

DAY = NOON.date()
MUCH = 1_000_000
Act = Callable[[Deliveries, Batch], object]


@pytest.fixture
def deliveries(ledger_connection: Connection) -> Deliveries:
    return Deliveries(ledger_connection, "acme", "run", "rf").lock()


@pytest.fixture
def batch(deliveries: Deliveries) -> Batch:
    """Four detections of two days, with none, one and two codes."""
    codes = [(), ("T1110",), ("T1078", "T1110"), ("T1078", "T1078")]
    made = [detection(number, days_ago=number % 2, codes=codes[number]) for number in range(4)]
    return deliveries.plan([[read_row("acme", one) for one in made]], [])[0]


def days(deliveries: Deliveries) -> dict[tuple[str, date], int]:
    found = read_rollup(deliveries.connection, "delivered_day")
    return {(code, day): count for (_, code, day), count in found.items()}


def keys(batch: Batch) -> list[bytes]:
    return [row.key for row in batch.rows]


def test_what_is_accepted_is_counted_by_day_and_code(deliveries: Deliveries, batch: Batch) -> None:
    assert deliveries.reserve([batch], MUCH)
    assert days(deliveries) == {}
    deliveries.accept([batch])
    before = DAY - timedelta(days=1)
    assert days(deliveries) == {
        ("*", DAY): 2,
        ("", DAY): 1,
        ("T1078", DAY): 1,
        ("T1110", DAY): 1,
        ("*", before): 2,
        ("T1110", before): 1,
        ("T1078", before): 1,
    }


def test_days_are_those_of_utc_whatever_the_servers_clock_says(deliveries: Deliveries) -> None:
    late = rows([1])[0]
    late = Row(late.key, "e", "ip", "198.51.100.1", "2026-03-10T23:59:59.999Z", [], late.text)
    (batch,) = deliveries.plan([[late]], [])
    with deliveries.connection.begin():
        deliveries.connection.execute(text("SET SESSION timezone = 'Asia/Tokyo'"))
    deliveries.accept([batch])
    assert set(days(deliveries)) == {("*", date(2026, 3, 10)), ("", date(2026, 3, 10))}


def _accept_with_the_next(deliveries: Deliveries, batch: Batch) -> None:
    (following,) = deliveries.plan([rows([9])], [])
    assert deliveries.reserve([following], MUCH, accepted=[batch])


def _halve(deliveries: Deliveries, batch: Batch) -> None:
    for half in deliveries.plan([batch.rows[:2], batch.rows[2:]], keys(batch)):
        deliveries.accept([half])


def _accept_twice(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.accept([batch])
    deliveries.accept([batch])


def _accept_then_reject(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.accept([batch])
    refuse(deliveries, batch.rows[:1], "no")


def _reject_then_accept(deliveries: Deliveries, batch: Batch) -> None:
    refuse(deliveries, batch.rows[:1], "no")
    deliveries.accept([batch])


def _reject_and_send_again(deliveries: Deliveries, batch: Batch) -> None:
    refuse(deliveries, batch.rows[:1], "no")
    deliveries.accept([batch])
    with deliveries.lease.transaction():
        override(deliveries.connection, keys(batch)[:1], State.PLANNED, "by hand", only=[State.REJECTED])
    (again,) = deliveries.plan([batch.rows[:1]], keys(batch)[:1])
    deliveries.accept([again])


def _insert_accepted(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.accept([batch])
    with deliveries.connection.begin():
        deliveries.connection.execute(_MORE, {"batch": batch.number})


_MORE = text(
    """
    INSERT INTO detection (key, batch_id, connector_id, event_id, indicator_type, indicator, detected_at, codes, state)
    SELECT sha256(n::text::bytea), :batch, 1, 'e', 'ip', 'i', now(), '{}', nullif(n, 3)
    FROM generate_series(2, 4) n
    """
)


@pytest.mark.parametrize(
    ("act", "accepted"),
    [
        (_accept_with_the_next, 4),
        (_accept_twice, 4),
        (_halve, 4),
        (_reject_and_send_again, 4),
        (_insert_accepted, 6),
        (lambda deliveries, batch: deliveries.mark_unknown(batch, "lost"), 0),
        (lambda deliveries, batch: deliveries.put_off(batch), 0),
        (lambda deliveries, batch: deliveries.confirm(keys(batch)[:3]), 3),
        (lambda deliveries, batch: (deliveries.confirm(keys(batch)[:3]), deliveries.accept([batch])), 4),
        (_accept_then_reject, 3),
        (_reject_then_accept, 3),
        (lambda deliveries, batch: (deliveries.accept([batch]), deliveries.mark_unknown(batch, "lost")), 0),
    ],
)
def test_every_way_is_counted(act: Act, accepted: int, deliveries: Deliveries, batch: Batch) -> None:
    act(deliveries, batch)
    check_rollups(deliveries.connection)
    assert sum(count for (code, _), count in days(deliveries).items() if code == "*") == accepted


SETTLE = text("UPDATE detection SET state = 3 WHERE key = :key")
ACCEPT = text("UPDATE batch SET state = 2 WHERE id = :id")


@pytest.mark.parametrize("settled_first", [True, False])
def test_settling_waits_while_the_batch_is_accepted(
    settled_first: bool, deliveries: Deliveries, batch: Batch, ledger_engine: Engine
) -> None:
    """Each sees the other's change: a detection is counted once, or not at all."""
    one, other = (SETTLE, ACCEPT) if settled_first else (ACCEPT, SETTLE)
    values = {"key": keys(batch)[0], "id": batch.number}

    def follow() -> None:
        with ledger_engine.begin() as connection:
            connection.execute(other, values)

    with ThreadPoolExecutor(1) as pool:
        with ledger_engine.begin() as connection:
            connection.execute(one, values)
            followed = pool.submit(follow)
            wait_until_somebody_waits(deliveries.connection)
        followed.result(30)
    check_rollups(deliveries.connection)
    assert days(deliveries)["*", DAY] == 1


def test_runs_that_count_the_same_days_do_not_deadlock(ledger_engine: Engine) -> None:
    """Batches of the same days and codes that many runs accept at once in any order cause no deadlock."""
    codes = [("T1110", "T1078"), ("T1078", "T1110"), ()]
    with ledger_engine.connect() as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        made = [detection(n, days_ago=n % 5, codes=codes[n % 3]) for n in range(400)]
        batches = deliveries.plan([[read_row("acme", one) for one in made[n : n + 10]] for n in range(0, 400, 10)], [])

    def accept(some: list[Batch]) -> None:
        with ledger_engine.connect() as connection:
            mine = Deliveries(connection, "acme", "run", "rf")
            for batch in some:
                mine.accept([batch])
                with connection.begin():
                    override(connection, keys(batch)[::3], State.REJECTED, "no", only=[State.ACCEPTED])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(accept, [batches[n::4] for n in range(4)]))
    with ledger_engine.connect() as connection:
        check_rollups(connection)
        assert sum(c for (_, code, _), c in read_rollup(connection, "delivered_day").items() if code == "*") == 240


def test_compaction_takes_nothing_from_the_days(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.accept([batch])
    counted = days(deliveries)
    assert forget_delivered(deliveries.connection, datetime.now(UTC) + timedelta(days=1)) == 4
    assert days(deliveries) == counted


def test_days_are_forgotten_whole_and_do_not_come_back(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.accept([batch])
    History(deliveries.connection, "acme", "run", "filter").add_run(manifest(), "scheduled")
    with deliveries.connection.begin():
        deliveries.connection.execute(text("DELETE FROM detection WHERE detected_at < :day"), {"day": DAY})
    assert forget_days(deliveries.connection, NOON) == 3
    assert {day for _, day in days(deliveries)} == {DAY}
    refuse(deliveries, batch.rows, "no")
    assert days(deliveries) == {}
    assert forget_delivered(deliveries.connection, datetime.now(UTC) + timedelta(days=1)) == 2
    assert forget_days(deliveries.connection, datetime.now(UTC) + timedelta(days=1)) > 3


def test_the_figures_of_a_day_stay_as_long_as_its_detections(deliveries: Deliveries, batch: Batch) -> None:
    """A backfill delivers old detections today. Figures and detections are forgotten when the delivery is old."""
    deliveries.accept([batch])
    counted = days(deliveries)
    (other,) = Deliveries(deliveries.connection, "other", "run", "rf").lock().plan([rows([1], "other")], [])
    deliveries.accept([other])
    with deliveries.connection.begin():
        deliveries.connection.execute(text("DELETE FROM detection WHERE batch_id = :id"), {"id": other.number})
    assert forget_delivered(deliveries.connection, NOON) == 0
    assert forget_days(deliveries.connection, datetime.now(UTC)) == 2, "the other connector's"
    assert days(deliveries) == counted
    check_rollups(deliveries.connection)
    later = datetime.now(UTC) + timedelta(days=1)
    assert forget_delivered(deliveries.connection, later) == 4
    assert forget_days(deliveries.connection, later) == len(counted)
    assert days(deliveries) == {}


def test_what_waits_is_counted(deliveries: Deliveries, batch: Batch) -> None:
    deliveries.put_off(batch)
    deliveries.put_off(batch)
    assert set(read_rollup(deliveries.connection, "waiting_count").values()) == {4}
    deliveries.forget_waiting(batch.rows[:3])
    check_rollups(deliveries.connection)
    deliveries.forget_waiting(batch.rows)
    assert read_rollup(deliveries.connection, "waiting_count") == {}


def manifest(**more: Any) -> dict[str, Any]:
    window = {"since": "2026-03-10T10:00:00Z", "until": "2026-03-10T11:00:00Z"}
    counts = {"records_in": 5, "records_out": 1, "dropped": {"a": 3}, "quarantined": {"b": 1}}
    return {"debug": False, "window": window, **counts, **more}


def test_stages_are_counted_and_a_retry_replaces_its_figures(ledger_connection: Connection) -> None:
    for run in ("one", "two"):
        History(ledger_connection, "acme", run, "filter").add_run(manifest(), "scheduled")
    check_rollups(ledger_connection)
    History(ledger_connection, "acme", "two", "filter").add_run(manifest(dropped={"c": 4}, quarantined={}), "scheduled")
    History(ledger_connection, "acme", "three", "filter").add_run(manifest(debug=True), "scheduled")
    check_rollups(ledger_connection)
    found = read_rollup(ledger_connection, "stage_day")
    assert {(fate, code): count for (*_, fate, code), count in found.items()} == {
        ("in", ""): 10,
        ("dropped", "a"): 3,
        ("dropped", "c"): 4,
        ("quarantined", "b"): 1,
    }


def test_a_run_that_became_a_dry_run_is_no_longer_counted(ledger_connection: Connection) -> None:
    for debug in (False, True):
        History(ledger_connection, "acme", "one", "filter").add_run(manifest(debug=debug), "scheduled")
    check_rollups(ledger_connection)
    assert read_rollup(ledger_connection, "stage_day") == {}


def test_a_ledger_with_rows_is_counted_when_it_is_migrated(empty_database: URL) -> None:
    engine = make_engine(empty_database)
    migrate_to(engine, "0001")
    with engine.connect() as connection:
        made = [detection(n, days_ago=n % 3, codes=[(), ("T1078", "T1110")][n % 2]) for n in range(12)]
        first, second, third = ([read_row("acme", one) for one in made[n::3]] for n in range(3))
        run = OldRun(connection)
        run.deliver(first)
        unknown = run.deliver(second, State.UNKNOWN, resent=True)
        run.deliver(third, State.WAITING)
        with connection.begin():
            override(connection, [first[0].key], State.REJECTED, "no", only=[State.ACCEPTED])
            override(connection, [second[0].key], State.ACCEPTED, "found by search", only=[State.UNKNOWN])
            queue(connection, run.number, third)
        History(connection, "acme", "run", "filter").add_run(manifest(), "scheduled")
    migrate(engine)
    with engine.connect() as connection:
        check_rollups(connection)
        assert sum(c for (_, code, _), c in read_rollup(connection, "delivered_day").items() if code == "*") == 4
        assert set(read_rollup(connection, "waiting_count").values()) == {4}
        with connection.begin():
            connection.execute(text("UPDATE batch SET state = 2 WHERE id = :id"), {"id": unknown})
        check_rollups(connection)


def test_triggers_find_their_tables_with_any_search_path(empty_database: URL) -> None:
    """A person's session can have another search path than the ledger."""
    with make_engine(empty_database).begin() as connection:
        connection.execute(text("CREATE SCHEMA insights"))
    migrate(make_engine(empty_database, "insights"))
    with make_engine(empty_database, "insights").connect() as connection:
        (batch,) = Deliveries(connection, "acme", "run", "rf").lock().plan([rows(range(3))], [])
    with make_engine(empty_database).begin() as connection:
        connection.execute(text("UPDATE insights.batch SET state = 2 WHERE id = :id"), {"id": batch.number})
    with make_engine(empty_database, "insights").connect() as connection:
        check_rollups(connection)
        assert read_rollup(connection, "delivered_day")


def test_no_trigger_is_compiled(ledger_connection: Connection) -> None:
    """Compiling takes longer than the work, again for each batch."""
    settings = text(
        "SELECT proname, proconfig FROM pg_proc WHERE prorettype = 'trigger'::regtype AND proname ~ '^count_'"
    )
    with ledger_connection.begin():
        found = dict(map(tuple, ledger_connection.execute(settings)))
        assert ledger_connection.scalar(text("SHOW jit")) == "off"
    assert len(found) == 7
    assert all("jit=off" in each for each in found.values())


def test_an_indicator_may_be_as_long_as_the_contract_allows(deliveries: Deliveries) -> None:
    """2048 characters of four bytes each: more than an index entry can hold."""
    value = "https://acme.example.com/" + "".join(chr(0x1F300 + n * 7 % 700) for n in range(2023))
    long = read_row("acme", json.dumps({**json.loads(detection(1)), "ioc": {"type": "url", "value": value}}).encode())
    (batch,) = deliveries.plan([[long]], [])
    deliveries.accept([batch])
    assert find_by_indicator(deliveries.connection, ["acme"], value, 5)[0].indicator == value
