"""Why an event did not arrive, as the page gets it. A slow source is asked once, for a short time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from ci_operators.answers.question import NEVER, Deadline
from ci_operators.core.connector import Connector
from ci_operators.core.errors import UnavailableError
from ci_operators.hooks.vendor import VendorHook
from ci_operators.ledger.history import History
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages import explanations
from ci_operators.pages.explanations import AT_ONCE, BusyError, SourceQuestions
from ci_operators.sources.registry import OPTIONS
from ci_operators.staging.artifact import write_artifact
from ci_operators.transport.client import Client
from simulator import Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN
from tests.commands.conftest import okta_event
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


def connect(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    connection = {"conn_type": "okta", "host": url, "password": OKTA_TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps(connection))


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
    assert (verdict["fate"], verdict["headline"]) == ("dropped", "It did not arrive: filter dropped it.")
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
def test_connectors_without_permission_are_not_mentioned(log_in: LogIn, dropped: Connection, q: str) -> None:
    accept_batch(dropped, 1)
    assert ask(log_in("reader"), q)["kind"] != "nothing"
    found = ask(log_in("only-nothing"), q)
    assert found["kind"] == "nothing"
    assert "okta" not in str(found["sentences"])
    assert found["matches"] == found["steps"] == found["sources"] == []


def test_staged_event_explains_missing_codes(client: TestClient, ledger: Connection, connectors_file: Path) -> None:
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
        connect(monkeypatch, vendors.url)
        vendors.add_okta_event(okta_event(1, datetime.now(UTC) - timedelta(minutes=1)))
        assert ask(client, "event-0001", "okta")["sources"][0]["found"]
        found = ask(client, "nobody-knows-it", "okta")
    assert found["kind"] == "nothing"
    assert found["sentences"] == ["Neither the ledger nor Okta knows the event."]
    assert found["verdict"]["headline"] == "Nothing is known about nobody-knows-it"
    assert found["sources"][0]["words"] == "Okta does not have the event."
    assert found["sources"][0]["sentence"] == "okta: Okta does not have the event."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "did not answer in 0.1 s."),
        (refusal(503), "Okta answered 503."),
        (refusal(429, "Retry-After: 50"), "Okta answered 429: too many requests. Try again in 50 s."),
        (refusal(429), "Okta answered 429: too many requests. Try again later."),
    ],
)
def test_slow_source_is_asked_once(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setattr(explanations, "TIMEOUT_S", (5.0, 0.1))
    with serve_unhelpfully(answer) as server:
        connect(monkeypatch, server.url)
        (sentence,) = ask(client, "event-7", "okta")["sentences"]
        assert len(server.asked) == 1
        accept_batch(ledger, 1)
        (why,) = ask(client, "event-1", "okta")["codes_why"]
        assert len(server.asked) == 2
    assert sentence.startswith("okta: Okta could not be asked: ")
    assert why.startswith("okta: no ATT&CK codes. The event cannot be read again: ")
    assert sentence.endswith(words)
    assert why.endswith(words)


def test_page_gives_up_after_its_deadline(
    client: TestClient, ledger: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "PATIENCE_S", -1.0)
    accept_batch(ledger, 1)
    assert "Not asked: okta." in ask(client, "event-7", "okta")["sentences"][0]
    assert "the answer took too long" in ask(client, "event-1", "okta")["codes_why"][0]


NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OKTA: Connector = OPTIONS["okta"].model_validate({"name": "okta", "source": "okta", "debug": False})


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[BoundedSemaphore]:
    """Slots for this test; all of them are free again at its end."""
    own = BoundedSemaphore(AT_ONCE)
    monkeypatch.setattr(explanations, "turns", own)
    monkeypatch.setattr(explanations, "TIMEOUT_S", (5.0, 0.1))
    monkeypatch.setattr(explanations, "TURN_S", 0.01)
    yield own
    assert all(own.acquire(timeout=10.0) for _ in range(AT_ONCE))


def test_an_endless_answer_keeps_its_slot(monkeypatch: pytest.MonkeyPatch, turns: BoundedSemaphore) -> None:
    monkeypatch.setattr(explanations, "TIMEOUT_S", (5.0, 60.0))
    with serve_unhelpfully(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", drips=True) as server:
        connect(monkeypatch, server.url)
        with pytest.raises(UnavailableError, match=r"Okta did not answer in time\."):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, Deadline.after(1.0))
        assert [turns.acquire(blocking=False) for _ in range(AT_ONCE)] == [True, True, False]
        turns.release()
        turns.release()


@pytest.mark.parametrize(("left", "expected"), [(60.0, (5.0, 0.1)), (0.05, (0.05, 0.05)), (-1.0, (0.01, 0.01))])
def test_no_request_exceeds_the_remaining_time(
    monkeypatch: pytest.MonkeyPatch, turns: BoundedSemaphore, left: float, expected: tuple[float, float]
) -> None:
    asked_with = list[tuple[float, float]]()
    get_hasty_client = VendorHook.get_hasty_client

    def note(hook: VendorHook, timeout_s: tuple[float, float]) -> Client:
        asked_with.append(timeout_s)
        return get_hasty_client(hook, timeout_s)

    monkeypatch.setattr(VendorHook, "get_hasty_client", note)
    monkeypatch.setattr(explanations, "SHORTEST_S", 0.01)
    with serve_unhelpfully() as server:
        connect(monkeypatch, server.url)
        with pytest.raises(UnavailableError):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, Deadline.after(left, lambda: 100.0))
    assert asked_with == [pytest.approx(expected)]


def test_concurrent_questions_are_limited(monkeypatch: pytest.MonkeyPatch, turns: BoundedSemaphore) -> None:
    with serve_unhelpfully() as server:
        connect(monkeypatch, server.url)
        for _ in range(AT_ONCE):
            assert turns.acquire(blocking=False)
        questions = SourceQuestions()
        with pytest.raises(BusyError, match="Other people are asking the sources now"):
            questions.fetch(OKTA, "event-0001", NOW, NEVER)
        turns.release()
        with pytest.raises(BusyError):  # a request waits once, not once per connector
            questions.fetch(OKTA, "event-0001", NOW, NEVER)
        assert server.asked == []
        with pytest.raises(UnavailableError):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, NEVER)
        assert len(server.asked) == 1
        for _ in range(AT_ONCE - 1):
            turns.release()
