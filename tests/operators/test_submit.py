"""Submit delivers each detection once over all tries and runs, according to the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType

from ci_operators.airflow_plugin.versions import AirflowRescheduleException, AirflowSkipException
from ci_operators.core.connector import Destination
from ci_operators.core.errors import AccountingError, CredentialsError, UnknownOutcomeError
from ci_operators.core.instant import format_instant
from simulator.recorded_future import submission
from tests.operators.conftest import Chain, FakeRun, Tenant, okta_event

STAGES = ["extract", "filter", "map", "validate"]


def prepared(tenant: Tenant, run: FakeRun, **options: Any) -> Chain:
    """Return a chain whose run waits for submit."""
    chain = tenant.chain(batch_size=10, **options)
    for stage in STAGES:
        chain.run_task(stage, run)
    return chain


@pytest.fixture
def run(tenant: Tenant) -> FakeRun:
    return tenant.scheduled(1, 0)


def posts(tenant: Tenant) -> list[tuple[int | None, int | None]]:
    """Return status and number of detections of each submission."""
    detections = [entry for entry in tenant.simulator.requests if entry.path.endswith("/detections")]
    return [(entry.status, entry.entries) for entry in detections]


def event_ids(count: int) -> list[str]:
    return [f"event-{number:04}" for number in range(count)]


def test_posts_all_detections_in_batches(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(25)
    manifest = prepared(tenant, run, organization_ids=["uhash:simOrgA001"]).run_task("submit", run)
    assert Counter(posts(tenant)) == {(200, 10): 2, (200, 5): 1}
    assert sorted(map(str, tenant.sent_ids)) == event_ids(25)
    assert {stored.organizations for stored in tenant.simulator.detections} == {("uhash:simOrgA001",)}
    assert (manifest["records_out"], manifest["accepted"], manifest["batches"]) == (25, 25, 3)
    assert (manifest["processed"], manifest["artifact"]) == ({"ip": 25}, None)


@pytest.mark.parametrize("options", [{"debug": True}, {}])
def test_debug_run_is_skipped_with_the_reason(tenant: Tenant, options: dict[str, bool]) -> None:
    """For a connector in debug mode, and for a live one whose run is triggered as a dry run."""
    tenant.add_events(3)
    run = tenant.manual(debug=True)
    chain = prepared(tenant, run, **options)
    with pytest.raises(AirflowSkipException, match="Debug run: Recorded Future checked the detections and stored noth"):
        chain.run_task("submit", run)
    assert tenant.sent_ids == []
    assert [entry.debug for entry in tenant.simulator.requests if entry.vendor == "recorded_future"] == [True]


def test_clearing_a_task_that_succeeded_sends_nothing_again(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    chain.run_task("submit", run)
    manifest = chain.run_task("submit", replace(run, clear_number=1))
    assert tenant.sent_ids == event_ids(15)
    assert (manifest["dropped"], manifest["accepted"], manifest["batches"]) == ({"already_accepted": 15}, 0, 0)


@pytest.mark.parametrize("kind", [DagRunType.MANUAL, DagRunType.BACKFILL])
def test_another_run_over_the_same_window_sends_what_is_new(tenant: Tenant, run: FakeRun, kind: DagRunType) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    chain.run_task("submit", run)
    tenant.simulator.add_okta_event(okta_event(0, tenant.ago(0.9), uuid="late"))
    chain.run_all(FakeRun(kind, tenant.now, tenant.ago(2), tenant.now, run_id="again"))
    assert tenant.sent_ids == [*event_ids(15), "late"]


def test_a_submission_that_did_not_arrive_is_repeated_by_the_retry(tenant: Tenant, run: FakeRun) -> None:
    """It is not repeated in place, since the answer does not show whether the detections were stored."""
    tenant.add_events(20)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=503, skip=1)
    with pytest.raises(UnknownOutcomeError, match="may have been stored"):
        chain.run_task("submit", run)
    assert posts(tenant) == [(200, 10), (503, None)]
    assert chain.watermark == format_instant(tenant.ago(1))
    manifest = chain.run_task("submit", run)
    assert sorted(str(event) for event in tenant.sent_ids) == event_ids(20)
    assert (manifest["dropped"], manifest["resent_unknown"], manifest["accepted"]) == ({}, 10, 20)
    assert chain.watermark == format_instant(tenant.now)


@pytest.mark.parametrize("kind", ["store_then_drop", "store_then_status"])
def test_a_submission_that_arrived_unseen_is_not_repeated(tenant: Tenant, run: FakeRun, kind: str) -> None:
    tenant.add_events(20)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", kind, skip=1)
    with pytest.raises(UnknownOutcomeError):
        chain.run_task("submit", run)
    manifest = chain.run_task("submit", run)
    assert sorted(str(event) for event in tenant.sent_ids) == event_ids(20)
    assert (manifest["found_by_search"], manifest["resent_unknown"], manifest["accepted"]) == (10, 0, 20)


def test_a_429_stores_nothing_and_is_repeated_in_place(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(5)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "0"}, count=2)
    chain.run_task("submit", run)
    assert posts(tenant) == [(429, None), (429, None), (200, 5)]
    assert tenant.sent_ids == event_ids(5)


def test_a_long_429_frees_the_slot_and_keeps_accepted_batches(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(25)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "3600"}, skip=1)
    with pytest.raises(AirflowRescheduleException):
        chain.run_task("submit", run)
    chain.run_task("submit", run)
    assert sorted(map(str, tenant.sent_ids)) == event_ids(25)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "status", "status": 403}, CredentialsError), ({"kind": "wrong_counts"}, AccountingError)],
)
def test_an_error_that_no_retry_fixes_is_fatal_and_moves_no_watermark(
    tenant: Tenant, run: FakeRun, fault: dict[str, Any], error: type[Exception]
) -> None:
    tenant.add_events(5)
    chain = prepared(tenant, run)
    before = chain.watermark
    tenant.simulator.add_fault("recorded_future", **fault)
    with pytest.raises(error):
        chain.run_task("submit", run)
    assert chain.watermark == before


@pytest.mark.parametrize("is_on", [True, False])
def test_detections_have_a_transient_id_if_the_option_is_on(
    tenant: Tenant, run: FakeRun, is_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(submission, "check_entry", lambda entry, _place: seen.append(entry))
    tenant.add_events(2)
    prepared(tenant, run, send_transient_id=is_on).run_task("submit", run)
    assert ["transient_id" in entry for entry in seen] == [is_on] * 2
    assert tenant.sent_ids == event_ids(2)


def test_detections_of_another_connector_are_not_ours(tenant: Tenant, run: FakeRun) -> None:
    """The operator passes the ledger to the look-up."""
    tenant.add_events(2)
    prepared(tenant, run, name="other").run_task("submit", run)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "drop_connection")
    with pytest.raises(UnknownOutcomeError):
        chain.run_task("submit", run)
    manifest = chain.run_task("submit", run)
    assert (manifest["found_by_search"], manifest["resent_unknown"]) == (0, 2)


class TestAssetEvent:
    def test_holds_the_counts_of_the_delivery(self, tenant: Tenant, run: FakeRun) -> None:
        tenant.add_events(15)
        chain = prepared(tenant, run)
        chain.destination = Destination(daily_limit=10, reserved_share=0)
        chain.run_task("submit", run)
        (event,) = chain.events.values()
        assert event.extra == {
            "connector": "okta",
            "run_id": run.run_id,
            "run_type": "scheduled",
            "since": chain.manifests["submit"]["window"]["since"],
            "until": chain.manifests["submit"]["window"]["until"],
            "detections": 15,
            "accepted": 10,
            "dropped": {},
            "quarantined": {},
            "waiting": 5,
            "resent_unknown": 0,
            "unknown": 0,
        }
        assert [asset.name for asset in chain.events] == ["collective_insights_okta"]

    def test_is_not_made_by_a_run_that_has_nothing_to_submit(self, tenant: Tenant) -> None:
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(1, 0))
        assert len(chain.events) == 0

    def test_is_not_made_by_a_debug_run(self, tenant: Tenant) -> None:
        tenant.add_events(1)
        chain = tenant.chain(debug=True)
        chain.run_all(tenant.scheduled(1, 0))
        assert "submit" in chain.skipped
        assert len(chain.events) == 0
