"""The state of the connectors, as the page gets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ci_operators.ledger.history import History
from tests.ledger.delivered import lose_batch
from tests.pages.conftest import LogIn, add_run, set_paused

WINDOW = {"since": "2026-03-09T12:00:00Z", "until": "2026-03-10T12:00:00Z", "basis": "initial import"}


def manifest(stage: str, records_in: int, records_out: int, **more: Any) -> dict[str, Any]:
    """Return a stage's manifest."""
    counts = {"records_in": records_in, "records_out": records_out, "dropped": {}, "quarantined": {}}
    return {"stage": stage, "debug": False, "window": WINDOW, **counts, **more}


def connectors_of(client: TestClient) -> dict[str, dict[str, Any]]:
    """Return the page's connectors by name."""
    answer = client.get("/api/connectors")
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["connectors"]}


def test_connectors_have_the_state_of_ledger_and_airflow(
    client: TestClient, ledger: Connection, metadata: Session
) -> None:
    History(ledger, "okta", "scheduled__1", "extract").add_run(manifest("extract", 5, 5), "scheduled")
    History(ledger, "okta", "scheduled__1", "submit").add_run(manifest("submit", 3, 3), "scheduled")
    add_run(metadata, "okta", "scheduled__1")
    add_run(metadata, "okta", "scheduled__2", "failed", run_after=datetime.now(UTC))
    add_run(metadata, "okta", "scheduled__0", "failed", run_after=datetime.now(UTC) - timedelta(days=8))
    okta = connectors_of(client)["okta"]
    assert okta["dag_id"] == "collective_insights_okta"
    assert okta["source_title"] == "Okta"
    assert okta["last_window"]["run_id"] == "scheduled__1"
    assert okta["behind"]
    assert okta["today"]["events"] == 5
    assert okta["last_run"]["run_id"] == "scheduled__2"
    assert okta["last_run"]["state"] == "failed"
    assert okta["failed_runs_7_days"] == 1
    assert okta["update_frequency_s"] == 1800
    assert okta["budget"]["limit"] == 15000
    assert "is behind its update frequency. Check its runs in Airflow." in okta["remarks"]


def test_connector_that_never_ran_says_what_to_do(client: TestClient, ledger: Connection, metadata: Session) -> None:
    set_paused(metadata, "sentinelone")
    found = connectors_of(client)
    assert found["sentinelone"]["paused"]
    assert "Unpause it" in found["sentinelone"]["remarks"][0]
    assert found["sentinelone"]["last_window"] is None
    assert "in debug mode" in found["trial"]["remarks"][0]


def test_missing_ledger_is_reported_for_live_connectors_only(client: TestClient) -> None:
    found = connectors_of(client)
    assert "collective_insights_ledger does not exist" in found["okta"]["problem"]
    assert found["trial"]["problem"] == ""


def test_reader_of_one_connector_sees_nothing_of_the_others(log_in: LogIn, ledger: Connection) -> None:
    answer = log_in("only-okta").get("/api/connectors").json()
    assert [each["name"] for each in answer["connectors"]] == answer["names"] == ["okta"]
    asked = log_in("only-okta").get("/api/connectors?connector=sentinelone").json()
    assert asked["connectors"] == []


def test_reader_without_permissions_gets_a_sentence(log_in: LogIn) -> None:
    answer = log_in("only-nothing").get("/api/connectors").json()
    assert answer["connectors"] == []
    assert answer["note"].startswith("You have no connector that you can read")


def test_open_entries_of_a_removed_connector_are_shown_to_its_readers(
    log_in: LogIn, ledger: Connection, metadata: Session, connectors_file: Path
) -> None:
    lose_batch(ledger, 1, 2, connector="trial")
    connectors_file.write_text("connectors: [{name: okta, source: okta}]")
    (problem,) = log_in("reader").get("/api/connectors").json()["problems"]
    assert problem.startswith("trial is not in the connectors file, so nothing sends its open records: 2 unknown.")
    assert log_in("only-okta").get("/api/connectors").json()["problems"] == []
    assert log_in("reader").get("/api/connectors?connector=okta").json()["problems"] == []


def test_shared_budget_reveals_no_other_connector(log_in: LogIn, ledger: Connection) -> None:
    (okta,) = log_in("only-okta").get("/api/connectors").json()["connectors"]
    assert okta["budget"] is None
    assert connectors_of(log_in("reader"))["okta"]["budget"]["spent"] == 0
