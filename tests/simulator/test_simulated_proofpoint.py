"""The simulated SIEM API is as strict as the reference, and its history has every form of event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from tests.simulator.caller import Start

from simulator import ManualClock, Simulator
from simulator.book import Plan
from simulator.instants import HOUR, to_us
from simulator.proofpoint import api
from simulator.proofpoint.api import LISTS, PRINCIPAL, SECRET, SECRET_OF_ANOTHER_PRODUCT
from simulator.proofpoint.scenario import MAX_DELAY, label_event, tap_hour

Ask = Callable[..., requests.Response]
HOUR_BEFORE = "2026-03-04T11:00:00Z/2026-03-04T12:00:00Z"


@pytest.fixture
def simulator(start: Start) -> Simulator:
    """A simulator without a scenario."""
    return start()[0]


@pytest.fixture
def ask(simulator: Simulator) -> Iterator[Ask]:
    """Requests a period."""
    with requests.Session() as session:
        session.trust_env = False

        def get(path: str = "all", pair: tuple[str, str] = (PRINCIPAL, SECRET), **params: Any) -> requests.Response:
            query = {"format": "json", **params}
            return session.get(f"{simulator.url}/v2/siem/{path}", params=query, auth=pair, timeout=30)

        yield get


@pytest.fixture(scope="module")
def week() -> list[Plan]:
    noon = to_us(ManualClock()()) // HOUR
    return [plan for hour in range(noon - 7 * 24, noon) for plan in tap_hour(7, hour)]


@pytest.mark.parametrize(
    ("pair", "status"),
    [
        (("", ""), 401),
        ((PRINCIPAL, "wrong"), 401),
        (("somebody", SECRET), 401),
        ((PRINCIPAL, SECRET_OF_ANOTHER_PRODUCT), 403),
    ],
)
def test_refuses_credentials_in_plain_text(ask: Ask, pair: tuple[str, str], status: int) -> None:
    answer = ask(pair=pair, interval=HOUR_BEFORE)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "Exactly one of"),
        ({"interval": HOUR_BEFORE, "sinceSeconds": 60}, "Exactly one of"),
        ({"interval": HOUR_BEFORE, "format": "syslog"}, "format must be JSON"),
        ({"interval": HOUR_BEFORE, "page": 2}, "page is unknown"),
        ({"interval": "2026-03-04T11:00:00/2026-03-04T12:00:00"}, "with a zone"),
        ({"interval": "2026-03-04T11:00:00Z"}, "ISO 8601 interval"),
        ({"interval": "2026-03-04/2026-03-04T12:00:00Z"}, "with a zone"),
        ({"interval": "2026-03-04T11:30:00Z/2026-03-04T11:30:29Z"}, "interval is too short"),
        ({"interval": "2026-03-04T12:00:00Z/2026-03-04T11:00:00Z"}, "interval is too short"),
        ({"interval": "2026-03-04T10:59:59Z/2026-03-04T12:00:00Z"}, "interval is too long"),
        ({"interval": "2026-02-25T11:59:59Z/PT1H"}, "too far into the past. Requests for information up to 7.00d"),
        ({"sinceSeconds": 29}, "interval is too short"),
        ({"sinceSeconds": 3601}, "interval is too long"),
        ({"sinceSeconds": "soon"}, "must be a number"),
        ({"sinceTime": "2026-03-04T10:00:00Z"}, "interval is too long"),
    ],
)
def test_refuses_periods(ask: Ask, params: dict[str, Any], words: str) -> None:
    answer = ask(**params)
    assert answer.status_code == 400
    assert words in answer.text


@pytest.mark.parametrize(
    "params",
    [
        {"interval": HOUR_BEFORE},
        {"interval": "2026-03-04T13:00:00.000+02:00/2026-03-04T14:00:00.000+02:00", "format": "JSON"},
        {"interval": "PT60M/2026-03-04T12:00:00Z", "threatStatus": ["active", "cleared"]},
        {"interval": "2026-03-04T11:00:00Z/PT1H"},
        {"interval": "2026-02-25T12:00:00Z/PT30S"},
        {"sinceSeconds": 3600},
        {"sinceTime": "2026-03-04T11:15:00Z"},
    ],
)
def test_takes_periods(ask: Ask, params: dict[str, Any]) -> None:
    answer = ask(**params)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in LISTS} == {name: [] for name in LISTS}
    assert answer.json()["queryEndTime"]


def test_other_paths_and_methods(ask: Ask, simulator: Simulator) -> None:
    assert ask("clicks/blocked", interval=HOUR_BEFORE).status_code == 404
    posted = requests.post(f"{simulator.url}/v2/siem/all", auth=(PRINCIPAL, SECRET), timeout=30)
    assert posted.status_code == 405


def test_events_are_held_by_their_creation_and_shown_when_they_are_visible(
    ask: Ask, simulator: Simulator, clock: ManualClock
) -> None:
    recognized = {"id": "1", "clickTime": "2026-03-01T08:00:00Z", "threatTime": "2026-03-04T11:59:00Z"}
    late = {
        "id": "2",
        "messageTime": "2026-03-04T11:58:00Z",
        "threatsInfoMap": [{"threatTime": "2026-03-01T00:00:00Z"}],
    }
    simulator.add_event("proofpoint", recognized)
    simulator.add_event("proofpoint", late, clock() + timedelta(minutes=20))
    assert ask(interval=HOUR_BEFORE).json() | {"queryEndTime": ""} == {
        "queryEndTime": "",
        "messagesDelivered": [],
        "messagesBlocked": [],
        "clicksPermitted": [recognized],
        "clicksBlocked": [],
    }
    clock.advance(minutes=20)
    assert ask(interval=HOUR_BEFORE).json()["messagesDelivered"] == [late]
    assert simulator.event_ids("proofpoint", clock() - timedelta(hours=2), clock()) == ["2", "1"]


def test_a_day_has_1800_requests_and_refused_ones_cost_nothing(
    ask: Ask, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.DAILY == 1800
    monkeypatch.setattr(api, "DAILY", 3)
    for _ in range(3):
        assert ask(interval=HOUR_BEFORE, page=1).status_code == 400
    statuses = []
    for _ in range(5):
        statuses.append(ask(interval=HOUR_BEFORE).status_code)
        clock.advance(hours=1)
    assert statuses == [200, 200, 200, 429, 429]
    assert "Retry-After" not in ask(interval="PT60M/2026-03-04T17:00:00Z").headers
    clock.advance(hours=19)
    assert [ask(sinceSeconds=60).status_code for _ in range(2)] == [200, 429], "they come back one by one"


def test_the_history_takes_every_form(week: list[Plan]) -> None:
    messages = [plan.event for plan in week if plan.kind.startswith("messages")]
    clicks = [plan.event for plan in week if plan.kind.startswith("clicks")]
    threats = [each for event in messages for each in event["threatsInfoMap"] or ()]
    assert {plan.kind for plan in week} == set(LISTS)
    assert {"threatID", "threatId", "campaignID", "campaignId"} <= {name for each in threats for name in each}
    kinds = {str(each["threatType"]) for each in threats}
    assert {"url", "URL", "attachment", "ATTACHMENT", "messageText"} <= kinds
    assert {"active", "cleared", "falsePositive", None} == {each.get("threatStatus") for each in threats}
    assert any("classification" not in each for each in threats)
    values = [str(each["threat"]) for each in threats]
    for form in ("https://", "http://10.0.", "http://198.51.100.", "http://intranet/", "N/A", "None"):
        assert any(value.startswith(form) for value in values), form
    assert any(value.endswith((".com", ".net", ".org")) for value in values), "domains"
    assert any("/" in value and "://" not in value for value in values), "URLs without a scheme"
    assert Counter(len(event["threatsInfoMap"] or ()) for event in messages).keys() >= {0, 1, 2, 3, 12}
    assert any(isinstance(event["phishScore"], str) for event in messages)
    assert any("impostorScore" not in event for event in messages)
    assert any(event["clickTime"] < event["threatTime"] for event in clicks), "recognized after the click"
    assert {None, "N/A"} <= {event["url"] for event in clicks}
    again = Counter(event["id"] for event in messages)
    assert 2 in again.values(), "another threat was found in a message"


def test_some_events_are_late_within_their_hour(week: list[Plan]) -> None:
    delays = [plan.visible - plan.created for plan in week]
    assert min(delays) > 0
    assert max(delays) < MAX_DELAY
    assert sum(delay > MAX_DELAY // 3 for delay in delays) > 10
    told = {plan.created: label_event(plan.event).created for plan in week if plan.event.get("threatsInfoMap", True)}
    assert all(0 <= found - created < 1000 for created, found in told.items())
