"""Validate sends requests to the API only in a debug run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ci_operators.core.errors import AccountingError, RequestRefusedError
from ci_operators.core.instant import format_instant
from ci_operators.operators.staging_area import artifact_path
from simulator.recorded_future import submission
from simulator.recorded_future.entry_rules import check_entry
from simulator.recorded_future.refusals import refused
from tests.artifacts import read_all
from tests.operators.conftest import Chain, Tenant, okta_event

STAGES = ["extract", "filter", "map"]


def prepared(tenant: Tenant, *, debug: bool) -> Chain:
    """Return a chain whose run waits for validate."""
    tenant.add_events(25)
    chain = tenant.chain(debug=debug, batch_size=10)
    for stage in STAGES:
        chain.run_task(stage, tenant.scheduled(1, 0))
    return chain


def dry_runs(tenant: Tenant) -> list[bool | None]:
    return [entry.debug for entry in tenant.simulator.requests if entry.vendor == "recorded_future"]


def test_live_run_posts_nothing(tenant: Tenant) -> None:
    manifest = prepared(tenant, debug=False).run_task("validate", tenant.scheduled(1, 0))
    assert dry_runs(tenant) == []
    assert manifest["records_out"] == 25
    assert "checked_by_api" not in manifest


def test_debug_run_posts_everything_as_a_dry_run_in_every_try(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    for tries in (1, 2):
        manifest = chain.run_task("validate", tenant.scheduled(1, 0))
        assert dry_runs(tenant) == [True] * 3 * tries
    assert (manifest["checked_by_api"], manifest["batches"]) == ({"ip": 25}, 3)
    assert tenant.sent_ids == []
    assert chain.debug_watermark == format_instant(tenant.now)


def test_debug_run_moves_its_watermark_only_if_the_api_accepts(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    before = chain.debug_watermark
    tenant.simulator.add_fault("recorded_future", "wrong_counts")
    with pytest.raises(AccountingError, match="processed 9 ip, but 10 ip were sent"):
        chain.run_task("validate", tenant.scheduled(1, 0))
    assert chain.debug_watermark == before


def test_dry_run_is_repeated_in_place(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    tenant.simulator.add_fault("recorded_future", "status", status=503, headers={"Retry-After": "0"})
    assert chain.run_task("validate", tenant.scheduled(1, 0))["checked_by_api"] == {"ip": 25}


def refuse(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    """Let the simulated API refuse the detections of an event."""

    def check(entry: Any, place: str) -> None:
        if entry["incident"]["id"] == bad:
            raise refused(400, f"{place}: no such thing")
        check_entry(entry, place)

    monkeypatch.setattr(submission, "check_entry", check)


def test_refused_detections_are_quarantined_and_the_rest_checked(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = prepared(tenant, debug=True)
    refuse(tenant, monkeypatch, "event-0013")
    for _ in range(2):
        manifest = chain.run_task("validate", tenant.scheduled(1, 0))
        assert (manifest["records_in"], manifest["records_out"]) == (25, 24)
        assert manifest["quarantined"] == {"rejected_by_api": 1}
        assert manifest["checked_by_api"] == {"ip": 24}
        (entry,) = [json.loads(text) for text in read_all(artifact_path(manifest["side_artifacts"]["quarantined"]))]
        assert (entry["event_id"], entry["issue"]) == ("event-0013", "rejected_by_api")
        assert "no such thing" in entry["detail"]
        left = [json.loads(text)["incident"]["id"] for text in read_all(artifact_path(manifest["artifact"]))]
        assert left == [f"event-{number:04}" for number in range(25) if number != 13]
    assert chain.debug_watermark == format_instant(tenant.now)


def test_a_wrong_request_is_fatal(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    tenant.simulator.add_fault("recorded_future", "status", status=400, count=100)
    with pytest.raises(RequestRefusedError):
        chain.run_task("validate", tenant.scheduled(1, 0))


def test_a_repeated_event_is_checked_once(tenant: Tenant) -> None:
    tenant.add_events(3)
    double = okta_event(0, tenant.ago(0.5), uuid="double")
    for _ in range(2):
        tenant.simulator.add_okta_event(double)
    manifests = {}
    for debug in (True, False):
        chain, run = tenant.chain(debug=debug, batch_size=10), tenant.scheduled(1, 0)
        for stage in [*STAGES, "validate", *([] if debug else ["submit"])]:
            manifests[debug] = chain.run_task(stage, run)
    checked, sent = manifests[True], manifests[False]
    assert (checked["dropped"], checked["records_out"]) == (sent["dropped"], sent["records_out"])
    assert (checked["dropped"], checked["checked_by_api"]) == ({"duplicate": 1}, sent["processed"])
