"""Forgetting: only old deliveries are forgotten, and none that may be read again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from ci_operators.core.tally import Tally
from ci_operators.core.window import Window
from ci_operators.ledger import compaction
from ci_operators.ledger.compaction import CHUNK, forget_delivered, forget_history
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.overview import find_memory
from ci_operators.ledger.quarantined import Wanted, close_entries, find_newest
from ci_operators.ledger.tables import State
from ci_operators.staging.manifest import Manifest
from tests.ledger.samples import refuse, rows
from tests.virtual_time import NOON

MUCH = 1_000_000
SOON = datetime.now(UTC) + timedelta(days=1)
_AGE = text("UPDATE batch SET planned_at = planned_at - :time, settled_at = settled_at - :time")


@pytest.fixture
def deliveries(ledger_connection: Connection) -> Deliveries:
    return Deliveries(ledger_connection, "acme", "run", "rf").lock()


def age(connection: Connection, days: int) -> None:
    """Make everything that is in the ledger older."""
    with connection.begin():
        connection.execute(_AGE, {"time": timedelta(days=days)})


def count(connection: Connection, table: str) -> int:
    with connection.begin():
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608 - a table's name


def test_old_deliveries_are_forgotten(deliveries: Deliveries) -> None:
    connection = deliveries.connection
    deliveries.accept([deliveries.plan([rows(range(3))], [])[0]])
    age(connection, 400)
    deliveries.accept([deliveries.plan([rows(range(3, 5))], [])[0]])
    assert forget_delivered(connection, datetime.now(UTC) - timedelta(days=399)) == 3
    assert set(deliveries.find(rows(range(5)))) == {row.key for row in rows([3, 4])}
    assert count(connection, "batch") == 1
    assert forget_delivered(connection, datetime.now(UTC) - timedelta(days=399)) == 0


def test_nothing_happens_when_nothing_is_old(ledger_connection: Connection) -> None:
    assert forget_delivered(ledger_connection, SOON) == 0


@pytest.mark.parametrize(
    ("settle", "state"),
    [
        (lambda deliveries, batch: None, State.PLANNED),
        (lambda deliveries, batch: deliveries.reserve([batch], MUCH), State.RESERVED),
        (lambda deliveries, batch: deliveries.mark_unknown(batch, "lost"), State.UNKNOWN),
        (lambda deliveries, batch: deliveries.put_off(batch), State.WAITING),
    ],
    ids=lambda value: value.name if isinstance(value, State) else "",
)
def test_unsettled_detections_are_kept_at_any_age(
    settle: Callable[[Deliveries, object], object], state: State, deliveries: Deliveries
) -> None:
    settle(deliveries, deliveries.plan([rows(range(2))], [])[0])
    age(deliveries.connection, 4000)
    assert forget_delivered(deliveries.connection, SOON) == 0
    assert {known.state for known in deliveries.find(rows(range(2))).values()} == {state}


def test_refused_rows_of_a_delivered_batch_go_with_it(deliveries: Deliveries) -> None:
    batch = deliveries.plan([rows(range(3))], [])[0]
    refuse(deliveries, rows([1]), "no address")
    deliveries.accept([batch])
    assert forget_delivered(deliveries.connection, SOON) == 3
    assert count(deliveries.connection, "batch") == 0


def test_a_row_with_another_state_than_its_batch_stays_with_it(deliveries: Deliveries) -> None:
    deliveries.accept([deliveries.plan([rows(range(2))], [])[0]])
    with deliveries.connection.begin():
        deliveries.connection.execute(
            text("UPDATE detection SET state = 4 WHERE key = :key"), {"key": rows([1])[0].key}
        )
    assert forget_delivered(deliveries.connection, SOON) == 1
    assert {known.state for known in deliveries.find(rows(range(2))).values()} == {State.UNKNOWN}
    assert count(deliveries.connection, "batch") == 1


def test_a_delivered_batch_that_keeps_a_row_does_not_stop_the_others(deliveries: Deliveries) -> None:
    """More such batches than fit into one transaction come before the one that can be forgotten."""
    batches = deliveries.plan([[row] for row in rows(range(CHUNK + 1))], [])
    for batch in batches:
        deliveries.accept([batch])
    keys = [batch.rows[0].key for batch in batches[:CHUNK]]
    with deliveries.connection.begin():
        deliveries.connection.execute(text("UPDATE detection SET state = 4 WHERE key = ANY(:keys)"), {"keys": keys})
    assert forget_delivered(deliveries.connection, SOON) == 1


def test_empty_batches_are_deleted(deliveries: Deliveries) -> None:
    """After halving, postponing and resending, the old batch is empty in any state."""
    keys = [row.key for row in rows(range(2))]
    deliveries.put_off(deliveries.plan([rows(range(2))], [])[0])
    deliveries.mark_unknown(deliveries.plan([rows(range(2))], keys)[0], "lost")
    newest = deliveries.plan([rows(range(2))], keys, resends=1)[0]
    assert forget_delivered(deliveries.connection, datetime.now(UTC) - timedelta(days=1)) == 0
    assert count(deliveries.connection, "batch") == 3
    assert forget_delivered(deliveries.connection, SOON) == 0
    assert count(deliveries.connection, "batch") == 1
    assert deliveries.reserve([newest], MUCH)


def test_more_than_a_chunk_goes_in_several_transactions(deliveries: Deliveries) -> None:
    for batch in deliveries.plan([[row] for row in rows(range(CHUNK + 3))], []):
        deliveries.accept([batch])
    assert forget_delivered(deliveries.connection, SOON) == CHUNK + 3
    assert (count(deliveries.connection, "detection"), count(deliveries.connection, "batch")) == (0, 0)


def test_history_is_forgotten_by_its_age(ledger_connection: Connection) -> None:
    history = History(ledger_connection, "acme", "run", "filter")
    window = Window(NOON - timedelta(hours=1), NOON)
    history.add_run(Manifest("filter", "acme", False, window, "form", None, Tally()).to_xcom(), "manual")
    history.add_dropped([[b'{"event_id":"event-1","reason":"odd"}']])
    history.add_quarantined([[b'{"event_id":"event-2","issue":"odd","record":{}}']])
    deliveries = Deliveries(ledger_connection, "acme", "run", "rf").lock()
    deliveries.reserve([deliveries.plan([rows([1])], [])[0]], MUCH)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    with ledger_connection.begin():
        close_entries(ledger_connection, [1], "delivered")
    kinds = ("runs", "dropped", "quarantined", "budgets")
    assert forget_history(ledger_connection, long_ago) == dict.fromkeys(kinds, 0)
    assert forget_history(ledger_connection, SOON) == dict.fromkeys(kinds, 1)
    assert count(ledger_connection, "detection") == 1


def test_an_open_quarantine_entry_is_kept_at_any_age(ledger_connection: Connection) -> None:
    """Its record is the only copy of the text. For a held detection, `settle --resend` sends it."""
    history = History(ledger_connection, "acme", "run", "submit")
    entry = '{"event_id":"%s","issue":"outcome_unknown","record":{"id":"%s"}}'
    history.add_quarantined([[(entry % (name, name)).encode() for name in ("open", "again", "settled")]])
    with ledger_connection.begin():
        ledger_connection.execute(text("UPDATE quarantine SET seen_at = seen_at - CAST('400 days' AS interval)"))
        ledger_connection.execute(
            text("UPDATE quarantine SET replayed_at = seen_at - CAST('1 day' AS interval) WHERE event_id = 'again'")
        )
    with ledger_connection.begin():
        close_entries(ledger_connection, [3], "settled by hand")
    assert forget_history(ledger_connection, SOON - timedelta(days=180))["quarantined"] == 1
    left = find_newest(ledger_connection, Wanted(settled_too=True), 9)
    assert [entry.event_id for entry in left] == ["again", "open"]


def test_the_ledger_remembers_how_far_it_has_forgotten(deliveries: Deliveries) -> None:
    connection, now = deliveries.connection, datetime.now(UTC)
    deliveries.accept([deliveries.plan([rows(range(3))], [])[0]])
    age(connection, 400)
    assert find_memory(connection, "acme")[0] is None
    forget_delivered(connection, now - timedelta(days=500))
    assert find_memory(connection, "acme")[0] is None, "nothing was that old"
    forget_delivered(connection, now - timedelta(days=370))
    assert find_memory(connection, "acme")[0] == now - timedelta(days=370)
    deliveries.accept([deliveries.plan([rows(range(3))], [])[0]])
    age(connection, 600)
    forget_delivered(connection, now - timedelta(days=500))
    assert find_memory(connection, "acme")[0] == now - timedelta(days=370), "a longer retention brings nothing back"
    assert find_memory(connection, "young")[0] is None


def test_chunks_are_small_beside_running_deliveries() -> None:
    assert compaction.CHUNK <= 1000


def test_the_counts_of_a_run_stay_as_long_as_its_deliveries(deliveries: Deliveries) -> None:
    """After a clear, the run counts only new submissions."""
    window = Window(NOON - timedelta(hours=1), NOON)
    for stage in ("validate", "submit"):
        manifest = Manifest(stage, "acme", False, window, "form", None, Tally()).to_xcom()
        History(deliveries.connection, "acme", deliveries.run_id, stage).add_run(manifest, "manual")
    deliveries.accept([deliveries.plan([rows([1])], [])[0]])
    age(deliveries.connection, 400)
    assert forget_history(deliveries.connection, SOON)["runs"] == 1
    assert forget_delivered(deliveries.connection, SOON) == 1
    assert forget_history(deliveries.connection, SOON)["runs"] == 1
