"""The requests to the System Log, and the handling of Okta's limits and errors."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import requests

from ci_operators.core.errors import (
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnreadableAnswerError,
)
from ci_operators.core.window import Window
from ci_operators.sources.okta.api import explain, fetch
from ci_operators.sources.okta.options import OktaConnector
from simulator import Limits, Simulator
from tests.fuzz.answering import URL, Reply, open_session
from tests.sources.okta.specimens import SPECIMENS
from tests.sources.specimens import Wire, wired
from tests.vendor_cases import OKTA, WINDOW
from tests.virtual_time import NOON, VirtualTime

CONNECTOR = OktaConnector(name="acme")
RESET = int(NOON.timestamp()) + 30
DATE = {"Date": "Tue, 10 Mar 2026 12:00:00 GMT"}


def add_events(vendors: Simulator, count: int) -> None:
    SPECIMENS.serve_events(vendors, SPECIMENS.spread_events(count))


def fetch_all(wire: Wire, window: Window = WINDOW) -> list[bytes]:
    pages = fetch(wire.client, CONNECTOR, window)
    return [event for page in pages for event in page.events]


def test_requests_are_bounded_ordered_and_filtered(wire: Wire) -> None:
    add_events(wire.simulator, 1001)
    assert len(fetch_all(wire)) == 1001
    first, second = wire.simulator.requests
    assert dict(first.query) == {
        "since": "2026-03-10T11:00:00.000Z",
        "until": "2026-03-10T12:00:00.000Z",
        "filter": 'eventType eq "security.threat.detected"',
        "sortOrder": "ASCENDING",
        "limit": "1000",
    }
    assert dict(second.query).pop("after")
    assert wire.session.sent[0].headers["Authorization"] == f"SSWS {OKTA.token}"


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_an_empty_page_with_a_next_link_does_not_end_it(skip: int, wire: Wire) -> None:
    add_events(wire.simulator, 2500)
    wire.simulator.add_fault("okta", "empty_page", skip=skip, count=3)
    assert len(fetch_all(wire)) == 2500
    assert len(wire.session.sent) == 6


def test_an_empty_page_that_leads_to_itself_ends_it(wire: Wire) -> None:
    """Polling ends this way, in case Okta treats a bounded request as polling."""
    headers = {"Link": f'<{wire.simulator.url}/api/v1/logs?after=1>; rel="next"'}
    wire.simulator.add_fault("okta", "status", status=200, body=[{}], headers=headers)
    wire.simulator.add_fault("okta", "status", status=200, body=[], headers=headers)
    assert fetch_all(wire) == [b"{}"]
    assert len(wire.session.sent) == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://foreign.example.net/api/v1/users?after=1",
        "/api/v1/logs/../users?after=1",
        "https://[::1/api/v1/logs?after=1",
    ],
)
def test_a_next_link_to_elsewhere_is_refused(link: str, wire: Wire) -> None:
    wire.simulator.add_fault("okta", "status", status=200, body=[{}], headers={"Link": f'<{link}>; rel="next"'})
    with pytest.raises(RequestRefusedError, match="next link"):
        fetch_all(wire)
    assert len(wire.session.sent) == 1


def test_a_foreign_next_link_is_named_without_the_token(wire: Wire) -> None:
    link = f"https://{OKTA.token}@{OKTA.token}.example.net/{OKTA.token}?after=1"
    wire.simulator.add_fault("okta", "status", status=200, body=[{}], headers={"Link": f'<{link}>; rel="next"'})
    with pytest.raises(RequestRefusedError, match=r"points to \*\*\*\.example\.net/\*\*\*, not to /api/v1/logs"):
        fetch_all(wire)


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("/{path}{token}", "/{path}***"),
        ("/{token}/logs", "/***/logs"),
        ("{token}.example.net/users", "***.example.net/users"),
        ("/{half}\0{rest}", "/***"),
        ("/a\x1b[2Jb\x85c", "/a\ufffd[2Jb c"),
    ],
)
def test_a_next_link_is_named_clean_and_without_any_part_of_the_token(
    place: str, named: str, virtual_time: VirtualTime
) -> None:
    token, path = "00" + "t" * 198, "p" * 150
    words = {"path": path, "token": token, "half": token[:9], "rest": token[9:]}
    headers = {"Link": f'<https://{place.format(**words)}?after=1>; rel="next"'}
    with (
        open_session(lambda _: Reply(200, b"[{}]", headers)) as answering,
        pytest.raises(RequestRefusedError) as caught,
    ):
        fetch_all_with(URL, answering, virtual_time, token)
    assert str(caught.value) == f"Okta's next link points to {named.format(path=path)}, not to /api/v1/logs."


@pytest.mark.parametrize(
    ("skip", "sentence"),
    [
        (0, r"Okta's next link points to the first page again: it has no `after`\."),
        (1, r"Okta sent the same page token twice, so the pages would never end\."),
    ],
    ids=["page 1", "page 2"],
)
def test_a_next_link_that_leads_back_is_retried_on_every_page(skip: int, sentence: str, wire: Wire) -> None:
    add_events(wire.simulator, 2500)
    wire.simulator.add_fault("okta", "repeated_cursor", skip=skip)
    with pytest.raises(UnreadableAnswerError, match=sentence):
        fetch_all(wire)
    assert len(wire.session.sent) == skip + 1


def test_a_page_token_leads_to_the_connections_host_alone(wire: Wire) -> None:
    """It comes from the staging area, which others may have written to."""
    client = wire.client
    list(fetch(client, CONNECTOR, WINDOW, ["@foreign.example.net/api/v1/logs?after=1"]))
    assert wire.session.hosts == {wire.simulator.url.removeprefix("http://")}


def test_it_pauses_before_the_budget_is_empty() -> None:
    with wired(SPECIMENS, limits=Limits(okta_per_minute=10)) as wire:
        add_events(wire.simulator, 12_500)
        wire.time.sleep(30)  # the minute began with another client's request
        pages = fetch(wire.client, CONNECTOR, WINDOW)
        read = [next(pages) for _ in range(9)]
        with pytest.raises(RateLimitedError, match=r"Okta's rate limit is used up\.") as caught:
            next(pages)
        assert caught.value.retry_after_s == 61.0  # after the ninth: one of ten stays unused
        wire.time.sleep(61)
        tokens = [page.token for page in read if page.token]
        read += fetch(wire.client, CONNECTOR, WINDOW, tokens)
        assert sum(len(page.events) for page in read) == 12_500
        assert [entry.status for entry in wire.simulator.requests] == [200] * 13


def test_a_429_is_waited_out_until_the_reset_by_the_servers_clock(wire: Wire) -> None:
    wire.simulator.add_fault("okta", "status", status=429, headers={"X-Rate-Limit-Reset": str(RESET)})
    client = wire.client
    client.pacer.now = lambda: wire.time().timestamp() - 86_400  # a local clock that is a day slow
    assert [page.events for page in fetch(client, CONNECTOR, WINDOW)] == [[]]
    assert wire.time.slept == [31.0]


def test_a_concurrency_429_is_waited_out_in_its_own_way(wire: Wire) -> None:
    wire.simulator.add_fault("okta", "concurrency_limit", count=2)
    fetch_all(wire)
    assert wire.time.slept == [1.0, 2.0]


def test_errors_carry_oktas_words_and_the_id_its_support_asks_for(wire: Wire) -> None:
    window = Window(NOON - timedelta(days=200), NOON)
    with pytest.raises(RequestRefusedError, match=r"400 .*E0000053: .*180 days.*errorId oae"):
        fetch_all(wire, window)
    with pytest.raises(CredentialsError, match=r"E0000011: Invalid token provided: errorId .*expires after 30 days"):
        fetch_all_with(wire.simulator.url, wire.session, wire.time, "another-token-altogether")


def fetch_all_with(url: str, session: requests.Session, time: VirtualTime, token: str) -> None:
    list(fetch(OKTA.connect(url, session, time, token), CONNECTOR, WINDOW))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"errorCode": "E1", "errorSummary": "Bad", "errorId": "oae1"}, "E1: Bad: errorId oae1"),
        ({"errorCode": "E1", "errorSummary": "Bad", "errorCauses": [{"errorSummary": "since"}]}, "E1: Bad: since"),
        ({"errorCode": "E1", "errorSummary": None, "errorId": None}, "E1"),
        ({"errorCauses": "since"}, ""),
        ({"errorCauses": 7}, ""),
        ({"error": "invalid_token", "error_description": "no scope"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_are_explained(error: Any, said: str) -> None:
    assert explain(json.dumps(error).encode()) == said
