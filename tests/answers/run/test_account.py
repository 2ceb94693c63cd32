"""A run in figures: they add up, and missing ones are reported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.answers.run.account import RunAccount, RunState, TaskState
from ci_operators.core.verdict import Dropped, Quarantined
from tests.answers.staged_run import OKTA, WORDING, StagedRun, event, mixed_events

STARTED = datetime(2026, 3, 10, 13, tzinfo=UTC)


def account(run: StagedRun, records_note: str = "", **tasks: str) -> dict[str, Any]:
    states = {stage: TaskState(state, 1) for stage, state in tasks.items()}
    state = RunState("scheduled__1", "scheduled", "success", STARTED, tasks=states)
    return RunAccount(OKTA, state, run.manifests, WORDING).tell(records_note)


def test_a_run_is_described_in_figures_and_words(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events()).submit([None] * 20, waiting=3, accepted=17)
    found = account(run, extract="success", submit="success")
    assert (found["pages"], found["waited_s"], found["overlap_s"], found["duration_s"]) == (1, 0.5, 600, 7.5)
    assert (found["started_at"], found["ended_at"], found["note"]) == ("2026-03-10T13:00:00.000Z", None, "")
    assert found["window"] == {
        "since": "2026-03-10T12:00:00.000Z",
        "until": "2026-03-10T13:00:00.000Z",
        "basis": "data interval",
    }
    assert [stage["stage"] for stage in found["stages"]] == ["extract", "filter", "map", "validate", "submit"]
    dropped = {code["code"]: code for code in found["stages"][1]["dropped"]}
    assert dropped["wrong_event_type"]["count"] == 4
    assert dropped["wrong_event_type"]["words"] == 'The event type is not "security.threat.detected".'
    assert dropped["wrong_event_type"]["faq"] == "FAQ 2a of Recorded Future's page on Okta"
    assert [code["code"] for code in found["stages"][2]["notes"]] == ["no_outcome_reason"]
    assert found["records_available"]
    msgspec.json.encode(found)


def test_delivery_adds_up(tmp_path: Path) -> None:
    fates: list[Dropped | Quarantined | None] = [
        Dropped("already_accepted", "e"),
        Dropped("duplicate", "e"),
        Quarantined("rejected_by_api", "e"),
        Quarantined("outcome_unknown", "e"),
        None,
        None,
        None,
    ]
    extra = {"waiting": 1, "from_waiting": 5, "resent_unknown": 2, "found_by_search": 1}
    run = StagedRun(tmp_path).run([event(number) for number in range(7)]).submit(fates, **extra)
    found = account(run)["delivery"]
    assert msgspec.to_builtins(found) == {
        "accepted": 2,
        "already_accepted": 1,
        "duplicate": 1,
        "waiting": 1,
        "unknown": 1,
        "resent_unknown": 2,
        "found_by_search": 1,
        "rejected": 1,
        "from_waiting": 5,
    }


@pytest.mark.parametrize(
    ("events", "until", "tasks", "note"),
    [
        ([], "validate", {}, "The source had no events in the window: the run ended there."),
        ([event(1, actor=None)], "validate", {}, "Nothing was left after filter: the run ended there."),
        ([event(1)], "filter", {}, "Map has not finished yet."),
        ([event(1)], "filter", {"map": "failed"}, "Map has failed. Its log shows why."),
        ([event(1)], "filter", {"map": "upstream_failed"}, "Map did not run."),
        ([event(1)], "filter", {"map": "success"}, "Map has finished, but its manifest is gone."),
    ],
)
def test_a_run_that_ended_early_names_the_stage(
    tmp_path: Path, events: list[Any], until: str, tasks: dict[str, str], note: str
) -> None:
    assert account(StagedRun(tmp_path).run(events, until), **tasks)["note"] == note


def test_a_run_that_has_just_begun_has_no_warnings(tmp_path: Path) -> None:
    found = account(StagedRun(tmp_path), extract="running")
    assert found["note"] == "Extract has not finished yet."
    assert (found["window"], found["delivery"], found["duration_s"]) == (None, None, 0)
    assert [stage["records_in"] for stage in found["stages"]] == [None] * 5
    assert (found["records_available"], found["records_note"]) == (
        False,
        "No stage has finished yet: there are no records.",
    )


def test_a_debug_run_reports_that_nothing_is_stored(tmp_path: Path) -> None:
    run = StagedRun(tmp_path, debug=True).run(mixed_events())
    found = account(run, submit="skipped")
    assert found["debug"]
    assert found["note"] == "Debug run: Recorded Future has checked the detections and stored nothing."
    assert found["delivery"] is None
    assert (
        "Nothing was left after filter" in account(StagedRun(tmp_path, debug=True).run([event(1, actor=None)]))["note"]
    )


def test_odd_manifests_are_left_out_and_reported(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events()).submit([None] * 20)
    run.manifests["filter"]["records_out"] += 1
    run.manifests["map"] = {"records_in": "many"}
    found = account(run)
    assert found["note"] == "This version cannot read the manifest of filter and map, so its figures are not shown."
    assert found["stages"][1]["records_in"] is None
    assert found["stages"][3]["records_in"] == 20


def test_missing_artifacts_are_reported(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    found = account(run, "They are gone.")
    assert (found["records_available"], found["records_note"]) == (False, "They are gone.")


_COUNTS = st.dictionaries(st.sampled_from(["already_accepted", "duplicate", "outcome_unknown", "x"]), st.integers(0, 9))


@given(st.integers(0, 99), _COUNTS, _COUNTS, st.integers(-5, 200), st.integers(-2, 2))
def test_the_shown_figures_add_up(
    out: int, dropped: dict[str, int], quarantined: dict[str, int], wait: int, off: int
) -> None:
    total = out + sum(dropped.values()) + sum(quarantined.values()) + off
    manifest = {
        "records_in": total,
        "records_out": out,
        "dropped": dropped,
        "quarantined": quarantined,
        "waiting": wait,
    }
    found = account(StagedRun(Path(), manifests=dict.fromkeys(("filter", "submit"), manifest)))
    for stage in found["stages"]:
        if stage["records_in"] is not None:
            counts = sum(code["count"] for code in (*stage["dropped"], *stage["quarantined"]))
            assert stage["records_in"] == (stage["records_out"] or 0) + counts
    parts = found["delivery"]
    assert (parts is None) == (off != 0)
    if parts:
        names = ("accepted", "already_accepted", "duplicate", "waiting", "unknown", "rejected")
        assert total == sum(parts[name] for name in names)
