"""Handing over: another connector takes over all that the old one has left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import Connection, Engine, text

from ci_operators.core.errors import ConfigurationError, LedgerError
from ci_operators.ledger import hand_over as module
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.batch import Batch
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.hand_over import FINALITY, HandedOver, hand_over
from ci_operators.ledger.history import History
from ci_operators.ledger.overview import Open, find_memory, find_open
from ci_operators.ledger.quarantined import Wanted, close_entries, find_newest
from ci_operators.ledger.row import read_row
from ci_operators.ledger.tables import State
from tests.ledger.rollups import check_rollups
from tests.ledger.samples import detection, refuse, rows
from tests.virtual_time import NOON

MUCH = 1_000_000
BECOMES: dict[State, Callable[[Deliveries, Batch], object]] = {
    State.PLANNED: lambda deliveries, batch: None,
    State.WAITING: lambda deliveries, batch: deliveries.put_off(batch),
    State.UNKNOWN: lambda deliveries, batch: deliveries.mark_unknown(batch, "no answer"),
    State.REJECTED: lambda deliveries, batch: refuse(deliveries, batch.rows, "no address"),
    State.ACCEPTED: lambda deliveries, batch: deliveries.accept([batch]),
}


@pytest.fixture
def old(ledger_connection: Connection) -> Deliveries:
    return Deliveries(ledger_connection, "old", "run", "rf").lock()


@pytest.fixture
def new(ledger_connection: Connection) -> Deliveries:
    return Deliveries(ledger_connection, "new", "run", "rf").lock()


def bring(deliveries: Deliveries, state: State, number: int) -> None:
    """Bring a detection of a connector into a state."""
    (batch,) = deliveries.plan([rows([number], deliveries.connector)], [])
    deliveries.reserve([batch], MUCH)
    BECOMES[state](deliveries, batch)


def states(deliveries: Deliveries, count: int) -> dict[int, State]:
    """Return the states of a connector's detections by number, as its next run reads them."""
    by_key = {row.key: number for number, row in enumerate(rows(range(count), deliveries.connector))}
    return {
        by_key[key]: known.state for key, known in deliveries.find(rows(range(count), deliveries.connector)).items()
    }


def test_every_state_goes_over_with_its_text_and_its_figures(old: Deliveries, new: Deliveries) -> None:
    for number, state in enumerate(BECOMES):
        bring(old, state, number)
    assert hand_over(old.lease, new.lease) == HandedOver(detections=5, waiting=1, quarantined=1)
    found = dict(enumerate(State.RESERVED if state is State.PLANNED else state for state in BECOMES))
    assert (states(new, 5), states(old, 5)) == (found, {})
    assert [read_row("new", text) for text in new.take_waiting(9)] == rows([1], "new")
    assert old.take_waiting(9) == []
    opens = find_open(old.connection, new.lease.number)
    assert (opens.waiting, opens.rejected, opens.quarantined) == (1, 1, {"rejected_by_api": 1})
    assert [doubt.detections for doubt in opens.unknown] == [1]
    assert find_open(old.connection, old.lease.number) == Open([], 0, 0, 0, {})
    check_rollups(old.connection)
    assert hand_over(old.lease, new.lease) == HandedOver()


@pytest.mark.parametrize("pair", list(product(BECOMES, BECOMES)), ids=lambda pair: "-".join(each.name for each in pair))
def test_the_more_final_state_wins_when_both_have_a_detection(
    old: Deliveries, new: Deliveries, pair: tuple[State, State]
) -> None:
    for deliveries, state in zip((old, new), pair, strict=True):
        bring(deliveries, state, 0)
        deliveries.recover()
    hand_over(old.lease, new.lease)
    seen = [State.UNKNOWN if state is State.PLANNED else state for state in pair]  # reserved, and recovered
    assert states(new, 1) == {0: max(seen, key=FINALITY.index)}
    assert states(old, 1) == {}
    assert len(new.take_waiting(9)) == (State.WAITING in pair)
    check_rollups(old.connection)


def test_a_planned_state_loses_to_any_other(old: Deliveries, new: Deliveries) -> None:
    old.plan([rows([0, 1], "old")], [])
    new.plan([rows([0, 1, 2], "new")], [])
    with old.connection.begin():
        old.connection.execute(text("UPDATE detection SET state = 2 WHERE connector_id = 1 AND event_id LIKE '%0'"))
    hand_over(old.lease, new.lease)
    assert states(new, 3) == {0: State.ACCEPTED, 1: State.PLANNED, 2: State.PLANNED}
    check_rollups(old.connection)


def test_an_interrupted_hand_over_continues_where_it_stopped(
    old: Deliveries, new: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    old.put_off(old.plan([rows(range(5), "old")], [])[0])
    with monkeypatch.context() as broken:
        broken.setattr(module, "_move_waiting", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            hand_over(old.lease, new.lease)
    assert hand_over(old.lease, new.lease) == HandedOver(detections=0, waiting=5)
    assert [read_row("new", text) for text in new.take_waiting(9)] == rows(range(5), "new"), "in the order they waited"
    check_rollups(old.connection)


def test_the_new_connector_knows_how_far_the_old_one_has_forgotten(old: Deliveries, new: Deliveries) -> None:
    since = text("UPDATE connector SET known_since = :at WHERE name = :name")
    for name, days in (("old", 3), ("new", 5)):
        with old.connection.begin():
            old.connection.execute(since, {"name": name, "at": NOON - timedelta(days=days)})
    hand_over(old.lease, new.lease)
    assert find_memory(old.connection, "new")[0] == NOON - timedelta(days=3)


def test_open_quarantine_entries_go_over_once(old: Deliveries, new: Deliveries) -> None:
    for name in ("old", "new"):
        lines = [b'{"issue":"bad","event_id":"%d","record":%d}' % (number, number) for number in range(3)]
        History(old.connection, name, f"run of {name}", "map").add_quarantined([lines])
    with old.connection.begin():
        close_entries(old.connection, [1, 5], "settled")  # the first of the old one, the second of the new one
    assert hand_over(old.lease, new.lease).quarantined == 2
    left = find_newest(old.connection, Wanted(settled_too=True), 9)
    assert sorted((entry.connector, entry.event_id, entry.is_open) for entry in left) == [
        ("new", "0", True),
        ("new", "1", True),
        ("new", "2", True),
        ("old", "0", False),
    ]


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_hand_over_without_its_lease_moves_nothing(old: Deliveries, new: Deliveries, name: str) -> None:
    old.accept([old.plan([rows([0], "old")], [])[0]])
    with old.connection.begin():
        old.connection.execute(text("UPDATE connector SET fence = fence + 1 WHERE name = :name"), {"name": name})
    with pytest.raises(LedgerError, match=f"Another run of {name} has taken over"):
        hand_over(old.lease, new.lease)
    assert states(old, 1) == {0: State.ACCEPTED}


def test_a_connector_sends_nothing_until_it_is_handed_back(ledger_engine: Engine) -> None:
    """A worker with the old file does not know about the deliveries."""
    with open_connection(ledger_engine) as connection:
        first, second = (Deliveries(connection, name, "run", "rf").lock() for name in ("old", "new"))
        hand_over(first.lease, second.lease)
    with open_connection(ledger_engine) as connection:
        with pytest.raises(ConfigurationError, match=r"old was handed over to new.*ledger hand-over new old"):
            Deliveries(connection, "old", "run", "rf").lock()
        both = [Deliveries(connection, name, "x", "rf").lock(even_handed_over=True) for name in ("new", "old")]
        hand_over(*(each.lease for each in both))
    with open_connection(ledger_engine) as connection:
        Deliveries(connection, "old", "run", "rf").lock()
        with pytest.raises(ConfigurationError, match="new was handed over to old"):
            Deliveries(connection, "new", "run", "rf").lock()


def test_a_waiting_text_keeps_its_bytes(old: Deliveries, new: Deliveries) -> None:
    sent = detection(0, value="xn--bcher-kva.example")
    old.put_off(old.plan([[read_row("old", sent)]], [])[0])
    hand_over(old.lease, new.lease)
    assert new.take_waiting(9) == [sent]


def test_equal_times_and_ids_with_nul_go_over(
    old: Deliveries, new: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is computed again from the stored text, and PostgreSQL's text has no NUL."""
    monkeypatch.setattr(module, "CHUNK", 2)
    ids = [f"event-\\u0000{number}" for number in range(5)]
    texts = {
        name: [read_row(name, detection(0, event_id="X").replace(b"X", each.encode())) for each in ids]
        for name in ("old", "new")
    }
    assert "\0" in texts["old"][0].event_id
    old.accept([old.plan([texts["old"]], [])[0]])
    assert hand_over(old.lease, new.lease).detections == 5
    assert {known.state for known in new.find(texts["new"]).values()} == {State.ACCEPTED}
    assert len(new.find(texts["new"])) == 5
