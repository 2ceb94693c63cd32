"""A backfill over two days runs in pieces of max_window and delivers each event once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.end_to_end.conftest import Installation, MakeTenant
from tests.end_to_end.tenant import Tenant, events, ids

pytestmark = pytest.mark.airflow

HOUR = timedelta(hours=1)
NAMES = {"live": "backfill", "dry": "backfill-dry"}


@pytest.fixture(scope="module")
def backfills(installation: Installation, make_tenant: MakeTenant) -> dict[str, Tenant]:
    """Two backfills over the same two days, a dry run and a live one, with an event every hour of four days."""
    begin = installation.now - timedelta(days=5)
    tenants = {kind: make_tenant(name, okta_events=events("hour", begin, 96, HOUR)) for kind, name in NAMES.items()}
    for kind, tenant in tenants.items():
        tenant.enable()
        tenant.first_scheduled()  # otherwise the schedule can continue at the end of the backfill
        tenant.backfill(begin + 24 * HOUR, begin + 72 * HOUR, {"debug": True} if kind == "dry" else {})
    return tenants


@pytest.mark.parametrize("kind", list(NAMES))
def test_its_pieces_cover_the_range_once(backfills: dict[str, Tenant], installation: Installation, kind: str) -> None:
    tenant = backfills[kind]
    runs = tenant.finished("backfill", 4)
    assert [run["state"] for run in runs] == ["success"] * 4
    windows = sorted(tenant.manifest(run["dag_run_id"], "extract")["window"]["since"] for run in runs)
    begin = installation.now - timedelta(days=4)
    assert windows == [(begin + n * 12 * HOUR).isoformat().replace("+00:00", ".000Z") for n in range(4)]
    assert [tenant.manifest(run["dag_run_id"], "validate")["records_out"] for run in runs] == [12] * 4
    assert len(tenant.runs("backfill")) == 4


def test_live_backfill_sends_each_event_of_the_range_once(backfills: dict[str, Tenant]) -> None:
    backfills["live"].finished("backfill", 4)
    assert backfills["live"].sent == ids("hour", range(24, 72))


def test_dry_backfill_has_everything_checked_and_nothing_stored(backfills: dict[str, Tenant]) -> None:
    tenant = backfills["dry"]
    for run in tenant.finished("backfill", 4):
        assert tenant.states(run["dag_run_id"])["submit"] == "skipped"
        assert tenant.manifest(run["dag_run_id"], "validate")["checked_by_api"] == {"ip": 12}
    assert not tenant.sent
