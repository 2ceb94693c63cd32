"""Sources that let people wait: the page asks once, for a short time, and few at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from typing import Any

import pytest

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError, RateLimitedError, UnavailableError
from ci_operators.hooks.vendor import VendorHook
from ci_operators.pages import source_questions
from ci_operators.pages.source_questions import AT_ONCE, BusyError, SourceQuestions
from ci_operators.sources.registry import OPTIONS
from ci_operators.transport.client import Client
from simulator import Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN
from tests.commands.conftest import okta_event
from tests.pages.unhelpful_server import refusal, serve_unhelpfully

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
OKTA: Connector = OPTIONS["okta"].model_validate({"name": "okta", "source": "okta", "debug": False})


@pytest.fixture(autouse=True)
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[BoundedSemaphore]:
    """Turns of this test's own; all of them are free again at its end."""
    own = BoundedSemaphore(AT_ONCE)
    monkeypatch.setattr(source_questions, "turns", own)
    monkeypatch.setattr(source_questions, "TIMEOUT_S", (5.0, 0.1))
    monkeypatch.setattr(source_questions, "TURN_S", 0.01)
    yield own
    assert all(own.acquire(timeout=10.0) for _ in range(AT_ONCE))


@pytest.fixture
def asked_with(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Return the time-outs of the clients that were asked for."""
    seen = list[tuple[float, float]]()
    get_hasty_client = VendorHook.get_hasty_client

    def note(hook: VendorHook, timeout_s: tuple[float, float]) -> Client:
        seen.append(timeout_s)
        return get_hasty_client(hook, timeout_s)

    monkeypatch.setattr(VendorHook, "get_hasty_client", note)
    return seen


def connect(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    connection = {"conn_type": "okta", "host": url, "password": OKTA_TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_DEFAULT", json.dumps(connection))


def refuse(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, error: type[CollectiveInsightsError], words: str
) -> CollectiveInsightsError:
    """Ask a server once; return the error."""
    with serve_unhelpfully(answer) as server:
        connect(monkeypatch, server.url)
        with pytest.raises(error, match=words) as caught:
            SourceQuestions().fetch(OKTA, "event-0001", NOW, NEVER)
        assert len(server.asked) == 1
    return caught.value


def test_what_the_source_has_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Simulator(scenario=False, limits=Limits.off())) as vendors:
        connect(monkeypatch, vendors.url)
        monkeypatch.setattr(source_questions, "TIMEOUT_S", (5.0, 60.0))
        now = datetime.now(UTC)  # the log keeps no older events
        vendors.add_okta_event(okta_event(1, now - timedelta(minutes=1)))
        event = SourceQuestions().fetch(OKTA, "event-0001", now, NEVER)
        assert event is not None
        assert json.loads(event)["uuid"] == "event-0001"
        assert SourceQuestions().fetch(OKTA, "event-0002", now, NEVER) is None


def test_a_silent_source_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, b"", UnavailableError, r"did not answer in 0\.1 s\.")


def test_an_answer_without_end_is_left_to_itself_and_keeps_its_turn(
    monkeypatch: pytest.MonkeyPatch, turns: BoundedSemaphore
) -> None:
    monkeypatch.setattr(source_questions, "TIMEOUT_S", (5.0, 60.0))
    with serve_unhelpfully(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", drips=True) as server:
        connect(monkeypatch, server.url)
        with pytest.raises(UnavailableError, match=r"Okta did not end its answer in time\."):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, Deadline.after(1.0))
        assert [turns.acquire(blocking=False) for _ in range(AT_ONCE)] == [True, True, False]
        turns.release()
        turns.release()


def test_a_source_in_trouble_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, refusal(503, "Retry-After: 1"), UnavailableError, "Okta answered 503")


@pytest.mark.parametrize(("headers", "when"), [(["Retry-After: 50"], "in 50 s"), ([], "later")])
def test_a_rate_limit_is_told_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, headers: list[str], when: str
) -> None:
    words = rf"Okta answered 429: too many requests\. Try again {when}\."
    refuse(monkeypatch, refusal(429, *headers), RateLimitedError, words)


@pytest.mark.parametrize(("left", "expected"), [(60.0, (5.0, 0.1)), (0.05, (0.05, 0.05)), (-1.0, (0.01, 0.01))])
def test_no_request_gets_more_time_than_is_left(
    monkeypatch: pytest.MonkeyPatch, asked_with: Any, left: float, expected: tuple[float, float]
) -> None:
    monkeypatch.setattr(source_questions, "SHORTEST_S", 0.01)
    with serve_unhelpfully() as server:
        connect(monkeypatch, server.url)
        with pytest.raises(UnavailableError):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, Deadline.after(left, lambda: 100.0))
    assert asked_with == [pytest.approx(expected)]


def test_few_ask_at_once(monkeypatch: pytest.MonkeyPatch, turns: BoundedSemaphore) -> None:
    with serve_unhelpfully() as server:
        connect(monkeypatch, server.url)
        for _ in range(AT_ONCE):
            assert turns.acquire(blocking=False)
        questions = SourceQuestions()
        with pytest.raises(BusyError, match="Others are asking the sources just now: try again in a moment"):
            questions.fetch(OKTA, "event-0001", NOW, NEVER)
        turns.release()
        with pytest.raises(BusyError):  # a request waits once, not for each of its connectors
            questions.fetch(OKTA, "event-0001", NOW, NEVER)
        assert server.asked == []
        with pytest.raises(UnavailableError):
            SourceQuestions().fetch(OKTA, "event-0001", NOW, NEVER)
        assert len(server.asked) == 1
        for _ in range(AT_ONCE - 1):
            turns.release()
