"""The couriers of a replay: one delivers, one only checks. What they do is seen in test_replay.py."""

from __future__ import annotations

import json

from ci_operators.commands.replay_sender import CheckingReplay, DeliveringReplay, open_sender
from ci_operators.commands.replay_steps import trace_entries
from ci_operators.core.connector import Destination
from ci_operators.ledger.quarantined import Entry
from tests.commands.conftest import Desk, okta_event


def test_a_live_connector_delivers_and_a_debug_connector_checks(desk: Desk) -> None:
    with open_sender(desk.connection, desk.connector("okta"), Destination(), "replay__1") as sender:
        assert isinstance(sender, DeliveringReplay)
    with open_sender(desk.connection, desk.connector("dry"), Destination(), "replay__1") as sender:
        assert isinstance(sender, CheckingReplay)
        record = json.dumps(okta_event(1, desk.now)).encode()
        entry = Entry(1, "dry", "r", "map", "e", "i", "", desk.now, None, None, record)
        traced = trace_entries(desk.connector("dry"), [entry])
        assert [outcome.became for outcome in sender.take(traced)] == ["checked"]
        assert [outcome.became for outcome in sender.outcomes(traced)] == ["not_sent"]
    assert not desk.simulator.detections
