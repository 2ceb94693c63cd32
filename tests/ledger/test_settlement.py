"""Settling: only from the intended states, by key or event, and once on the waiting list."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ci_operators.ledger.deliveries import Deliveries, find_connector
from ci_operators.ledger.settlement import find_named, find_states, find_unknown, override, queue, read_key
from ci_operators.ledger.tables import State
from tests.ledger.delivered import accept_batch, lose_batch, make_row


def number_of(connection: Connection) -> int:
    with connection.begin():
        return find_connector(connection, "okta")


def test_unknown_ones_are_found_and_overridden_once(ledger_connection: Connection) -> None:
    connection = ledger_connection
    lose_batch(connection, 1, 2, 3)
    accept_batch(connection, 4)
    number = number_of(connection)
    found = find_unknown(connection, number, 2)
    assert [(each.state, each.message) for each in found] == [(State.UNKNOWN, "no answer")] * 2
    keys = [each.key for each in find_unknown(connection, number, 10)]
    assert len(keys) == 3
    both = [*keys, make_row(4).key]
    with connection.begin():
        assert override(connection, both, State.PLANNED, "by hand", only=[State.UNKNOWN]) == set(keys)
        assert override(connection, both, State.PLANNED, "by hand", only=[State.UNKNOWN]) == set()
    assert find_unknown(connection, number, 10) == []
    assert find_states(connection, both)[keys[0]].message == "by hand"


def test_names_are_keys_or_event_ids(ledger_connection: Connection) -> None:
    connection = ledger_connection
    accept_batch(connection, 1, 2)
    number, row = number_of(connection), make_row(1)
    for name in ("event-1", row.key.hex()):
        assert [each.key for each in find_named(connection, "okta", number, name)] == [row.key]
    assert find_named(connection, "okta", number, "event-9") == []
    assert find_named(connection, "okta", number + 1, row.key.hex()) == []


@pytest.mark.parametrize("text", ["", "ab", "x" * 32, "é" * 32])
def test_an_invalid_key_is_refused(text: str) -> None:
    assert read_key(text) is None


def test_the_waiting_list_takes_each_once(ledger_connection: Connection) -> None:
    number = number_of(ledger_connection)
    with ledger_connection.begin():
        for _ in range(2):
            queue(ledger_connection, number, [make_row(1), make_row(2)])
        queue(ledger_connection, number, [])
    waiting = Deliveries(ledger_connection, "okta", "run", "rf").take_waiting(10)
    assert waiting == [make_row(1).text, make_row(2).text]
