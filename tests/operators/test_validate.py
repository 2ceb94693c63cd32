"""Validate asks the API itself in a debug run, and only then."""

from __future__ import annotations

import pytest

from ci_operators.core.errors import AccountingError
from ci_operators.core.instant import format_instant
from tests.operators.conftest import Chain, Tenant

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


def test_debug_run_ends_here_for_the_watermark_only_if_the_api_agrees(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    before = chain.debug_watermark
    tenant.simulator.add_fault("recorded_future", "wrong_counts")
    with pytest.raises(AccountingError, match="9 ip processed, sent were 10 ip"):
        chain.run_task("validate", tenant.scheduled(1, 0))
    assert chain.debug_watermark == before


def test_dry_run_is_repeated_in_place(tenant: Tenant) -> None:
    chain = prepared(tenant, debug=True)
    tenant.simulator.add_fault("recorded_future", "status", status=503, headers={"Retry-After": "0"})
    assert chain.run_task("validate", tenant.scheduled(1, 0))["checked_by_api"] == {"ip": 25}
