"""The requests for threats, and the handling of SentinelOne's limits and errors."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import RequestRefusedError, UnreadableAnswerError
from ci_operators.core.window import Window
from ci_operators.sources.sentinelone.alerts_api import INTERVAL_S
from ci_operators.sources.sentinelone.api import explain, fetch, read_cursor
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from simulator import Limits, Simulator
from tests.sources.sentinelone.specimens import SPECIMENS, threat
from tests.sources.specimens import Wire, wired
from tests.vendor_cases import SENTINELONE, WINDOW

PLAIN = SentinelOneConnector(name="acme")
VERIFIED = SentinelOneConnector(name="acme", only_analyst_verified=True)


def add_threats(vendors: Simulator, count: int) -> None:
    SPECIMENS.serve_events(vendors, SPECIMENS.spread_events(count))


def fetch_all(wire: Wire, connector: SentinelOneConnector = PLAIN, window: Window = WINDOW) -> list[bytes]:
    pages = fetch(wire.client, connector, window)
    return [event for page in pages for event in page.events]


def test_plain_windows_hold_threats_by_their_creation(wire: Wire) -> None:
    add_threats(wire.simulator, 1001)
    assert len(fetch_all(wire)) == 1001
    first, second = (dict(entry.query) for entry in wire.simulator.requests)
    assert first == {
        "createdAt__gte": "2026-03-10T11:00:00.000Z",
        "createdAt__lt": "2026-03-10T12:00:00.000Z",
        "sortBy": "createdAt",
        "sortOrder": "asc",
        "limit": "1000",
        "skipCount": "true",
    }
    cursor = second.pop("cursor")
    assert second == first, "filters are repeated with the cursor"
    assert "%" not in cursor, "the cursor arrives encoded and is encoded once"
    assert wire.session.sent[0].headers["Authorization"] == f"ApiToken {SENTINELONE.token}"


def test_verified_windows_hold_threats_by_their_verdict(wire: Wire) -> None:
    created = WINDOW.since - timedelta(days=2)
    for number in range(3):
        wire.simulator.add_threat(SPECIMENS.make_event(created, number))
    wire.simulator.set_verdict(f"{0:019d}", "true_positive", WINDOW.since)
    wire.simulator.set_verdict(f"{1:019d}", "false_positive", WINDOW.since)
    (found,) = fetch_all(wire, VERIFIED)
    assert json.loads(found)["id"] == f"{0:019d}"
    query = dict(wire.simulator.requests[0].query)
    assert query["updatedAt__gte"] == "2026-03-10T11:00:00.000Z"
    assert (query["sortBy"], query["analystVerdicts"]) == ("updatedAt", "true_positive")
    assert fetch_all(wire, PLAIN) == []


def test_accounts_sites_and_verdicts_are_asked_for(wire: Wire) -> None:
    connector = SentinelOneConnector(
        name="acme",
        only_analyst_verified=True,
        verified_verdicts=("true_positive", "suspicious"),
        account_ids=("1", "2"),
        site_ids=("3",),
    )
    fetch_all(wire, connector)
    query = dict(wire.simulator.requests[0].query)
    assert query["analystVerdicts"] == "true_positive,suspicious"
    assert (query["accountIds"], query["siteIds"]) == ("1,2", "3")


def test_it_sends_ten_requests_a_second_at_most() -> None:
    with wired(SPECIMENS, limits=Limits(sentinelone_per_second=10.0, sentinelone_burst=1)) as wire:
        add_threats(wire.simulator, 5500)
        assert len(fetch_all(wire)) == 5500
        assert [entry.status for entry in wire.simulator.requests] == [200] * 6
        assert wire.time.slept == pytest.approx([INTERVAL_S] * 5)


@pytest.mark.parametrize(("retry_after_s", "waited"), [(None, 5.0), (3, 3.0)])
def test_a_429_is_an_html_page_and_waited_out(retry_after_s: int | None, waited: float) -> None:
    limits = Limits(sentinelone_per_second=0.5, sentinelone_burst=1, sentinelone_retry_after_s=retry_after_s)
    with wired(SPECIMENS, limits=limits) as wire:
        fetch_all(wire)
        fetch_all(wire)
        assert [entry.status for entry in wire.simulator.requests] == [200, 429, 200]
        assert wire.time.slept == pytest.approx([INTERVAL_S, waited])


@pytest.mark.parametrize("cursor", [None, "", "null"])
def test_the_end_is_written_in_three_ways(cursor: str | None, wire: Wire) -> None:
    body = {"data": [threat()], "pagination": {"nextCursor": cursor, "totalItems": 1}}
    wire.simulator.add_fault("sentinelone", "status", status=200, body=body)
    assert len(fetch_all(wire)) == 1
    assert len(wire.session.sent) == 1


@pytest.mark.parametrize("pagination", [{}, {"pagination": {}}, {"pagination": {"totalItems": 0}, "errors": None}])
def test_an_envelope_without_pagination_ends_it(pagination: Any, wire: Wire) -> None:
    wire.simulator.add_fault("sentinelone", "status", status=200, body={"data": [], **pagination})
    assert fetch_all(wire) == []


@pytest.mark.parametrize(
    "errors", [[{"code": 5000010, "title": "Internal Server Error"}], ["x"], {"code": 1}, "broken"]
)
def test_a_page_that_reports_errors_is_not_taken_for_whole(errors: Any, wire: Wire) -> None:
    body = {"data": [threat()], "pagination": {"nextCursor": None}, "errors": errors}
    wire.simulator.add_fault("sentinelone", "status", status=200, body=body)
    with pytest.raises(UnreadableAnswerError, match=r"answered 200 with errors \(.*\): the page may be incomplete"):
        fetch_all(wire)


@pytest.mark.parametrize("errors", [None, []])
def test_a_page_without_errors_is_read(errors: Any, wire: Wire) -> None:
    body = {"data": [threat()], "pagination": {"nextCursor": None}, "errors": errors}
    wire.simulator.add_fault("sentinelone", "status", status=200, body=body)
    assert len(fetch_all(wire)) == 1


@pytest.mark.parametrize("body", [[], {"errors": [{"code": 1}]}, {"data": None}, {"data": [], "pagination": None}])
def test_another_envelope_is_unreadable(body: Any, wire: Wire) -> None:
    wire.simulator.add_fault("sentinelone", "status", status=200, body=body, count=10)
    with pytest.raises(UnreadableAnswerError, match="not the expected JSON"):
        fetch_all(wire)


def test_errors_carry_sentinelones_words(wire: Wire) -> None:
    connector = PLAIN.model_copy(update={"account_ids": ("none",)})
    with pytest.raises(RequestRefusedError, match=r"400 \(4000010: Validation Error: accountIds"):
        fetch_all(wire, connector)


@given(st.text(min_size=1).filter(lambda text: text != "null"))
def test_a_cursor_is_decoded_once(text: str) -> None:
    assert read_cursor(quote(text, safe="")) == text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            {"errors": [{"code": 4010010, "title": "Authentication Failed", "detail": None}]},
            "4010010: Authentication Failed",
        ),
        ({"errors": [{"code": 1, "title": "A", "detail": "b"}, {"code": 2}]}, "1: A: b"),
        ({"errors": []}, ""),
        ({"errors": None}, ""),
        ({"errors": ["text"]}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_are_explained(error: Any, said: str) -> None:
    assert explain(json.dumps(error).encode()) == said
