"""After retries, clears and fixes of failures, delivery is exact: nothing is lost or duplicated."""

from __future__ import annotations

import os
import signal

import pytest

from local_airflow.settings import Connection
from simulator import Fault
from simulator.settings import OKTA_TOKEN
from tests.end_to_end.conftest import ALL, HELD_S, Begin
from tests.end_to_end.tenant import Tenant, ids, wait_for

pytestmark = pytest.mark.airflow


def kill_while_held(tenant: Tenant, run_id: str, stage: str) -> None:
    """Kill a task's process while a vendor holds its request back, then clear it instead of waiting for the retry."""
    wait_for(lambda: any(entry.fault for entry in tenant.simulator.requests), f"{stage} to ask")
    os.kill(tenant.task(run_id, stage)["pid"], signal.SIGKILL)
    tenant.wait_for_state(run_id, stage, "up_for_retry")
    tenant.clear(run_id, stage)


def test_an_overloaded_source_is_asked_again_when_it_says(begin: Begin) -> None:
    """The four tries in place are used up. The retry comes after the source's second, not after Airflow's minute."""
    tenant, run_id = begin("overloaded", Fault("okta", "status", status=503, count=4, headers={"Retry-After": "1"}))
    assert tenant.outcome(run_id) == "success"
    assert tenant.task(run_id, "extract")["try_number"] == 2
    assert "Okta answered 503" in tenant.log(run_id, "extract", 1)
    assert tenant.sent == ALL


def test_a_submission_without_an_answer_is_retried_batch_by_batch(begin: Begin) -> None:
    tenant, run_id = begin("doubtful", Fault("recorded_future", "status", status=503, skip=1))
    tenant.wait_for_state(run_id, "submit", "up_for_retry")
    assert tenant.sent == ids("event", range(10))
    assert "The detections may have been stored." in tenant.log(run_id, "submit", 1)
    tenant.clear(run_id, "submit")
    assert tenant.outcome(run_id) == "success"
    submit = tenant.manifest(run_id, "submit")
    assert (submit["dropped"], submit["resent_unknown"], submit["accepted"]) == ({}, 10, 25)
    assert tenant.sent == ALL


def test_a_wrong_token_fails_at_once_with_the_fix(begin: Begin) -> None:
    tenant, run_id = begin("wrong-token", token="wrong-token-of-somebody")
    assert tenant.outcome(run_id) == "failed"
    assert tenant.task(run_id, "extract")["try_number"] == 1
    assert tenant.states(run_id)["submit"] == "upstream_failed"
    assert "Okta answered 401 (E0000011: Invalid token provided" in tenant.log(run_id, "extract")
    assert "Create one in the Okta Admin Console under Security > API > Tokens" in tenant.log(run_id, "extract")
    tenant.api.put_connection(Connection(f"{tenant.name}_source", tenant.simulator.url, OKTA_TOKEN))
    tenant.clear(run_id, "extract")
    assert tenant.outcome(run_id) == "success"
    assert tenant.sent == ALL


def test_a_worker_killed_in_extract_loses_nothing(begin: Begin) -> None:
    tenant, run_id = begin("killed-extract", Fault("okta", "slow", seconds=HELD_S))
    kill_while_held(tenant, run_id, "extract")
    assert tenant.outcome(run_id) == "success"
    assert tenant.task(run_id, "extract")["try_number"] == 2
    assert tenant.sent == ALL


def test_a_worker_killed_in_submit_sends_nothing_twice(begin: Begin) -> None:
    """The second batch is stored and its answer is held back. The search endpoint knows its outcome."""
    tenant, run_id = begin("killed-submit", Fault("recorded_future", "slow", skip=1, seconds=HELD_S))
    kill_while_held(tenant, run_id, "submit")
    assert tenant.outcome(run_id) == "success"
    submit = tenant.manifest(run_id, "submit")
    assert (submit["dropped"], submit["found_by_search"], submit["accepted"]) == ({}, 10, 25)
    assert tenant.sent == ALL


def test_next_scheduled_run_closes_the_gap_of_a_failed_one(gap: Tenant) -> None:
    failed, following = gap.finished("scheduled", 2)
    assert (failed["state"], following["state"]) == ("failed", "success")
    window = gap.manifest(following["dag_run_id"], "extract")["window"]
    assert window["basis"] == "data interval and the gap before it"
    assert window["since"][:19] == failed["data_interval_start"][:19]
    assert gap.sent == ids("gap", range(20))
