"""Scheduled runs read the initial import, and their counts match the events of the sources."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ci_operators.sources import SOURCES
from tests.artifacts import read_all
from tests.end_to_end.tenant import STAGES, Tenant

pytestmark = pytest.mark.airflow

#: Two days of Okta in pieces of a day, one day of every other source.
PIECES = {**dict.fromkeys(SOURCES, 1), "okta": 2}
#: The filter of a connector's requests: Okta's event type, CrowdStrike's product.
THREATS = {**dict.fromkeys(SOURCES), "okta": "security.threat.detected", "crowdstrike": "epp"}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def tenant(first_imports: dict[str, Tenant], source: str) -> Tenant:
    return first_imports[source]


@pytest.fixture
def chains(tenant: Tenant, source: str) -> list[dict[str, Any]]:
    """The manifests of the connector's scheduled runs, by stage."""
    begun = len(tenant.runs("scheduled"))  # one more than the initial import's if another day was complete meanwhile
    runs = tenant.finished("scheduled", max(PIECES[source], begun))
    assert {run["state"] for run in runs} == {"success"}
    live = STAGES[:-1] if source == "sentinelone" else STAGES
    return [{stage: tenant.manifest(run["dag_run_id"], stage) for stage in live} for run in runs]


def truth(tenant: Tenant, source: str, extract: dict[str, Any]) -> Counter[str]:
    """Return the ids of all threats of the source in the window that extract read, including the overlap."""
    since, until = (datetime.fromisoformat(extract["window"][end]) for end in ("since", "until"))
    begin = since - timedelta(seconds=extract["overlap_s"])
    return Counter(tenant.simulator.event_ids(source, begin, until, THREATS[source]))


def ids_of(url: str) -> list[str]:
    """Return the event ids that a side artifact lists."""
    return [json.loads(record)["event_id"] for record in read_all(Path(url.removeprefix("file://")))]


def test_initial_import_reads_everything_there_is(tenant: Tenant, source: str, chains: list[dict[str, Any]]) -> None:
    for manifests in chains:
        expected = truth(tenant, source, manifests["extract"])
        assert manifests["extract"]["records_out"] == expected.total() > 10
    windows = [manifests["extract"]["window"] for manifests in chains]
    assert [window["since"] for window in windows[1:]] == [window["until"] for window in windows[:-1]]


def test_every_event_is_accounted_for_at_every_stage(tenant: Tenant, source: str, chains: list[dict[str, Any]]) -> None:
    for manifests in chains:
        expected, left = truth(tenant, source, manifests["extract"]), Counter[str]()
        for before, after in zip(manifests.values(), list(manifests.values())[1:], strict=False):
            assert after["records_in"] == before["records_out"]
        for stage, manifest in manifests.items():
            lost = sum(manifest["dropped"].values()) + sum(manifest["quarantined"].values())
            assert manifest["records_in"] + manifest.get("added", 0) == manifest["records_out"] + lost
            if stage != "submit":
                left.update(event for url in manifest["side_artifacts"].values() for event in ids_of(url))
        assert not left - expected, "something was left out that was never there"
        added = manifests["map"].get("added", 0)
        assert manifests["validate"]["records_out"] == (expected - left).total() + added


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "sentinelone"], indirect=True)
def test_live_connector_stores_each_passed_event_once(
    tenant: Tenant, source: str, chains: list[dict[str, Any]]
) -> None:
    existing, left = set[str](), set[str]()
    for manifests in chains:
        existing |= set(truth(tenant, source, manifests["extract"]))
        for stage in ("filter", "map", "validate"):
            left |= {event for url in manifests[stage]["side_artifacts"].values() for event in ids_of(url)}
    stored = Counter((each.incident_id, each.entry["ioc"]["value"]) for each in tenant.simulator.detections)
    assert set(stored.values()) == {1}
    assert {event for event, _ in stored} == existing - left


def test_debug_connector_has_everything_checked_and_stores_nothing(first_imports: dict[str, Tenant]) -> None:
    tenant = first_imports["sentinelone"]
    (run,) = tenant.finished("scheduled", 1)
    assert tenant.states(run["dag_run_id"])["submit"] == "skipped"
    validate = tenant.manifest(run["dag_run_id"], "validate")
    assert validate["checked_by_api"] == {"hash": validate["records_out"]}
    assert not tenant.sent
