"""Delivered and left out events, as the page gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from ci_operators.ledger.history import History
from tests.ledger.delivered import accept_batch, lose_batch, make_row
from tests.pages.conftest import LogIn
from tests.pages.test_connectors import manifest

#: The second connector's ledger does not exist.
TWO_LEDGERS = """
connectors:
  - {name: okta, source: okta, debug: false}
  - {name: sentinelone, source: sentinelone, debug: false, ledger_conn_id: ledger_of_another_tenant}
"""
MARCH = "since=2026-03-01T00:00:00Z&until=2026-04-01T00:00:00Z"


def ask(client: TestClient, what: str, more: str = MARCH) -> dict[str, Any]:
    """Return an answer about March 2026, in which `tests.ledger.delivered` has all its detections."""
    answer = client.get(f"/api/trends/{what}?{more}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def today() -> str:
    """Return a range that holds the runs of this test."""
    return f"since={datetime.now(UTC):%Y-%m-%d}T00:00:00Z&until=2126-01-01T00:00:00Z"


@pytest.fixture
def delivered(ledger: Connection) -> Connection:
    """Three detections of okta and one of sentinelone accepted, one more unknown."""
    accept_batch(ledger, 1, 2, 3)
    accept_batch(ledger, 4, connector="sentinelone")
    lose_batch(ledger, 5)
    return ledger


def test_days_count_what_was_accepted(client: TestClient, delivered: Connection) -> None:
    found = ask(client, "days")
    assert found["days"] == [
        {"day": "2026-03-10", "connector": "okta", "detections": 3},
        {"day": "2026-03-10", "connector": "sentinelone", "detections": 1},
    ]
    assert found["detections"] == 4


@pytest.mark.parametrize(
    ("username", "connector", "expected"),
    [("reader", "", 4), ("reader", "okta", 3), ("only-okta", "", 3), ("only-okta", "sentinelone", 0)],
)
def test_connectors_are_those_asked_for_that_the_user_may_read(
    log_in: LogIn, delivered: Connection, username: str, connector: str, expected: int
) -> None:
    more = f"{MARCH}&connector={connector}" if connector else MARCH
    assert ask(log_in(username), "days", more)["detections"] == expected
    shown = ask(log_in(username), "indicators", more)["indicators"]
    assert sum(each["detections"] for each in shown) == expected
    assert ask(log_in(username), "techniques", more)["without_codes"] == expected


def test_indicators_are_listed_with_their_connectors(client: TestClient, delivered: Connection) -> None:
    shown = ask(client, "indicators", f"{MARCH}&limit=2")["indicators"]
    assert len(shown) == 2
    assert {each["value"] for each in ask(client, "indicators")["indicators"]} == {
        make_row(number).indicator for number in (1, 2, 3, 4)
    }
    assert shown[0]["connectors"] in (["okta"], ["sentinelone"])


def test_reasons_have_words_and_a_faq_question(client: TestClient, ledger: Connection) -> None:
    dropped = {"null_display_name": 2, "missing_actor": 1}
    History(ledger, "okta", "run", "filter").add_run(manifest("filter", 9, 6, dropped=dropped), "scheduled")
    arrived = manifest("submit", 6, 2, dropped={"already_accepted": 4})
    History(ledger, "okta", "run", "submit").add_run(arrived, "scheduled")
    first, second = ask(client, "reasons", today())["reasons"]
    assert (first["code"], first["events"], first["fate"], first["stage"]) == (
        "null_display_name",
        2,
        "dropped",
        "filter",
    )
    assert first["words"]
    assert first["faq"].startswith("FAQ 2")
    assert (second["code"], second["events"]) == ("missing_actor", 1)


def test_reasons_of_others_are_not_shown(log_in: LogIn, ledger: Connection) -> None:
    dropped = manifest("filter", 2, 0, dropped={"no_usable_hash": 2})
    History(ledger, "sentinelone", "run", "filter").add_run(dropped, "scheduled")
    assert ask(log_in("only-okta"), "reasons", today())["reasons"] == []
    assert len(ask(log_in("reader"), "reasons", today())["reasons"]) == 1


def test_without_a_ledger_the_note_says_why(client: TestClient) -> None:
    found = ask(client, "days")
    assert found["days"] == []
    assert "collective_insights_ledger does not exist" in found["note"]


def test_ledgers_of_others_are_not_mentioned(log_in: LogIn, delivered: Connection, connectors_file: Path) -> None:
    connectors_file.write_text(TWO_LEDGERS)
    assert "ledger_of_another_tenant" in ask(log_in("reader"), "days")["note"]
    found = ask(log_in("only-okta"), "days")
    assert (found["note"], found["detections"]) == ("", 3)


def test_deliveries_of_a_removed_connector_are_kept(
    client: TestClient, delivered: Connection, connectors_file: Path
) -> None:
    connectors_file.write_text(TWO_LEDGERS.replace("name: sentinelone", "name: other"))
    found = ask(client, "days", f"{MARCH}&connector=okta&connector=sentinelone")
    assert (found["detections"], found["note"]) == (4, "")


def test_ledger_without_rows_gives_an_empty_answer(client: TestClient, ledger: Connection) -> None:
    for what in ("days", "reasons", "indicators", "techniques"):
        assert ask(client, what)["note"] == ""


def test_tactics_are_in_the_order_of_the_matrix(client: TestClient) -> None:
    answer = client.get("/api/tactics").json()
    assert answer["version"] == "18.1"
    tactics = answer["tactics"]
    assert len(tactics) == 14
    assert tactics[0] == {"id": "TA0043", "shortname": "reconnaissance", "name": "Reconnaissance"}


@pytest.mark.parametrize("what", ["days", "reasons", "indicators", "techniques"])
@pytest.mark.parametrize(
    "more",
    ["since=yesterday", "until=9999-12-31T23:59:59Z", "until=0001-01-02T00:00:00Z", "since=1969-12-31T00:00:00Z"],
)
def test_invalid_range_is_a_sentence(client: TestClient, what: str, more: str) -> None:
    answer = client.get(f"/api/trends/{what}?{more}")
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")
