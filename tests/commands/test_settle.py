"""`settle`: unknown detections become accepted, or are sent again."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from ci_operators.commands.settle import Report, open_settlement
from ci_operators.core.errors import CredentialsError, LedgerError, UnknownOutcomeError
from ci_operators.ledger.deliveries import Deliveries
from tests.commands.conftest import Desk, stored_ids


@pytest.fixture
def doubtful(desk: Desk) -> Desk:
    """Two detections with an unknown outcome (they did not arrive)."""
    desk.add_okta_events(1, 2)
    desk.lose_answer()
    return desk


def settle(desk: Desk, *options: str, status: int = 0) -> dict[str, Any]:
    printed = desk.run("settle", "--json", "--connector", "okta", *options)
    assert printed.status == status, printed
    report: dict[str, Any] = printed.json
    return report


def test_accepted_is_never_sent(doubtful: Desk) -> None:
    report = settle(doubtful, "--accepted", "event-0001")
    assert (report["accepted"], report["detections"][0]["event_id"]) == (1, "event-0001")
    assert settle(doubtful, "--accepted", "--all")["accepted"] == 1
    doubtful.deliver(run_id="scheduled__2")
    assert stored_ids(doubtful.simulator) == []
    assert doubtful.run("status", "okta").status == 0


def test_resent_without_payload_goes_with_the_next_run_of_its_window(doubtful: Desk) -> None:
    report = settle(doubtful, "--resend", "--all")
    assert (report["planned"], report["waiting"]) == (2, 0)
    doubtful.deliver(run_id="scheduled__2")
    assert stored_ids(doubtful.simulator) == ["event-0001", "event-0002"]


def test_resent_with_its_quarantined_payload_goes_with_any_next_run(doubtful: Desk) -> None:
    doubtful.deliver()  # held: its records are quarantined
    assert doubtful.run("quarantine", "list", "--json", "--issue", "outcome_unknown").json["total"] == 2
    key = doubtful.run("explain", "event-0002", "--json").json["ledger"]["detections"][0]["key"]
    report = settle(doubtful, "--resend", "event-0001", key)
    assert (report["planned"], report["waiting"]) == (0, 2)
    assert doubtful.run("quarantine", "list", "--json").json["total"] == 0
    doubtful.add_okta_events(3, minutes_ago=2)
    doubtful.deliver(run_id="scheduled__2", since=5)
    assert stored_ids(doubtful.simulator) == ["event-0001", "event-0002", "event-0003"]
    doubtful.deliver(run_id="scheduled__3")
    assert stored_ids(doubtful.simulator) == ["event-0001", "event-0002", "event-0003"]


def test_a_pending_held_detection_is_resent_although_its_run_failed(desk: Desk) -> None:
    """It is no longer on the waiting list or in any window, so the quarantine has the only copy."""
    desk.add_okta_events(*range(1, 12))
    spend(desk, 100)
    desk.deliver()
    spend(desk, 0)
    path = "/collective-insights/detections"
    desk.add_okta_events(20, 21, minutes_ago=2)
    desk.simulator.add_fault("recorded_future", "drop_connection", path=path, skip=1)
    with pytest.raises(UnknownOutcomeError):
        desk.deliver(run_id="scheduled__2", since=5)
    desk.simulator.add_fault("recorded_future", "status", status=403, path=path)
    with pytest.raises(CredentialsError):
        desk.deliver(run_id="scheduled__3", since=5)
    report = settle(desk, "--resend", "--all")
    assert (report["planned"], report["waiting"]) == (0, 10)
    desk.deliver(run_id="scheduled__4", since=5)
    assert sorted(stored_ids(desk.simulator)) == [f"event-{number:04}" for number in (*range(1, 12), 20, 21)]


def spend(desk: Desk, count: int) -> None:
    """Spend this much of the day's budget."""
    with desk.connection.begin():
        desk.connection.execute(
            text(
                "INSERT INTO budget VALUES ('recorded_future_default', (now() AT TIME ZONE 'UTC')::date, :count) "
                "ON CONFLICT (destination, day) DO UPDATE SET spent = :count"
            ),
            {"count": count},
        )


def test_settling_closes_the_quarantine(doubtful: Desk) -> None:
    doubtful.deliver()
    settle(doubtful, "--accepted", "--all")
    assert doubtful.run("quarantine", "list", "--json").json["total"] == 0
    doubtful.deliver(run_id="scheduled__2")
    assert stored_ids(doubtful.simulator) == []


def test_a_run_that_has_lost_the_lease_settles_nothing(doubtful: Desk) -> None:
    doubtful.deliver()  # held
    held = doubtful.run("quarantine", "list", "--json").json["total"]
    connector = doubtful.connector("okta")
    settlement = open_settlement(doubtful.connection, connector, Report(), resend=True)
    doubtful.execute("UPDATE connector SET fence = fence + 1")
    with pytest.raises(LedgerError, match="has taken over"):
        settlement.settle([])
    waiting = Deliveries(doubtful.connection, "okta", "run", "rf").take_waiting(9)
    assert (waiting, doubtful.run("quarantine", "list", "--json").json["total"]) == ([], held)


def test_a_refused_detection_can_be_named_to_be_sent_again(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    desk.execute("UPDATE detection SET state = 3")
    assert settle(desk, "--resend", "--all")["planned"] == 0
    assert "is rejected, not unknown" in settle(desk, "--accepted", "event-0001", status=1)["problems"][0]
    assert settle(desk, "--resend", "event-0001")["planned"] == 1


def test_settled_and_missing_detections_are_reported(doubtful: Desk) -> None:
    settle(doubtful, "--accepted", "--all")
    report = settle(doubtful, "--accepted", "event-0001", "nothing", status=1)
    assert report["problems"] == [
        "event-0001 is accepted, not unknown.",
        "nothing does not match a detection of the connector.",
    ]
    printed = doubtful.run("settle", "--connector", "s1", "--accepted", "x")
    assert (printed.status, "The ledger has no records of s1." in printed.out) == (1, True)


def test_wrong_use(desk: Desk) -> None:
    for options in ((), ("--accepted", "--resend", "--all"), ("--accepted",), ("--accepted", "--all", "x")):
        assert desk.run("settle", "--connector", "okta", *options).status == 2
    assert desk.run("settle", "--connector", "nobody", "--accepted", "--all").status == 2
