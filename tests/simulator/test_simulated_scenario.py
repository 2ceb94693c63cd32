"""The invented history: always the same, varied, and with every form of real data."""

from __future__ import annotations

import ipaddress
import statistics
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.simulator.caller import Start

from simulator import Limits, ManualClock
from simulator.book import Plan
from simulator.instants import HOUR, to_us
from simulator.okta.scenario import MAX_DELAY, okta_hour
from simulator.okta.threat_events import THREAT_EVENT
from simulator.sentinelone.scenario import MAX_VERDICT_DELAY, info_of, threat_hour

DAYS = 7
NOON = to_us(ManualClock()()) // HOUR
HOURS = range(NOON - 24 * DAYS, NOON)


@pytest.fixture(scope="module")
def okta_week() -> list[Plan]:
    return [plan for hour in HOURS for plan in okta_hour(7, hour)]


@pytest.fixture(scope="module")
def threat_week() -> list[Plan]:
    return [plan for hour in HOURS for plan in threat_hour(7, hour)]


def _forms(seen: Counter[str], event: dict[str, Any]) -> None:
    actor, outcome = event["actor"], event["outcome"]
    if actor is None or "displayName" not in actor or actor["displayName"] is None:
        seen["no actor" if actor is None else "no name" if "displayName" not in actor else "null name"] += 1
    else:
        seen[_kind_of(actor["displayName"])] += 1
    reason = (outcome or {}).get("reason")
    seen[f"reason {reason!r}" if not reason else "upper" if reason.isupper() else "reason"] += 1
    seen["phrases " + str(reason)] += 1


def _kind_of(name: str) -> str:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return "domain" if name.endswith(".example.com") else "text"
    networks = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    assert any(address in ipaddress.ip_network(network) for network in networks if ":" in network or ":" not in name)
    return f"ipv{address.version}"


def test_okta_threats_come_in_bursts_and_rest_at_night(okta_week: list[Plan]) -> None:
    threats = [plan for plan in okta_week if plan.event["eventType"] == THREAT_EVENT]
    per_hour = Counter(plan.created // HOUR for plan in threats)
    counts = sorted(per_hour[hour] for hour in HOURS)
    assert 20 <= statistics.mean(counts) <= 60
    assert counts[-1] >= 100
    assert counts[20] <= 10
    assert len(okta_week) > 1.5 * len(threats)


def test_okta_threats_take_every_form(okta_week: list[Plan]) -> None:
    seen: Counter[str] = Counter()
    for plan in okta_week:
        if plan.event["eventType"] == THREAT_EVENT:
            _forms(seen, plan.event)
    wanted = {"ipv4", "ipv6", "domain", "text", "no actor", "no name", "null name", "reason None", "reason ''", "upper"}
    assert wanted <= set(seen)
    orders = {"phrases Password Spray, Login Failures", "phrases Login Failures, Password Spray"}
    assert orders <= set(seen)
    assert any("Suspected automation" in name for name in seen)
    assert len({plan.event["uuid"] for plan in okta_week}) == len(okta_week)


def test_some_okta_events_are_stored_late(okta_week: list[Plan]) -> None:
    delays = [plan.visible - plan.created for plan in okta_week]
    assert min(delays) > 0
    assert max(delays) < MAX_DELAY
    assert sum(delay > 60_000_000 for delay in delays) > 10


def test_threats_take_every_form(threat_week: list[Plan]) -> None:
    per_hour = Counter(plan.created // HOUR for plan in threat_week)
    assert {5 <= per_hour[hour] <= 15 for hour in HOURS} == {True}
    infos = [plan.event["threatInfo"] for plan in threat_week if isinstance(plan.event.get("threatInfo"), dict)]
    assert any("threatInfo" not in plan.event for plan in threat_week)
    assert any(info["sha1"] == "" and info["isFileless"] for info in infos if "sha1" in info)
    assert any(info.get("sha256") and info.get("sha1") for info in infos)
    assert any(info.get("sha1") and info["sha256"] is None for info in infos if "sha256" in info)
    assert any("sha1" not in info and "sha256" not in info and info["md5"] for info in infos)
    assert any(info["threatName"].endswith(f"(CLI {(info.get('sha1') or '')[:4]})") for info in infos)
    assert any((info.get("sha1") or "").startswith("adc83b19") for info in infos)
    assert any(info["updatedAt"] < info["createdAt"] for info in infos)
    assert all(info["identifiedAt"] < info["createdAt"] for info in infos)
    assert len({plan.event["id"] for plan in threat_week}) == len(threat_week)
    assert all(plan.event["id"].isdigit() and 18 <= len(plan.event["id"]) <= 20 for plan in threat_week)


def test_technique_references_take_every_form(threat_week: list[Plan]) -> None:
    indicators = [plan.event["indicators"] for plan in threat_week]
    assert None in indicators
    assert [] in indicators
    flat = [item for group in indicators for item in group or ()]
    assert any(item["tactics"] is None for item in flat)
    assert any(item["tactics"] == [] for item in flat)
    tactics = [tactic for item in flat for tactic in item["tactics"] or ()]
    assert any("techniques" not in tactic for tactic in tactics)
    assert any(tactic.get("techniques") == [] for tactic in tactics)
    techniques = [technique for tactic in tactics for technique in tactic.get("techniques", ())]
    names = [technique.get("name") for technique in techniques]
    assert None in names
    assert any(name and name != name.upper() for name in names)
    assert "T1055/012" in names
    assert {"T1086", "T1060", "T1064"} <= set(names), "retired ones too"
    assert any("/T1055/012" in (technique["link"] or "") for technique in techniques)


def test_verdicts_of_all_kinds_come_later(threat_week: list[Plan]) -> None:
    changes = [(threat, given - plan.created) for plan in threat_week for given, threat in plan.changes]
    verdicts = [(info_of(threat).get("analystVerdict"), delay) for threat, delay in changes]
    assert {value for value, _ in verdicts if value} == {"true_positive", "false_positive", "suspicious"}
    assert max(delay for _, delay in verdicts) < MAX_VERDICT_DELAY
    assert sum(delay > HOUR for _, delay in verdicts) > len(verdicts) / 2


def test_a_restart_serves_the_same_history(start: Start, clock: ManualClock) -> None:
    window: dict[str, Any] = {"since": "2026-03-03T12:00:00Z", "until": "2026-03-04T11:00:00Z", "limit": 1000}
    created: dict[str, Any] = {
        "createdAt__gte": "2026-03-03T12:00:00Z",
        "createdAt__lt": "2026-03-04T11:00:00Z",
        "limit": 1000,
    }
    first, first_caller = start(scenario=True)
    before = (first_caller.okta(**window).content, first_caller.threats(**created).content)
    clock.advance(seconds=1)
    _, second_caller = start(scenario=True)
    after = (second_caller.okta(**window).content, second_caller.threats(**created).content)
    assert before == after
    _, other_caller = start(scenario=True, seed=8)
    assert other_caller.okta(**window).content != before[0]
    assert first.event_ids("okta", clock() - timedelta(hours=1), clock())


def test_bounded_windows_miss_late_events_and_an_overlap_finds_them(start: Start, clock: ManualClock) -> None:
    simulator, caller = start(scenario=True, limits=Limits.off())
    begin, last = clock(), clock()
    narrow: set[str] = set()
    wide: set[str] = set()
    for _ in range(48):
        until = clock.advance(minutes=10)
        for since, found in ((last, narrow), (last - timedelta(minutes=10), wide)):
            pages = caller.okta_pages(since=since.isoformat(), until=until.isoformat(), limit=1000)
            found.update(element["uuid"] for page in pages for element in page.json())
        last = until
    exists = set(simulator.event_ids("okta", begin, clock() - timedelta(minutes=10)))
    assert exists - narrow
    assert not exists - wide


def test_late_verdicts_move_threats_into_the_verified_window(start: Start, clock: ManualClock) -> None:
    _, caller = start(scenario=True, limits=Limits.off())
    clock.advance(hours=3)
    verified: dict[str, Any] = {
        "analystVerdicts": "true_positive",
        "limit": 1000,
        "sortBy": "updatedAt",
        "sortOrder": "asc",
    }
    page = caller.threats(**verified, updatedAt__gte="2026-03-04T12:00:00Z").json()["data"]
    assert page
    infos = [element["threatInfo"] for element in page if element.get("threatInfo")]
    assert any(info["createdAt"] < "2026-03-04T12" for info in infos)
    assert all(info["updatedAt"] >= "2026-03-04T12" for info in infos)
    assert [info["updatedAt"] for info in infos] == sorted(info["updatedAt"] for info in infos)
    at_noon = caller.threats(ids=page[0]["id"]).json()["data"][0]["threatInfo"]
    assert at_noon["analystVerdict"] == "true_positive"
