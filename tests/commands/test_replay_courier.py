"""The couriers of a replay: one delivers, one only checks. What they do is seen in test_replay.py."""

from __future__ import annotations

import json

from ci_operators.commands.replay_courier import CheckingCourier, DeliveringCourier, open_courier
from ci_operators.commands.replay_steps import trace_entries
from ci_operators.core.connector import Destination
from ci_operators.ledger.quarantined import Entry
from tests.commands.conftest import Desk, okta_event


def test_a_live_connector_delivers_and_a_debug_connector_checks(desk: Desk) -> None:
    with open_courier(desk.connection, desk.connector("okta"), Destination(), "replay__1") as courier:
        assert isinstance(courier, DeliveringCourier)
    with open_courier(desk.connection, desk.connector("dry"), Destination(), "replay__1") as courier:
        assert isinstance(courier, CheckingCourier)
        record = json.dumps(okta_event(1, desk.now)).encode()
        entry = Entry(1, "dry", "r", "map", "e", "i", "", desk.now, None, None, record)
        traced = trace_entries(desk.connector("dry"), [entry])
        assert [outcome.became for outcome in courier.take(traced)] == ["checked"]
        assert [outcome.became for outcome in courier.outcomes(traced)] == ["not_sent"]
    assert not desk.simulator.detections
