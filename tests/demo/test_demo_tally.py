"""The table's sums and the verdict on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demo.settings import CONNECTORS
from demo.tally import Counts, Run, Stage, find_faults, sum_stage

OKTA, SENTINELONE = CONNECTORS


def manifest(taken: int, passed: int, **more: Any) -> dict[str, Any]:
    return {"records_in": taken, "records_out": passed, "duration_s": 0.5, **more}


def make_run(**changes: Any) -> Run:
    """Returns a run of ten events: one dropped, two quarantined, seven accepted."""
    stages = (
        ("extract", manifest(10, 10)),
        ("filter", manifest(10, 9, dropped={"missing_actor": 1})),
        ("map", manifest(9, 7, quarantined={"not_an_address": 2})),
        ("validate", manifest(7, 7)),
        ("submit", manifest(7, 7)),
    )
    made = tuple(Stage(name, "success", Counts.from_manifest(counts)) for name, counts in stages)
    run = Run(connector=OKTA, run_id="scheduled__1", run_type="scheduled", state="success", stages=made)
    return replace(run, **changes)


def change_stage(run: Run, name: str, stage: Stage) -> Run:
    return replace(run, stages=tuple(stage if old.name == name else old for old in run.stages))


def make_empty_run() -> Run:
    extract = Stage("extract", "success", Counts.from_manifest(manifest(0, 0)))
    rest = tuple(Stage(name, "skipped") for name in ("filter", "map", "validate", "submit"))
    return make_run(run_id="scheduled__2", stages=(extract, *rest))


def test_a_run_that_adds_up_has_no_fault() -> None:
    assert find_faults([make_run()], {"Okta": 7}) == []


def test_a_run_that_found_nothing_is_no_fault() -> None:
    assert find_faults([make_run(), make_empty_run()], {"Okta": 7}) == []


def test_a_stage_that_loses_a_record_is_named() -> None:
    run = change_stage(make_run(), "filter", Stage("filter", "success", Counts(10, 9)))
    assert find_faults([run], {"Okta": 7}) == ["okta, scheduled__1: filter took 10, passed on 9 and left out 0."]


def test_a_record_lost_between_stages_is_named() -> None:
    run = change_stage(make_run(), "submit", Stage("submit", "success", Counts(6, 6)))
    assert find_faults([run], {"Okta": 6}) == ["okta, scheduled__1: validate passed on 7, submit took 6."]


@pytest.mark.parametrize("held", [0, 6, 8, 14])
def test_what_the_api_stores_must_be_what_was_accepted(held: int) -> None:
    assert find_faults([make_run()], {"Okta": held}) == [
        f"okta: 7 detections were accepted, but the API stores {held}."
    ]


def test_accepted_detections_are_summed_over_runs_and_told_apart_by_connector() -> None:
    runs = [make_run(), make_run(run_id="manual__2"), make_run(connector=SENTINELONE)]
    assert find_faults(runs, {"Okta": 14, "SentinelOne": 7}) == []
    assert len(find_faults(runs, {"Okta": 7, "SentinelOne": 14})) == 2


def test_a_skipped_stage_must_have_been_left_nothing() -> None:
    run = change_stage(make_run(), "submit", Stage("submit", "skipped"))
    assert find_faults([run], {}) == ["okta, scheduled__1: validate passed on 7, submit took none."]


def test_a_debug_run_sends_nothing_and_adds_up() -> None:
    run = change_stage(make_run(), "submit", Stage("submit", "skipped"))
    checked = Counts.from_manifest(manifest(7, 7, debug=True))
    assert find_faults([change_stage(run, "validate", Stage("validate", "success", checked))], {}) == []


def test_a_failed_task_is_named_with_its_error() -> None:
    run = make_run(state="failed")
    run = change_stage(run, "submit", Stage("submit", "failed", error="FatalError: the token is refused."))
    assert find_faults([run], {}) == ["okta: submit failed in scheduled__1: FatalError: the token is refused."]


def test_a_run_without_a_failed_task_is_no_success_either() -> None:
    assert find_faults([make_run(state="failed", stages=())], {}) == ["okta: scheduled__1 is failed."]


def test_a_stage_that_succeeds_must_leave_a_manifest() -> None:
    run = change_stage(make_run(), "submit", Stage("submit", "success"))
    assert "okta, scheduled__1: submit succeeded without a manifest." in find_faults([run], {})


def test_stages_are_summed_over_runs() -> None:
    total = sum_stage([make_run(), make_empty_run(), make_run(run_id="manual__3")], "filter")
    assert total == Counts(20, 18, {"missing_actor": 2}, {}, 1.0)
    assert sum_stage([], "filter") is None
