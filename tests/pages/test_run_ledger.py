"""The ledger of one run, as far as it answers."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from ci_operators.pages.configuration import current_file
from ci_operators.pages.run_ledger import RunLedger
from tests.ledger.delivered import accept_batch, make_row


def test_states_and_trail_are_found(ledger: Connection, connectors_file: Path) -> None:
    del connectors_file
    accept_batch(ledger, 1)
    found = RunLedger(current_file().connectors[0])
    assert found.find_states([make_row(1).key])[make_row(1).key].state == "accepted"
    assert len(found.find_trail("event-1").detections) == 1
    assert found.problem == ""


def test_ledger_that_does_not_answer_is_told_and_not_asked_again(connectors_file: Path) -> None:
    del connectors_file
    found = RunLedger(current_file().connectors[0])
    assert found.find_states([make_row(1).key]) == {}
    assert found.problem.startswith("States of delivery are not shown: Connection collective_insights_ledger")
    said = found.problem
    assert not found.find_trail("event-1")
    assert found.problem is said
