"""The requests to the SIEM API, and the handling of its limits and errors."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from ci_operators.core.errors import (
    ConfigurationError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from ci_operators.core.window import Window
from ci_operators.sources.proofpoint.api import API, COOLDOWN_S, fetch
from ci_operators.sources.proofpoint.options import ProofpointTAPConnector
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.paging import Page
from simulator import Simulator, serve
from simulator.proofpoint import api as simulated
from simulator.proofpoint.api import PRINCIPAL, SECRET, SECRET_OF_ANOTHER_PRODUCT
from tests.noting_session import NotingSession
from tests.sources.proofpoint.specimens import SPECIMENS, message, threat
from tests.sources.specimens import Wire, run_steps, wired
from tests.virtual_time import NOON, VirtualTime

CONNECTOR = ProofpointTAPConnector(name="acme")
DAY = Window(NOON - timedelta(days=1), NOON)
#: Proofpoint's answer without events; one of its endpoints misspells a member in it.
EMPTY: dict[str, Any] = {
    "queryEndTime": "2026-03-10T12:00:00Z",
    "messagesDelivered:": [],
    "clicksPermitted": [],
    "clicksBlocked": None,
}


def read(wire: Wire, window: Window = DAY, tokens: list[str] | None = None) -> list[Page]:
    return list(fetch(wire.client, CONNECTOR, window, tokens or []))


def ids_of(pages: list[Page]) -> list[str]:
    return [json.loads(event)["id"] for page in pages for event in page.events]


def add_click(vendors: Simulator, instant: datetime, number: int, late: timedelta | None = None) -> None:
    visible_from = None if late is None else instant + late
    vendors.add_event("proofpoint", SPECIMENS.make_event(instant, number), visible_from)


def intervals(wire: Wire) -> list[str]:
    return [dict(entry.query)["interval"] for entry in wire.simulator.requests]


def test_a_day_takes_24_requests_of_an_hour(wire: Wire) -> None:
    for hours in range(25):
        add_click(wire.simulator, DAY.since + timedelta(hours=hours), hours)
    pages = read(wire)
    assert [len(page.events) for page in pages] == [1] * 24
    found = intervals(wire)
    assert (found[0], found[-1]) == (
        "2026-03-09T12:00:00.000Z/2026-03-09T13:00:00.000Z",
        "2026-03-10T11:00:00.000Z/2026-03-10T12:00:00.000Z",
    )
    assert dict(wire.simulator.requests[0].query)["format"] == "json"
    pair = base64.b64encode(f"{PRINCIPAL}:{SECRET}".encode()).decode()
    assert wire.session.sent[0].headers["Authorization"] == f"Basic {pair}"


def test_events_at_the_edges_of_requests_come_once(wire: Wire) -> None:
    window = Window(NOON - timedelta(hours=3), NOON)
    edges = [window.since, NOON - timedelta(hours=2), NOON - timedelta(hours=1)]
    for number, instant in enumerate([*edges, *edges, NOON]):
        add_click(wire.simulator, instant, number)
    wire.time.sleep(60)
    assert Counter(ids_of(read(wire, window))) == Counter(f"click-{number:05d}" for number in range(6))


def test_all_four_lists_are_read(wire: Wire) -> None:
    answer = {"queryEndTime": "x", **{name: [{"id": name}] for name in simulated.LISTS}}
    wire.simulator.add_fault("proofpoint", "status", status=200, body=answer)
    assert ids_of(read(wire, Window(NOON - timedelta(minutes=30), NOON))) == list(simulated.LISTS)


@pytest.mark.parametrize(
    ("status", "body"), [(204, b""), (200, EMPTY), (200, {"queryEndTime": "x"})], ids=["204", "empty lists", "no lists"]
)
def test_an_answer_without_events_is_not_the_end(status: int, body: Any, wire: Wire) -> None:
    for hours in range(4):
        add_click(wire.simulator, NOON - timedelta(hours=4 - hours), hours)
    wire.simulator.add_fault("proofpoint", "status", status=status, body=body, skip=1)
    window = Window(NOON - timedelta(hours=4), NOON)
    assert ids_of(read(wire, window)) == ["click-00000", "click-00002", "click-00003"]


def test_an_answer_that_ends_early_fails_the_try(wire: Wire) -> None:
    body = {**EMPTY, "queryEndTime": "2026-03-10T11:30:00Z"}
    wire.simulator.add_fault("proofpoint", "status", status=200, body=body, skip=23)
    with pytest.raises(UnreadableAnswerError, match=r"only until 2026-03-10T11:30:00Z, not until 2026-03-10T12:00:00"):
        read(wire)


@pytest.mark.parametrize("body", [[], {}, {"messagesDelivered": []}, {"queryEndTime": "x", "clicksBlocked": {}}, "[]"])
def test_another_answer_is_unreadable(body: Any, wire: Wire) -> None:
    wire.simulator.add_fault("proofpoint", "status", status=200, body=body, count=9)
    with pytest.raises(UnreadableAnswerError, match=r"Proofpoint TAP answered 200 with .*not the expected JSON"):
        read(wire)


@pytest.mark.parametrize("fault", ["drop_connection", "status"])
def test_a_request_that_dies_in_mid_window_continues_there(fault: str, wire: Wire) -> None:
    for hours in range(24):
        add_click(wire.simulator, DAY.since + timedelta(hours=hours, minutes=5), hours)
    wire.simulator.add_fault("proofpoint", fault, skip=10, count=wire.client.attempts)
    pages = fetch(wire.client, CONNECTOR, DAY, ())
    found = [next(pages) for _ in range(10)]
    with pytest.raises(UnavailableError):
        next(pages)
    tokens = [page.token for page in found if page.token]
    wire.simulator.clear_requests()
    assert ids_of([*found, *read(wire, DAY, tokens)]) == [f"click-{number:05d}" for number in range(24)]
    assert len(wire.simulator.requests) == 14


def test_events_that_come_late_are_in_the_next_window_with_its_overlap(wire: Wire) -> None:
    instant = NOON - timedelta(minutes=32)
    add_click(wire.simulator, instant, 1, late=timedelta(minutes=29))
    first = Window(NOON - timedelta(hours=1), NOON - timedelta(minutes=30))
    wire.time.instant = first.until + timedelta(minutes=1)
    assert ids_of(read(wire, first)) == []
    wire.time.instant = NOON + timedelta(minutes=1)
    assert ids_of(read(wire, Window(first.until - CONNECTOR.overlap, NOON))) == ["click-00001"]
    assert len(wire.simulator.requests) == 2, "window and overlap fit into a request"


def test_a_used_up_budget_frees_the_slot_and_keeps_the_pages(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "DAILY", 20)
    pages = fetch(wire.client, CONNECTOR, DAY, ())
    found = [next(pages) for _ in range(20)]
    with pytest.raises(RateLimitedError, match=r"429 \(The user has made too many requests over .*24 hours") as caught:
        next(pages)
    assert caught.value.retry_after_s == COOLDOWN_S
    assert [entry.status for entry in wire.simulator.requests] == [200] * 20 + [429]
    assert wire.time.slept == []
    wire.time.sleep(86_400)
    tokens = [page.token for page in found if page.token]
    assert len(read(wire, DAY, tokens)) == 4


def test_seven_days_can_be_asked_for_and_no_more(wire: Wire) -> None:
    week = Window(NOON - timedelta(days=7), NOON)
    for number, age in enumerate((timedelta(days=7), timedelta(days=7) - timedelta(minutes=6))):
        add_click(wire.simulator, NOON - age, number)
    assert ids_of(read(wire, week)) == ["click-00001"]
    assert {entry.status for entry in wire.simulator.requests} == {200}
    assert len(wire.simulator.requests) == 168


def test_errors_carry_proofpoints_words(wire: Wire) -> None:
    wire.simulator.add_fault("proofpoint", "status", status=400, body="The requested interval is too short. " * 30)
    with pytest.raises(RequestRefusedError, match=r"answered 400 \(The requested interval is too short") as caught:
        read(wire)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (SECRET_OF_ANOTHER_PRODUCT, "403 .*does not have the right to read TAP's SIEM API: it is from another product"),
        ("0123456789abcdef", "401 .*secret is unknown or from another Proofpoint product. Create both in the TAP"),
    ],
)
def test_a_principal_of_another_product_is_named(secret: str, sentence: str) -> None:
    with wired(SPECIMENS, token=secret) as wire, pytest.raises(CredentialsError, match=sentence):
        API.check(wire.client)


@pytest.mark.parametrize(
    ("principal", "secret", "sentence"),
    [
        ("", SECRET, "Connection tap: principal is empty. Create both in the TAP dashboard"),
        ("<principal>", SECRET, "Connection tap: principal is still a placeholder."),
        (PRINCIPAL, "", "Connection tap: password is empty."),
        (PRINCIPAL, "two words", "Connection tap: password contains a space"),
    ],
)
def test_an_incomplete_pair_is_named_with_its_field(
    principal: str, secret: str, sentence: str, session: NotingSession, virtual_time: VirtualTime
) -> None:
    credentials = Credentials("tap", "", secret, {"principal": principal} if principal else {})
    with pytest.raises(ConfigurationError, match=sentence):
        open_client(API, credentials, session, virtual_time.pacer())


def test_the_pair_is_masked_and_the_url_may_be_empty(session: NotingSession, virtual_time: VirtualTime) -> None:
    masked: list[str] = []
    credentials = Credentials("tap", "", SECRET, {"principal": PRINCIPAL}, masked.append)
    client = open_client(API, credentials, session, virtual_time.pacer())
    assert client.base_url == "https://tap-api-v2.proofpoint.com"
    assert masked == [base64.b64encode(f"{PRINCIPAL}:{SECRET}".encode()).decode()]
    assert SECRET not in client.quote(f"{SECRET} {masked[0]}", 300)


def test_a_message_that_comes_back_with_another_threat_repeats_its_detections() -> None:
    first = run_steps(SPECIMENS.source, CONNECTOR, json.dumps(message()).encode())
    later = threat(threat="https://other.example.org/b", threatTime="2026-03-10T15:00:00.000Z")
    again = run_steps(SPECIMENS.source, CONNECTOR, json.dumps(message(threat(), later)).encode())
    assert first.detections == again.detections[:1], "the ledger knows it by event and indicator"
    assert len(again.detections) == 2


def test_ten_thousand_indicators_in_one_message_are_as_many_detections() -> None:
    threats = [threat(threat=f"https://n{number}.example.com/a", threatID=str(number)) for number in range(10_000)]
    event = json.dumps(message(*threats, threat(threat="N/A"), threat())).encode()
    outcome = run_steps(SPECIMENS.source, CONNECTOR, event)
    assert len(outcome.detections) == 10_001
    assert outcome.notes == ["threat_left_out"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"update_frequency": "1 minute"}, "need 1440 requests a day; 900 are allowed"),
        ({"update_frequency": "2 minutes", "overlap": "1 hour"}, "need 1440 requests a day"),
        ({"score_groups": [{}]}, "at least 1 item"),
        ({"score_groups": [{"phish": 101}]}, "less than or equal to 100"),
        ({"score_groups": [{"fish": 1}]}, "'phish', 'malware', 'impostor' or 'spam'"),
        ({"initial_import": "8 days"}, "at most 7 days, because the source does not keep its events longer"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ProofpointTAPConnector.model_validate({"name": "acme", "source": "proofpoint", **options})


def test_options_at_the_limit_are_taken() -> None:
    for options in ({"update_frequency": "2 minutes"}, {"initial_import": "7 days"}, {"score_groups": [{"phish": 0}]}):
        assert ProofpointTAPConnector.model_validate({"name": "acme", "source": "proofpoint", **options})


def test_all_events_of_the_history_have_a_fate(session: NotingSession, virtual_time: VirtualTime) -> None:
    fates: Counter[str] = Counter()
    with serve(Simulator(clock=virtual_time)) as simulator:
        client = SPECIMENS.case.connect(simulator.url, session, virtual_time)
        pages = fetch(client, CONNECTOR, Window(NOON - timedelta(days=3), NOON))
        for event in (event for page in pages for event in page.events):
            outcome = run_steps(SPECIMENS.source, CONNECTOR, event)
            fates.update(["sent"] if outcome.detections else [type(each).__name__ for each in outcome.verdicts])
            fates.update(outcome.notes)
    assert fates["sent"] > 300
    assert fates["Dropped"] > 20
    assert fates["Quarantined"] == 0
    assert {"threat_left_out", "unknown_classification", "no_classification", "url_without_scheme"} <= set(fates)
