"""Submit posts each batch once over all tries of its task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from ci_operators.core.errors import AccountingError, CredentialsError, UnknownOutcomeError
from ci_operators.core.instant import format_instant
from tests.operators.conftest import Chain, FakeRun, FakeStore, Tenant

STAGES = ["extract", "filter", "map", "validate"]


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


@dataclass
class KillingStore(FakeStore):
    """Kills the task right after it has remembered `batches` batches."""

    batches: int = 2

    def set(self, key: str, value: Any, retention: Any = None) -> None:
        super().set(key, value, retention)
        if value == self.batches:
            self.batches = 0
            raise KilledError


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
    return [(entry.status, entry.entries) for entry in tenant.simulator.requests if entry.vendor == "recorded_future"]


def test_posts_all_detections_in_batches(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(25)
    manifest = prepared(tenant, run, organization_ids=["uhash:simOrgA001"]).run_task("submit", run)
    assert posts(tenant) == [(200, 10), (200, 10), (200, 5)]
    assert tenant.sent_ids == [f"event-{number:04}" for number in range(25)]
    assert {stored.organizations for stored in tenant.simulator.detections} == {("uhash:simOrgA001",)}
    assert (manifest["records_out"], manifest["batches"], manifest["processed"]) == (25, 3, {"ip": 25})
    assert manifest["accepted_by_earlier_tries"] == 0
    assert manifest["artifact"] is None


@pytest.mark.parametrize("options", [{"debug": True}, {}])
def test_debug_run_is_skipped_with_the_reason(tenant: Tenant, options: dict[str, bool]) -> None:
    """Of a connector in debug mode, and of a live one whose run is triggered as a dry run."""
    tenant.add_events(3)
    run = tenant.manual(debug=True)
    chain = prepared(tenant, run, **options)
    with pytest.raises(AirflowSkipException, match="Debug run: Recorded Future has checked the detections, nothing is"):
        chain.run_task("submit", run)
    assert tenant.sent_ids == []
    assert [entry.debug for entry in tenant.simulator.requests if entry.vendor == "recorded_future"] == [True]


def test_retry_after_a_kill_goes_on_after_the_accepted_batches(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(35)
    chain = prepared(tenant, run)
    chain.task_stores[run.run_id, "submit"] = KillingStore(batches=2)
    with pytest.raises(KilledError):
        chain.run_task("submit", run)
    assert len(tenant.sent_ids) == 20
    assert chain.watermark == format_instant(tenant.ago(1))
    manifest = chain.run_task("submit", run)
    assert tenant.sent_ids == [f"event-{number:04}" for number in range(35)]
    assert (manifest["records_out"], manifest["accepted_by_earlier_tries"], manifest["batches"]) == (35, 20, 2)
    assert chain.watermark == format_instant(tenant.now)


def test_clearing_a_task_that_succeeded_sends_nothing_again(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    for _ in range(2):
        manifest = chain.run_task("submit", run)
    assert len(tenant.sent_ids) == 15
    assert (manifest["accepted_by_earlier_tries"], manifest["batches"], manifest["processed"]) == (15, 0, {})


def test_other_detections_are_other_batches(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    chain.run_task("submit", run)
    tenant.simulator.add_okta_event(
        {
            "uuid": "late",
            "published": format_instant(tenant.ago(0.9)),
            "eventType": "security.threat.detected",
            "actor": {"displayName": "203.0.113.1"},
        }
    )
    for stage in STAGES:
        chain.run_task(stage, run)
    manifest = chain.run_task("submit", run)
    assert manifest["accepted_by_earlier_tries"] == 0
    assert tenant.sent_ids.count("late") == 1


def test_checkpoint_holds_no_payload(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    chain.run_task("submit", run)
    ((key, value),) = chain.task_stores[run.run_id, "submit"].values.items()
    name, _, digest = key.partition(":")
    assert (name, len(digest), value) == ("accepted_batches", 64, 2)


def test_a_submission_that_may_have_arrived_is_not_repeated_in_place(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(15)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=503, skip=1)
    with pytest.raises(UnknownOutcomeError, match="may have been stored"):
        chain.run_task("submit", run)
    assert posts(tenant) == [(200, 10), (503, None)]
    chain.run_task("submit", run)
    assert tenant.sent_ids == [f"event-{number:04}" for number in range(15)]


def test_a_429_stores_nothing_and_is_repeated_in_place(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(5)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "0"}, count=2)
    chain.run_task("submit", run)
    assert posts(tenant) == [(429, None), (429, None), (200, 5)]
    assert len(tenant.sent_ids) == 5


def test_a_long_429_gives_the_slot_back_and_keeps_what_was_accepted(tenant: Tenant, run: FakeRun) -> None:
    tenant.add_events(25)
    chain = prepared(tenant, run)
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "3600"}, skip=1)
    with pytest.raises(AirflowRescheduleException):
        chain.run_task("submit", run)
    chain.run_task("submit", run)
    assert tenant.sent_ids == [f"event-{number:04}" for number in range(25)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "status", "status": 403}, CredentialsError), ({"kind": "wrong_counts"}, AccountingError)],
)
def test_what_no_retry_mends_is_fatal_and_moves_no_watermark(
    tenant: Tenant, run: FakeRun, fault: dict[str, Any], error: type[Exception]
) -> None:
    tenant.add_events(5)
    chain = prepared(tenant, run)
    before = chain.watermark
    tenant.simulator.add_fault("recorded_future", **fault)
    with pytest.raises(error):
        chain.run_task("submit", run)
    assert chain.watermark == before
    assert json.dumps(chain.task_stores[run.run_id, "submit"].values) == "{}"
