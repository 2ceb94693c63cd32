"""The simulated tenant is as strict as Graph, and its scenario is varied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import requests

from simulator import ManualClock, Simulator, serve
from simulator.book import Plan
from simulator.defender.api import PATH, TOKEN_PATH, MicrosoftDefenderXDRTenant
from simulator.defender.scenario import alert_hour
from simulator.defender.tokens import CLIENT_ID, SCOPE, SECRET

Get = Callable[..., requests.Response]
FORM = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET, "scope": SCOPE}
HOUR = 491_628  # a working day


@pytest.fixture(scope="module")
def get() -> Any:
    """Serve the scenario and return a function that requests alerts with a token."""
    with serve(Simulator(clock=ManualClock())) as running, requests.Session() as session:
        token = session.post(f"{running.url}{TOKEN_PATH}", data=FORM).json()["access_token"]

        def ask(path: str = PATH, prefer: str = "include-unknown-enum-members", **query: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}", "Prefer": prefer}
            params = {f"${name}": text for name, text in query.items()}
            return session.get(f"{running.url}{path}", params=params, headers=headers)

        yield ask


@pytest.mark.parametrize(
    "query",
    [
        {"top": "1001"},
        {"top": "x"},
        {"skip": "501"},
        {"expand": "evidence"},
        {"search": "x"},
        {"orderby": "title asc"},
        {"orderby": "createdDateTime up"},
        {"filter": "id eq 'x'"},
        {"filter": "createdDateTime ge yesterday"},
        {"filter": "createdDateTime ge '2026-03-04T00:00:00Z'"},
        {"filter": "createdDateTime ge 2026-03-04T00:00:00Z or severity eq 'high'"},
        {"filter": "severity ge 'high'"},
        {"filter": "severity eq high"},
        {"skiptoken": "x"},
    ],
    ids=str,
)
def test_queries_that_the_reference_does_not_have_are_refused(get: Get, query: dict[str, str]) -> None:
    answer = get(**query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


def test_a_page_token_belongs_to_its_query(get: Get) -> None:
    first = get(top="2").json()
    token = first["@odata.nextLink"].rpartition("=")[2].replace("%3D", "=")
    following = get(top="2", skiptoken=token).json()["value"]
    assert [each["id"] for each in (*first["value"], *following)] == [
        each["id"] for each in get(top="4").json()["value"]
    ]
    assert get(top="3", skiptoken=token).status_code == 400


def test_the_newest_alert_comes_first_unless_asked_otherwise(get: Get) -> None:
    times = [each["createdDateTime"] for each in get(top="50").json()["value"]]
    assert times == sorted(times, reverse=True)
    times = [each["lastUpdateDateTime"] for each in get(top="50", orderby="lastUpdateDateTime asc").json()["value"]]
    assert times == sorted(times)


def test_newer_products_are_hidden_from_those_who_may_not_know_them(get: Get) -> None:
    newer = get(filter="serviceSource eq 'microsoftDefenderForCloud'", top="1").json()["value"][0]
    assert get(f"{PATH}/{newer['id']}").json() == newer
    hidden = get(f"{PATH}/{newer['id']}", prefer="").json()
    assert hidden == {**newer, "serviceSource": "unknownFutureValue", "detectionSource": "unknownFutureValue"}


def test_paths_and_methods_of_graph_alone_are_answered(get: Get) -> None:
    assert get("/v1.0/security/incidents").status_code == 400
    assert get(f"{PATH}/da1_1").status_code == 404
    with serve(Simulator(scenario=False)) as running:
        assert requests.post(f"{running.url}{PATH}", timeout=5).status_code == 405
        assert requests.get(f"{running.url}{PATH}", timeout=5).status_code == 401
        assert requests.get(f"{running.url}{TOKEN_PATH}", timeout=5).status_code == 400
        running.find(MicrosoftDefenderXDRTenant).book.add({"id": "x"})
        assert running.event_ids("defender", *_day()) == []


@pytest.mark.parametrize("change", [{"grant_type": "password"}, {"client_secret": ""}, {"scope": "openid"}])
def test_other_forms_get_no_token(change: dict[str, str]) -> None:
    with serve(Simulator(scenario=False)) as running:
        answer = requests.post(f"{running.url}{TOKEN_PATH}", data={**FORM, **change}, timeout=5)
        assert answer.status_code in (400, 401)
        assert answer.json()["error_description"].startswith("AADSTS")


def test_the_scenario_is_the_same_each_time_and_lively() -> None:
    planned = [plan for hour in range(HOUR, HOUR + 48) for plan in alert_hour(7, hour)]
    assert planned == [plan for hour in range(HOUR, HOUR + 48) for plan in alert_hour(7, hour)]
    kinds = Counter(item["@odata.type"].rpartition(".")[2] for plan in planned for item in _last(plan)["evidence"])
    assert {"fileEvidence", "fileHashEvidence", "ipEvidence", "analyzedMessageEvidence", "quantumEvidence"} <= set(
        kinds
    )
    verdicts = Counter(item["verdict"] for plan in planned for item in _last(plan)["evidence"])
    assert {"malicious", "suspicious", "unknown", "noThreatsFound"} == set(verdicts)
    assert any(plan.visible - plan.created > 60_000_000 for plan in planned), "late alerts"
    assert any(_last(plan)["classification"] == "truePositive" for plan in planned), "later verdicts"
    pairs = [pair for plan in planned for pair in pairwise(_states(plan))]
    assert any(_is_moved(*pair) for pair in pairs), "a stamp moves alone"


def _last(plan: Plan) -> dict[str, Any]:
    return _states(plan)[-1]


def _states(plan: Plan) -> list[dict[str, Any]]:
    return [plan.event, *(alert for _, alert in plan.changes)]


def _is_moved(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether nothing differs except the time of the last update."""
    return before != after == {**before, "lastUpdateDateTime": after["lastUpdateDateTime"]}


def _day() -> tuple[Any, Any]:
    clock = ManualClock()
    return clock.instant, clock.advance(days=1)
