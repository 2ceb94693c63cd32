"""Broken events of a vendor are quarantined; the run succeeds and reports them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.end_to_end.conftest import Installation, MakeTenant
from tests.end_to_end.tenant import events, ids, okta_event

pytestmark = pytest.mark.airflow


def test_broken_events_are_quarantined_and_the_rest_arrives(
    installation: Installation, make_tenant: MakeTenant
) -> None:
    at = installation.initial_import("broken-events").end - timedelta(hours=1)
    not_objects = [b"[1,2]", b'"text"', b"null", b"17"]
    unmappable = [
        okta_event("named", at, actor={"displayName": "Jane Doe", "type": "User"}),
        okta_event("long", at, actor={"displayName": "x" * 1_000_000}),
        okta_event("", at),
        okta_event("dated", at, published="2026-13-45"),
    ]
    odd = [b'{"uuid": "\\ud800"}', okta_event("list", at, actor=["198.51.100.1"]), okta_event("null", at, actor=None)]
    good = events("good", at, 3, timedelta(seconds=1))
    tenant = make_tenant("broken-events", okta_events=[*not_objects, *unmappable, *odd, *good])
    tenant.enable()
    run_id = tenant.first_scheduled()
    assert tenant.outcome(run_id) == "success"
    manifests = {stage: tenant.manifest(run_id, stage) for stage in ("extract", "filter", "map", "submit")}
    assert manifests["extract"]["records_out"] == len(not_objects) + len(unmappable) + len(odd) + len(good)
    assert manifests["filter"]["quarantined"] == {"event_not_an_object": len(not_objects)}
    assert sum(manifests["filter"]["dropped"].values()) == len(odd)
    assert sum(manifests["map"]["quarantined"].values()) == len(unmappable)
    assert tenant.sent == ids("good", range(3))
    assert "4 quarantined, event_not_an_object: The event is not a JSON object." in tenant.log(run_id, "filter")
