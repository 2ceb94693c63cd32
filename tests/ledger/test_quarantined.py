"""The quarantine, page by page. A closed entry is reopened when its record is quarantined again."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from ci_operators.ledger.history import History
from ci_operators.ledger.quarantined import Wanted, close_entries, count_entries, find_newest, note_entries, read_pages


def fill(connection: Connection, count: int, connector: str = "okta", issue: str = "i") -> None:
    lines = [
        json.dumps({"event_id": f"e{number}", "issue": issue, "record": {"n": number}}).encode()
        for number in range(count)
    ]
    History(connection, connector, "run", "map").add_quarantined([lines])


def ids(connection: Connection, wanted: Wanted) -> list[int]:
    return [entry.id for page in read_pages(connection, wanted, size=3) for entry in page]


def test_pages_hold_each_entry_once_also_when_pages_are_closed_meanwhile(ledger_connection: Connection) -> None:
    fill(ledger_connection, 8)
    seen = []
    for page in read_pages(ledger_connection, Wanted(["okta"]), size=3):
        seen += [json.loads(entry.record)["n"] for entry in page]
        with ledger_connection.begin():
            close_entries(ledger_connection, [entry.id for entry in page], "done")
    assert sorted(seen) == list(range(8))
    assert count_entries(ledger_connection, Wanted()) == 0
    assert count_entries(ledger_connection, Wanted(settled_too=True)) == 8


def test_a_closed_entry_that_is_met_again_is_open(ledger_connection: Connection) -> None:
    fill(ledger_connection, 2)
    with ledger_connection.begin():
        close_entries(ledger_connection, [1, 2], "done")
    fill(ledger_connection, 1, issue="other")
    (entry,) = find_newest(ledger_connection, Wanted(), 10)
    assert (entry.event_id, entry.issue, entry.is_open, entry.record) == ("e0", "other", True, b"")
    with ledger_connection.begin():
        close_entries(ledger_connection, [entry.id], "done")
    with ledger_connection.begin():
        note_entries(ledger_connection, [entry.id], "again")
    assert [found.replay_note for found in find_newest(ledger_connection, Wanted(), 10)] == ["again"]


def test_selection(ledger_connection: Connection) -> None:
    fill(ledger_connection, 2)
    fill(ledger_connection, 1, connector="other", issue="x")
    assert len(ids(ledger_connection, Wanted())) == 3
    assert len(ids(ledger_connection, Wanted(["other"]))) == 1
    assert len(ids(ledger_connection, Wanted(issue="x", stage="map", event_id="e0"))) == 1
    assert ids(ledger_connection, Wanted(ids=[2])) == [2]
    assert [entry.id for entry in find_newest(ledger_connection, Wanted(before=3), 1)] == [2]
    assert ids(ledger_connection, Wanted(connectors=[])) == []
    with ledger_connection.begin():
        close_entries(ledger_connection, [], "nothing")
