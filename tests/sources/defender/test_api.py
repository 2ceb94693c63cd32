"""The requests for alerts, and the handling of Graph's limits, odd pages and errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ci_operators.core.errors import (
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from ci_operators.core.window import Window
from ci_operators.sources.defender.api import ALERTS_PATH, PAGE_SIZE, VENDOR, fetch, find_event
from ci_operators.sources.defender.options import MicrosoftDefenderXDRConnector
from ci_operators.stages.extraction import extract
from ci_operators.transport.paging import Page
from simulator.defender.api import MicrosoftDefenderXDRTenant
from simulator.instants import to_us
from simulator.throttles import MinuteWindow
from tests.artifacts import read_all as read_artifacts
from tests.sources.defender.specimens import SPECIMENS, alert, file, make_event
from tests.sources.specimens import Wire, wired
from tests.vendor_cases import WINDOW

PLAIN = MicrosoftDefenderXDRConnector(name="acme")
VERIFIED = MicrosoftDefenderXDRConnector(name="acme", only_analyst_verified=True)
FOLLOWING = MicrosoftDefenderXDRConnector(name="acme", follow_updates=True)
PAGES = [PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 1]


def tenant_of(wire: Wire) -> MicrosoftDefenderXDRTenant:
    return wire.simulator.find(MicrosoftDefenderXDRTenant)


def add_alerts(wire: Wire, count: int = sum(PAGES), at: datetime | None = None) -> None:
    events = [make_event(at, number) for number in range(count)] if at else SPECIMENS.spread_events(count)
    SPECIMENS.serve_events(wire.simulator, events)


def read_all(
    wire: Wire,
    connector: MicrosoftDefenderXDRConnector = PLAIN,
    window: Window = WINDOW,
    tokens: Sequence[str] = (),
) -> list[Page]:
    return list(fetch(wire.client, connector, window, tokens))


def ids_of(pages: list[Page]) -> list[str]:
    return [json.loads(event)["id"] for page in pages for event in page.events]


def queries_of(wire: Wire) -> list[dict[str, str]]:
    return [dict(entry.query) for entry in wire.simulator.requests if entry.path == ALERTS_PATH]


def test_windows_hold_alerts_by_their_creation(wire: Wire) -> None:
    add_alerts(wire)
    assert [len(page.events) for page in read_all(wire)] == PAGES
    first, second, *_ = queries_of(wire)
    assert first == {
        "$filter": "createdDateTime ge 2026-03-10T11:00:00.000Z and createdDateTime lt 2026-03-10T12:00:00.000Z",
        "$orderby": "createdDateTime asc",
        "$top": "500",
    }
    assert second.pop("$skiptoken")
    assert second == first
    request = wire.session.sent[-1]
    assert request.headers["Prefer"] == "include-unknown-enum-members"
    assert request.headers["Authorization"].startswith("Bearer ")


def test_verified_windows_hold_alerts_by_their_classification(wire: Wire) -> None:
    add_alerts(wire, 3, WINDOW.since - timedelta(days=2))
    for number, word in enumerate(("truePositive", "falsePositive")):
        tenant_of(wire).change(f"da{number:06d}_-1", to_us(WINDOW.since), classification=word)
    assert ids_of(read_all(wire, VERIFIED)) == ["da000000_-1"]
    assert ids_of(read_all(wire, FOLLOWING)) == ["da000000_-1", "da000001_-1"]
    assert read_all(wire)[0].events == []
    assert queries_of(wire)[0]["$filter"] == (
        "lastUpdateDateTime ge 2026-03-10T11:00:00.000Z and lastUpdateDateTime lt 2026-03-10T12:00:00.000Z"
        " and createdDateTime ge 2025-12-10T11:00:00.000Z and classification eq 'truePositive'"
    )


def test_a_changed_update_time_repeats_the_same_detections(wire: Wire) -> None:
    """The ledger identifies them by the alert's id and the indicator, so nothing is sent twice."""
    add_alerts(wire, 1, WINDOW.since - timedelta(hours=5))
    source, seen = SPECIMENS.source, []
    for hours in (1, 2):
        tenant_of(wire).change("da000000_-1", to_us(WINDOW.since - timedelta(hours=hours)))
        window = Window(WINDOW.since - timedelta(hours=hours), WINDOW.until - timedelta(hours=hours))
        wire.time.instant = window.until
        ((event,),) = [page.events for page in read_all(wire, FOLLOWING, window)]
        seen.append(source.mapping(FOLLOWING, lambda _: None)(event))
    assert seen[0] == seen[1]


def test_alerts_outside_the_window_are_left_out(wire: Wire) -> None:
    """Graph may ignore the filter, or an alert may change between the filter and the answer."""
    times = ("10:59:59.9999999Z", "11:00:00Z", "11:59:59.9999999Z", "12:00:00Z")
    events = [alert(file(), id=time, createdDateTime=f"2026-03-10T{time}") for time in times]
    events.append(alert(file(), id="a day", createdDateTime="2026-03-10"))  # no other window may have it
    wire.simulator.add_fault("defender", "status", status=200, body={"value": events}, path=ALERTS_PATH)
    assert ids_of(read_all(wire)) == [*times[1:3], "a day"]


def test_windows_that_begin_between_two_milliseconds_lose_nothing(wire: Wire) -> None:
    middle = WINDOW.since + timedelta(minutes=30, microseconds=500)
    wire.simulator.add_event("defender", alert(file(), createdDateTime="2026-03-10T11:30:00.0004000Z"))
    windows = [Window(WINDOW.since, middle), Window(middle, WINDOW.until)]
    assert [len(ids_of(read_all(wire, window=window))) for window in windows] == [0, 1]


@pytest.mark.parametrize("skip", [0, 1, 3])
def test_an_empty_page_in_the_middle_does_not_end_it(skip: int, wire: Wire) -> None:
    add_alerts(wire)
    wire.simulator.add_fault("defender", "empty_page", skip=skip)
    assert len(ids_of(read_all(wire))) == sum(PAGES)


def extract_ids(wire: Wire, folder: Path) -> list[str]:
    extract(partial(fetch, wire.client, PLAIN), WINDOW, "alerts", folder)
    return [json.loads(event)["id"] for event in read_artifacts(folder / "extract.jsonl.zst")]


@pytest.mark.parametrize("ceiling", [1, 2, 3])
def test_reading_goes_on_beyond_an_undocumented_ceiling(ceiling: int, wire: Wire, tmp_path: Path) -> None:
    add_alerts(wire)
    tenant_of(wire).ceiling = ceiling
    assert extract_ids(wire, tmp_path) == [f"da{number:06d}_-1" for number in range(sum(PAGES))]


def test_a_page_token_that_dies_starts_the_window_again(wire: Wire, tmp_path: Path) -> None:
    add_alerts(wire)
    wire.simulator.add_fault("defender", "expired_token", skip=1)
    assert extract_ids(wire, tmp_path) == [f"da{number:06d}_-1" for number in range(sum(PAGES))]


def test_equal_times_at_the_edge_of_a_page_are_read(wire: Wire) -> None:
    add_alerts(wire, PAGE_SIZE + 20, WINDOW.since + timedelta(minutes=5))
    assert len(set(ids_of(read_all(wire)))) == PAGE_SIZE + 20


def test_more_equal_times_than_the_ceiling_are_an_error(wire: Wire, tmp_path: Path) -> None:
    add_alerts(wire, 3 * PAGE_SIZE, WINDOW.since + timedelta(minutes=5))
    tenant_of(wire).ceiling = 1
    with pytest.raises(RequestRefusedError, match=r"goes beyond the number of alerts.*did not help"):
        extract_ids(wire, tmp_path)


def test_a_bearer_token_that_dies_in_mid_paging_is_replaced(wire: Wire) -> None:
    add_alerts(wire)
    pages = fetch(wire.client, PLAIN, WINDOW)
    read = [next(pages)]
    tenant_of(wire).entra.revoke_all()
    assert len(ids_of([*read, *pages])) == sum(PAGES)
    assert [entry.status for entry in wire.simulator.requests].count(401) == 1


def test_partial_content_is_not_a_done_window(wire: Wire) -> None:
    add_alerts(wire)
    wire.simulator.add_fault("defender", "partial_content", skip=1)
    assert len(ids_of(read_all(wire))) == sum(PAGES)
    wire.simulator.add_fault("defender", "status", status=200, body={"value": [], "error": {"code": "No"}}, skip=1)
    with pytest.raises(UnreadableAnswerError, match=r"with errors \(No\): the page may be incomplete"):
        read_all(wire)
    wire.simulator.add_fault("defender", "partial_content", count=9)
    with pytest.raises(UnavailableError, match=r"answered 206: the answer is incomplete \(199 .*/504/10000"):
        read_all(wire)


def test_a_burst_beyond_the_rate_limit_is_read_try_by_try() -> None:
    with wired(SPECIMENS) as wire:
        add_alerts(wire, 20 * PAGE_SIZE)
        tenant_of(wire).window = MinuteWindow(6)
        pages, tries = list[Page](), 0
        while not pages or pages[-1].token:
            tokens = [page.token for page in pages if page.token]
            try:
                for page in fetch(wire.client, PLAIN, WINDOW, tokens):
                    pages.append(page)
            except RateLimitedError as err:
                wire.time.sleep(err.retry_after_s or 0)
            tries += 1
        assert ids_of(pages) == [f"da{number:06d}_-1" for number in range(20 * PAGE_SIZE)]


def test_a_429_is_waited_out_as_it_asks(wire: Wire) -> None:
    wire.simulator.add_fault("defender", "status", status=429, headers={"Retry-After": "17"}, path=ALERTS_PATH)
    read_all(wire)
    assert wire.time.slept == [17.0]


@pytest.mark.parametrize(
    "link",
    [
        "https://foreign.example.net/v1.0/users?$skiptoken=1",
        "/v1.0/security/alerts_v2/../incidents?$skiptoken=1",
        "https://[::1/v1.0/security/alerts_v2?$skiptoken=1",
    ],
)
def test_a_link_to_elsewhere_is_refused(link: str, wire: Wire) -> None:
    body = {"value": [], "@odata.nextLink": link}
    wire.simulator.add_fault("defender", "status", status=200, body=body, path=ALERTS_PATH)
    with pytest.raises(RequestRefusedError, match="next link"):
        read_all(wire)


def test_a_link_to_another_host_is_read_from_the_connections_host(wire: Wire) -> None:
    add_alerts(wire)
    link = f"https://foreign.example.net{ALERTS_PATH}?$skiptoken=1"
    wire.simulator.add_fault(
        "defender", "status", status=200, body={"value": [], "@odata.nextLink": link}, path=ALERTS_PATH
    )
    with pytest.raises(RequestRefusedError, match="The skip token is not valid"):
        read_all(wire)
    assert wire.session.hosts == {wire.simulator.url.removeprefix("http://")}


@pytest.mark.parametrize("name", ["$skip", "%24skip", "$skiptoken", "%24skiptoken"])
def test_a_link_with_either_parameter_is_followed(name: str, wire: Wire) -> None:
    link = f"https://graph.microsoft.com{ALERTS_PATH}?$filter=createdDateTime ge 2026-03-10T11:00:00Z&{name}=1"
    bodies: list[dict[str, Any]] = [{"value": [1], "@odata.nextLink": link}, {"value": [2]}]
    for body in bodies:
        wire.simulator.add_fault("defender", "status", status=200, body=body, path=ALERTS_PATH)
    assert [page.events for page in read_all(wire)] == [[b"1"], [b"2"]]


@pytest.mark.parametrize(
    "body", [[], {"error": {"code": 1}}, {"value": None}, {"value": {}}, {"value": [], "@odata.nextLink": 7}]
)
def test_another_envelope_is_unreadable(body: Any, wire: Wire) -> None:
    wire.simulator.add_fault("defender", "status", status=200, body=body, count=10, path=ALERTS_PATH)
    with pytest.raises(UnreadableAnswerError, match="not the expected JSON"):
        read_all(wire)


def test_an_alert_is_shown_in_its_current_state(wire: Wire) -> None:
    add_alerts(wire, 1)
    tenant_of(wire).change("da000000_-1", to_us(WINDOW.until) - 1, classification="truePositive")
    found = find_event(wire.client, PLAIN, "da000000_-1", wire.time())
    assert json.loads(found or b"")["classification"] == "truePositive"
    wire.simulator.add_fault("defender", "status", status=400, path=ALERTS_PATH)
    with pytest.raises(RequestRefusedError, match="answered 400"):
        find_event(wire.client, PLAIN, "da000000_-1", wire.time())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            {"error": {"code": "Forbidden", "message": "Missing application roles."}},
            "Forbidden: Missing application roles.",
        ),
        ({"error": {"code": "BadRequest"}}, "BadRequest"),
        ({"error": "invalid_request"}, ""),
        ({"error": None}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_are_explained(error: Any, said: str) -> None:
    assert VENDOR.explain(json.dumps(error).encode()) == said


def test_missing_consent_is_reported_with_the_permission_to_grant(wire: Wire) -> None:
    with (
        wired(SPECIMENS, token=SPECIMENS.case.token_without_right) as without,
        pytest.raises(
            CredentialsError, match=r"403 \(Forbidden: Missing application roles.*SecurityAlert\.Read\.All of"
        ),
    ):
        read_all(without)


def test_pages_come_oldest_first(wire: Wire) -> None:
    add_alerts(wire)
    times = [json.loads(event)["createdDateTime"] for page in read_all(wire) for event in page.events]
    assert all(earlier <= later for earlier, later in pairwise(times))
