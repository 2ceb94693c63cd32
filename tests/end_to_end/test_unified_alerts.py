"""SentinelOne's other API: unified alerts pass through the running Airflow."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.end_to_end.tenant import Tenant
from tests.sources.sentinelone.specimens import SHA256

pytestmark = pytest.mark.airflow


def test_unified_alerts_arrive_with_the_codes_of_their_details(unified_alerts: Tenant) -> None:
    (run,) = unified_alerts.finished("scheduled", 1)
    assert set(unified_alerts.states(run["dag_run_id"]).values()) == {"success"}
    assert unified_alerts.manifest(run["dag_run_id"], "extract")["records_out"] == 3
    assert unified_alerts.manifest(run["dag_run_id"], "filter")["dropped"] == {"third_party_alert": 1}
    stored = unified_alerts.simulator.detections
    assert Counter(each.incident_id for each in stored) == {"a-threat": 1, "alert-alone": 1}
    assert {each.entry["ioc"]["value"] for each in stored} == {SHA256}
    assert {tuple(each.entry["mitre_codes"]) for each in stored} == {("T1055.012", "T1106")}
