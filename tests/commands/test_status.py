"""`status`: last window, lag, counts, unsettled detections and the budget."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.commands.conftest import Desk
from tests.ledger.delivered import plan_batch


def of(desk: Desk, name: str = "okta") -> dict[str, object]:
    found: list[dict[str, object]] = desk.run("status", "--json", name).json
    return found[0]


def test_it_shows_window_counts_and_budget(desk: Desk) -> None:
    desk.add_okta_events(1, 2)
    desk.add_okta_events(3, actor=None)
    desk.add_okta_events(4, actor={"displayName": "no address"})
    desk.deliver()
    desk.deliver(run_id="scheduled__2")
    found = of(desk)
    assert found["last_window"]["run_id"] in ("scheduled__1", "scheduled__2")  # type: ignore[index]
    assert not found["behind"]
    assert 0 <= float(str(found["lag_s"])) < 60
    assert found["today"] == {
        "events": 8,
        "dropped": 2,
        "arrived_before": 2,
        "quarantined": 2,
        "accepted": 2,
        "reasons": {"missing_actor": 2, "indicator_not_an_address": 2},
        "resent": 0,
    }
    assert found["last_7_days"] == found["today"]
    assert found["quarantined"] == 1
    assert found["budget"] == {
        "destination": "recorded_future_default",
        "spent": 2,
        "limit": 100,
        "reserved_for_live": 20,
        "exhausted": False,
    }


def test_all_connectors_are_in_one_table(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    printed = desk.run("status")
    assert printed.status == 0
    assert "no window yet" in printed.out
    assert "dry: in debug mode" in printed.out
    assert "1 of 100 (20 for scheduled runs)" in printed.out


def test_unknown_detections_are_held_or_name_their_run(desk: Desk) -> None:
    desk.add_okta_events(1, 2)
    desk.lose_answer()
    printed = desk.run("status", "okta")
    assert printed.status == 1
    assert "2 unknown detections are held. To settle them: `settle --connector okta`." in printed.out
    desk.edit_file("hold", "resend")
    printed = desk.run("status", "okta")
    assert printed.status == 0
    assert "okta: has unknown detections that wait for the retry of scheduled__1." in printed.out
    assert of(desk)["runs_awaiting_retry"] == ["scheduled__1"]


def test_resent_detections_are_shown(desk: Desk) -> None:
    desk.edit_file("hold", "resend")
    desk.add_okta_events(1, 2, 3)
    desk.lose_answer()
    desk.deliver()
    assert of(desk)["today"]["resent"] == of(desk)["last_7_days"]["resent"] == 3  # type: ignore[index]
    printed = desk.run("status", "okta").out
    assert [line.split("│")[-2].strip() for line in printed.splitlines() if "today" in line] == ["3"]
    assert "sent again" in printed


def test_a_renamed_connector_is_named_with_its_open_entries(desk: Desk) -> None:
    deliveries, batch = plan_batch(desk.connection, 1, 2, connector="old-name")
    deliveries.put_off(batch)
    printed = desk.run("status")
    assert printed.status == 1
    assert "old-name: is not in the connectors file, so nothing sends its open records: 2 waiting." in printed.out
    assert [row["waiting"] for row in desk.run("status", "--json").json if row["gone"]] == [2]
    assert desk.run("status", "s1").status == 0, "asked for another one"


def test_a_connector_behind_is_shown(desk: Desk) -> None:
    desk.add_okta_events(1, minutes_ago=100)
    desk.deliver(since=120, until=90)
    printed = desk.run("status", "okta")
    assert printed.status == 1
    assert "1 h 30 min, behind" in printed.out


def test_a_ledger_that_does_not_answer_is_one_sentence(desk: Desk, connect: Callable[..., None]) -> None:
    address = '{"conn_type": "postgres", "host": "127.0.0.1", "port": 9, "login": "x", "password": "ledger-password"}'
    connect("collective_insights_ledger", address)
    printed = desk.run("status", "--json")
    assert (printed.status, printed.out) == (2, "")
    assert printed.err.startswith("Connection collective_insights_ledger: The ledger's database: ")
    assert printed.err.count("\n") == 1


def test_a_debug_connector_needs_no_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
    printed = desk.run("status", "dry")
    assert printed.status == 0
    assert "dry: in debug mode" in printed.out
    printed = desk.run("status", "okta")
    assert printed.status == 2
    assert "Connection collective_insights_ledger does not exist" in printed.err


def test_an_unknown_connector_is_wrong_use(desk: Desk) -> None:
    printed = desk.run("status", "--json", "nobody")
    assert (printed.status, printed.out) == (2, "")
    assert printed.err == "The connectors file has no connector nobody. It has: okta, s1, dry.\n"
