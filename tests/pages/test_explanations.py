"""Why an event did not arrive, as the page gets it."""

from __future__ import annotations

import json
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from ci_operators.ledger.history import History
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages import explanations, source_questions
from ci_operators.staging.artifact import write_artifact
from simulator import Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN
from tests.ledger.delivered import accept_batch
from tests.pages.conftest import LogIn
from tests.pages.test_connectors import manifest
from tests.pages.unhelpful_server import refusal, serve_unhelpfully


def ask(client: TestClient, q: str, more: str = "") -> dict[str, Any]:
    """Return the explanation of an event or an indicator."""
    answer = client.get("/api/explain", params={"q": q, **({"connector": more} if more else {})})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def dropped(ledger: Connection) -> Connection:
    """An event that okta has dropped."""
    History(ledger, "okta", "run", "filter").add_dropped([[b'{"event_id":"event-9","reason":"null_display_name"}']])
    return ledger


def test_dropped_event_is_explained_by_the_rule_and_the_faq(client: TestClient, dropped: Connection) -> None:
    found = ask(client, " event-9 ")
    assert found["kind"] == "event"
    assert "dropped by filter (null_display_name)" in found["sentences"][0]
    verdict = found["verdict"]
    assert (verdict["fate"], verdict["headline"]) == ("dropped", "It did not arrive: filter left it out.")
    assert "FAQ 2" in verdict["reason"]
    step = found["steps"][-1]
    assert (step["stage"], step["fate"], step["code"]) == ("filter", "dropped", "null_display_name")
    assert step["faq"].startswith("FAQ 2")
    assert step["dag_id"] == "collective_insights_okta"


def test_indicator_leads_to_its_detections(client: TestClient, ledger: Connection) -> None:
    accept_batch(ledger, 1)
    accept_batch(ledger, 1, connector="sentinelone")
    found = ask(client, "198.51.100.1")
    assert found["kind"] == "indicator"
    assert {match["connector"] for match in found["matches"]} == {"okta", "sentinelone"}
    assert {match["state_words"] for match in found["matches"]} == {"stored by Recorded Future"}
    assert found["summary"].startswith("2 detections of 198.51.100.1 by ")
    assert found["problems"] == []


@pytest.mark.parametrize("q", ["event-9", "198.51.100.1"])
def test_nobody_learns_of_connectors_that_they_may_not_read(log_in: LogIn, dropped: Connection, q: str) -> None:
    accept_batch(dropped, 1)
    assert ask(log_in("reader"), q)["kind"] != "nothing"
    found = ask(log_in("only-nothing"), q)
    assert found["kind"] == "nothing"
    assert "okta" not in str(found["sentences"])
    assert found["matches"] == found["steps"] == found["sources"] == []


def test_staged_event_tells_why_there_are_no_codes(
    client: TestClient, ledger: Connection, connectors_file: Path
) -> None:
    del connectors_file
    accept_batch(ledger, 1)
    directory = Path(run_directory("collective_insights_okta", "scheduled__1").path)
    with write_artifact(directory / "extract.jsonl.zst") as out:
        out.write(
            b'{"uuid":"event-1","eventType":"security.threat.detected","published":"2026-03-10T12:00:00.000Z",'
            b'"actor":{"displayName":"198.51.100.1"},"outcome":{"reason":null}}'
        )
    extract = manifest("extract", 1, 1, artifact="x")
    History(ledger, "okta", "scheduled__1", "extract").add_run(extract, "scheduled")
    (why,) = ask(client, "event-1")["codes_why"]
    assert "outcome.reason is null" in why
    assert "FAQ 3" in why


def test_event_that_no_ledger_knows_is_asked_of_the_source(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Simulator(scenario=False, limits=Limits.off())) as vendors:
        connection = {"conn_type": "okta", "host": vendors.url, "password": OKTA_TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps(connection))
        found = ask(client, "nobody-knows-it", "okta")
    assert found["kind"] == "nothing"
    assert found["sentences"] == ["Neither the ledger nor Okta knows the event."]
    assert found["verdict"]["headline"] == "Nothing is known of nobody-knows-it"
    assert found["sources"][0]["words"] == "Okta does not know the event."
    assert found["sources"][0]["sentence"] == "okta: Okta does not know the event."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "did not answer in 0.1 s."),
        (refusal(503), "Okta answered 503."),
        (refusal(429, "Retry-After: 50"), "Okta answered 429: too many requests. Try again in 50 s."),
    ],
)
def test_source_that_lets_people_wait_is_asked_once(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setattr(source_questions, "TIMEOUT_S", (5.0, 0.1))
    with serve_unhelpfully(answer) as server:
        connection = {"conn_type": "okta", "host": server.url, "password": OKTA_TOKEN}
        monkeypatch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps(connection))
        (sentence,) = ask(client, "event-7", "okta")["sentences"]
        assert len(server.asked) == 1
        accept_batch(ledger, 1)
        (why,) = ask(client, "event-1", "okta")["codes_why"]
        assert len(server.asked) == 2
    assert sentence.startswith("okta: Okta could not be asked: ")
    assert why.startswith("okta: no ATT&CK codes. The event cannot be looked at again: ")
    assert sentence.endswith(words)
    assert why.endswith(words)


def test_while_others_ask_a_sentence_says_so(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_questions, "turns", BoundedSemaphore(1))
    monkeypatch.setattr(source_questions, "TURN_S", 0.01)
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps({"host": "127.0.0.1:9", "password": OKTA_TOKEN}))
    with source_questions.turns:
        assert ask(client, "event-7", "okta")["sentences"] == [
            "okta: Okta could not be asked: Others are asking the sources just now: try again in a moment."
        ]


def test_page_has_an_end_of_its_patience(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "PATIENCE_S", -1.0)
    accept_batch(ledger, 1)
    assert "not asked: okta." in ask(client, "event-7", "okta")["sentences"][0]
    assert "the time is over" in ask(client, "event-1", "okta")["codes_why"][0]


@pytest.mark.parametrize(("q", "words"), [("", "Name an event's id"), ("x" * 401, "401 characters")])
def test_question_without_sense_is_told_so(client: TestClient, ledger: Connection, q: str, words: str) -> None:
    answer = client.get("/api/explain", params={"q": q})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("q", ["%", "_", "' OR 1=1 --", "<script>alert(1)</script>", "\0", "\U0001f4a5", "*"])
def test_odd_question_is_plain_text(client: TestClient, dropped: Connection, q: str) -> None:
    answer = client.get("/api/explain", params={"q": q, "connector": "trial"})
    assert answer.status_code in (200, 400)
    assert "event-9" not in answer.text
