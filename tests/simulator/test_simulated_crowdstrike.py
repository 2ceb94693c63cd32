"""The simulated Alerts API is as strict as the reference, and its scenario has all members of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest
import requests
from tests.simulator.caller import Start

from simulator import Limits, ManualClock, Simulator, Tokens
from simulator.crowdstrike.api import PATH, CrowdStrikeTenant
from simulator.crowdstrike.tokens import CLIENT_ID, LIFE_S, SECRET, SECRET_WITHOUT_SCOPE
from simulator.crowdstrike.tokens import PATH as TOKEN_PATH
from simulator.instants import DAY, HOUR, to_us
from simulator.throttles import MinuteWindow
from simulator.vendor import Setup

CLIENT = {"client_id": CLIENT_ID, "client_secret": SECRET}
SINCE = "created_timestamp:>='2026-03-04T10:00:00Z'"


def alert(number: int, created: str = "2026-03-04T10:00:00.123456789Z", **changes: Any) -> dict[str, Any]:
    event = {"composite_id": f"c:ind:{number}", "product": "epp", "status": "new", "created_timestamp": created}
    return {**event, "updated_timestamp": created, **changes}


@dataclass
class Falcon:
    """A caller of the tenant, with an access token."""

    simulator: Simulator
    session: requests.Session
    token: str = ""

    @property
    def tenant(self) -> CrowdStrikeTenant:
        return self.simulator.find(CrowdStrikeTenant)

    def sign_in(self, form: Any = None, **options: Any) -> requests.Response:
        answer = self.session.post(self.simulator.url + TOKEN_PATH, data=form or CLIENT, timeout=30, **options)
        if answer.status_code == 201:
            self.token = answer.json()["access_token"]
        return answer

    def ask(self, body: Any = None, method: str = "POST", path: str = PATH, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = {"data": body} if isinstance(body, bytes) else {"json": body or {}}
        return self.session.request(
            method, self.simulator.url + path, **{"headers": headers, "timeout": 30, **content, **options}
        )

    def ids(self, **body: Any) -> list[str]:
        return [found["composite_id"] for found in self.ask(body).json()["resources"]]


@pytest.fixture
def falcon(start: Start) -> Iterator[Falcon]:
    simulator, _ = start(scenario=False)
    with requests.Session() as session:
        session.trust_env = False
        found = Falcon(simulator, session)
        found.sign_in()
        yield found


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({**CLIENT, "grant_type": "client_credentials", "member_cid": "c"}, 201),
        ({**CLIENT, "grant_type": "password"}, 400),
        ({**CLIENT, "scope": "alerts:read"}, 400),
        ({"client_id": CLIENT_ID}, 400),
        ({**CLIENT, "client_id": "someone"}, 400),
        ({**CLIENT, "client_secret": "wrong"}, 401),
        ([*CLIENT.items(), ("client_id", CLIENT_ID)], 400),
    ],
)
def test_tokens_are_given_by_the_reference(form: Any, status: int, falcon: Falcon) -> None:
    answer = falcon.sign_in(form)
    assert answer.status_code == status
    assert answer.headers["X-Cs-Region"] == "us-1"
    assert status == 201 or answer.json()["errors"][0]["code"] == status


def test_the_token_endpoint_takes_a_form_by_post(falcon: Falcon) -> None:
    assert falcon.sign_in(b"{}", headers={"Content-Type": "application/json"}).status_code == 415
    assert falcon.sign_in(params={"x": "1"}).status_code == 415
    assert falcon.ask(method="GET", path=TOKEN_PATH).status_code == 405


def test_a_token_lives_half_an_hour_and_needs_the_scope(start: Start, clock: ManualClock, falcon: Falcon) -> None:
    assert falcon.ask().status_code == 200
    falcon.token, kept = "wrong", falcon.token
    assert falcon.ask().status_code == 401
    falcon.token = kept
    falcon.tenant.region = "us-2"
    assert falcon.ask().status_code == 401, "the token of another cloud"
    falcon.tenant.region = "us-1"
    clock.advance(seconds=LIFE_S)
    assert falcon.ask().status_code == 401
    falcon.sign_in({**CLIENT, "client_secret": SECRET_WITHOUT_SCOPE})
    assert falcon.ask().status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        {"limit": 0},
        {"limit": 1001},
        {"limit": "10"},
        {"limit": True},
        {"offset": 0},
        {"sort": "severity|asc"},
        {"sort": "created_timestamp.asc"},
        {"sort": 1},
        {"after": "not base64"},
        {"after": "AAAA"},
        {"filter": 7},
        {"filter": "created_timestamp:>='yesterday'"},
        {"filter": "created_timestamp:>='2026-03-04T10:00:00'"},
        {"filter": "created_timestamp:>=2026-03-04T10:00:00Z"},
        {"filter": "created_timestamp:'2026-03-04T10:00:00Z'"},
        {"filter": "created_timestamp >= '2026-03-04T10:00:00Z'"},
        {"filter": "published:>='2026-03-04T10:00:00Z'"},
        {"filter": "product:epp"},
        {"filter": "product:>'epp'"},
        {"filter": "product:'epp'+"},
        {"filter": "product:'epp',status:'new'"},
    ],
)
def test_refuses_bodies(body: Any, falcon: Falcon) -> None:
    answer = falcon.ask(body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 400)
    assert answer.json()["resources"] == []


def test_refuses_other_requests(falcon: Falcon) -> None:
    assert falcon.ask(method="GET").status_code == 405
    assert falcon.ask(path="/alerts/queries/alerts/v2").status_code == 404
    assert falcon.ask(params={"limit": "1"}).status_code == 400
    headers = {"Authorization": f"Bearer {falcon.token}", "Content-Type": "text/plain"}
    assert falcon.ask(b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("fql", "expected"),
    [
        ("", [0, 1, 2]),
        (SINCE, [0, 1, 2]),
        ("created_timestamp:>'2026-03-04T10:00:00.123457Z'+created_timestamp:<='2026-03-04T10:00:02Z'", [1]),
        ("created_timestamp:<'2026-03-04T11:00:01+01:00'", [0]),
        ("updated_timestamp:>='2026-03-04T11:00:00Z'", [2]),
        ("product:['idp', 'ngsiem']", [1]),
        ("product:'epp'+status:'closed'", [2]),
        ("composite_id:'c:ind:2'", [2]),
    ],
)
def test_filters(fql: str, expected: list[int], falcon: Falcon) -> None:
    changed = {"status": "closed", "updated_timestamp": "2026-03-04T11:00:00Z"}
    for number, changes in enumerate(({}, {"product": "idp"}, changed)):
        falcon.simulator.add_event("crowdstrike", alert(number, f"2026-03-04T10:00:0{number}.123456789Z", **changes))
    assert falcon.ids(filter=fql, sort="created_timestamp|asc") == [f"c:ind:{number}" for number in expected]


@pytest.mark.parametrize("sort", ["created_timestamp|asc", "updated_timestamp|asc", "created_timestamp|desc"])
def test_pages_are_complete_whatever_the_sorting(sort: str, falcon: Falcon) -> None:
    for number in range(7):
        falcon.simulator.add_event("crowdstrike", alert(number, f"2026-03-04T10:00:0{number // 3}Z"))
    body: dict[str, Any] = {"filter": SINCE, "sort": sort, "limit": 2}
    found, ends = [], set()
    for _ in range(2):
        answer = falcon.ask(body).json()
        while after := answer["meta"]["pagination"].get("after"):
            found += answer["resources"]
            answer = falcon.ask({**body, "after": after}).json()
        found += answer["resources"]
        ends.add(answer["meta"]["pagination"].get("after"))
        falcon.ask()
    assert len({each["composite_id"] for each in found[:7]}) == 7
    assert found[:7] == found[7:]
    assert ends <= {None, ""}


def test_after_belongs_to_its_filter_and_sorting(falcon: Falcon) -> None:
    for number in range(3):
        falcon.simulator.add_event("crowdstrike", alert(number))
    first = falcon.ask({"filter": SINCE, "limit": 1}).json()
    assert first["meta"]["pagination"]["total"] == 3
    after = first["meta"]["pagination"]["after"]
    for other in ({"filter": ""}, {"sort": "updated_timestamp|asc"}):
        assert falcon.ask({"filter": SINCE, "limit": 1, "after": after, **other}).status_code == 400
    falcon.tenant.ceiling = 1
    refused = falcon.ask({"filter": SINCE, "limit": 1, "after": after})
    assert (refused.status_code, "must be less than 1" in refused.text) == (400, True)


def test_a_rate_limit_says_when_it_ends(clock: ManualClock, falcon: Falcon) -> None:
    falcon.tenant.window = MinuteWindow(1)
    assert falcon.ask().headers["X-Ratelimit-Remaining"] == "0"
    refused = falcon.ask()
    assert refused.status_code == 429
    assert int(refused.headers["X-Ratelimit-Retryafter"]) == clock().timestamp() + 60
    clock.advance(seconds=60)
    assert falcon.ask().status_code == 200


def test_faults_of_pages_spare_the_token_endpoint(falcon: Falcon) -> None:
    for number in range(3):
        falcon.simulator.add_event("crowdstrike", alert(number))
    after = falcon.ask({"limit": 1}).json()["meta"]["pagination"]["after"]
    for kind in ("repeated_cursor", "empty_page", "partial_errors"):
        falcon.simulator.add_fault("crowdstrike", kind)
        falcon.sign_in()
    paging = {"limit": 1, "after": after}
    assert falcon.ask(paging).json()["meta"]["pagination"]["after"] == after
    empty = falcon.ask(paging).json()
    assert (empty["resources"], empty["meta"]["pagination"]["after"]) == ([], f"{after} ")
    assert falcon.ask(paging).json()["errors"]
    following = falcon.ask({**paging, "after": f"{after} "}).json()["resources"]
    assert following == falcon.ask(paging).json()["resources"] != []


def test_late_alerts_and_changes_show_from_their_instant_on(clock: ManualClock, falcon: Falcon) -> None:
    falcon.simulator.add_event("crowdstrike", alert(1), clock() + timedelta(minutes=5))
    falcon.tenant.change("c:ind:1", to_us(clock()) + HOUR, resolution="true_positive")
    assert falcon.ids() == []
    clock.advance(minutes=5)
    (shown,) = falcon.ask().json()["resources"]
    assert "resolution" not in shown
    clock.advance(hours=1)
    falcon.sign_in()
    (shown,) = falcon.ask().json()["resources"]
    assert (shown["resolution"], shown["updated_timestamp"][:16]) == ("true_positive", "2026-03-04T13:00")
    assert falcon.simulator.event_ids("crowdstrike", clock() - timedelta(days=1), clock()) == ["c:ind:1"]
    with pytest.raises(KeyError, match="no added event with id nobody"):
        falcon.tenant.change("nobody", 0)


def test_the_scenario_is_lively_and_the_same_each_time() -> None:
    now = 20_000 * DAY
    setups = (Setup(Tokens(), Limits(), seed, 5 * DAY) for seed in (7, 7, 8))
    first, second, other = (list(CrowdStrikeTenant(setup).book.existing(now)) for setup in setups)
    assert [record.at(now).payload for record in first] == [record.at(now).payload for record in second]
    assert {record.event_id for record in other}.isdisjoint(record.event_id for record in first)
    alerts = [orjson.loads(record.at(now).payload) for record in first]
    assert 300 < len(alerts) < 2000
    assert {found.get("resolution") for found in alerts} == {None, "true_positive", "false_positive", "ignored"}
    assert {found["product"] for found in alerts} >= {"epp", "idp", "ngsiem"}
    assert {found.get("ioc_type") for found in alerts} >= {None, "hash_sha256", "domain", "ipv4", "filename"}
    assert any("," in found.get("ioc_value", "") for found in alerts)
    assert any(found.get("ioc_value", "").startswith("10.") for found in alerts)
    assert any(len(found["ioc_context"]) > 2 for found in alerts)
    assert any(isinstance(found["severity"], str) for found in alerts)
    assert any(found["technique_id"].startswith("CST") for found in alerts)
    assert any(record.visible > record.created for record in first)
    assert any(len(record.states) == 3 for record in first)
