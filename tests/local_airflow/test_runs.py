"""The check that runs add up, and the text about them."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ci_operators.answers.run.manifests import read_manifest
from ci_operators.core.tally import STAGES
from local_airflow.report import open_page, print_address, print_report, print_run
from local_airflow.runs import Run, Stage, find_faults


def stage(name: str, taken: int, passed: int, **more: Any) -> Stage:
    manifest = {"records_in": taken, "records_out": passed, "duration_s": 0.5, **more}
    return Stage(name, "success", read_manifest(manifest))


def make_run(*changed: Stage, **changes: Any) -> Run:
    """Return a run of ten events with one dropped, two quarantined, one with two detections, and changes to stages."""
    stages = (
        stage("extract", 10, 10),
        stage("filter", 10, 9, dropped={"missing_actor": 1}),
        stage("map", 9, 8, quarantined={"not_an_address": 2}, added=1),
        stage("validate", 8, 8),
        stage("submit", 8, 8),
    )
    named = {each.name: each for each in (*stages, *changed)}
    return replace(Run("okta", "scheduled__1", "scheduled", "success", named), **changes)


def skipped(*names: str) -> list[Stage]:
    return [Stage(name, "skipped") for name in names]


EMPTY = make_run(stage("extract", 0, 0), *skipped(*STAGES[1:]), run_id="scheduled__2")
DEBUG = make_run(stage("validate", 8, 8, debug=True), *skipped("submit"))
FAILED = Stage("submit", "failed", error="FatalError: [fix] the token.")


@pytest.mark.parametrize(
    ("runs", "stored"),
    [
        ([make_run(), EMPTY], {"Okta": 8}),
        ([make_run(), make_run(run_id="manual__2"), make_run(connector="sentinelone")], {"Okta": 16, "SentinelOne": 8}),
        ([DEBUG], {}),
    ],
)
def test_consistent_runs_have_no_fault(runs: list[Run], stored: dict[str, int]) -> None:
    assert find_faults(runs, stored) == []


@pytest.mark.parametrize(
    ("run", "held", "sentence"),
    [
        (
            make_run(stage("filter", 10, 9)),
            8,
            "okta, scheduled__1: filter succeeded without a manifest whose counts add up.",
        ),
        (make_run(stage("submit", 6, 6)), 6, "okta, scheduled__1: validate passed on 8 records, but submit read 6."),
        (make_run(*skipped("submit")), 0, "okta, scheduled__1: validate passed on 8 records, but submit read 0."),
        (
            make_run(Stage("submit", "success")),
            0,
            "okta, scheduled__1: submit succeeded without a manifest whose counts add up.",
        ),
        (make_run(FAILED, state="failed"), 0, "okta: submit failed in scheduled__1: FatalError: [fix] the token."),
        (make_run(state="failed", stages={}), 0, "okta: scheduled__1 is failed."),
        *((make_run(), held, f"okta: 8 detections were accepted, but the API stores {held}.") for held in (0, 7, 9)),
    ],
)
def test_inconsistent_counts_are_named(run: Run, held: int, sentence: str) -> None:
    (fault,) = find_faults([run], {"Okta": held})
    assert sentence in fault
    output = StringIO()
    assert not print_report(Console(file=output, width=200), [run], {"Okta": held})
    assert sentence in output.getvalue()
    assert "Every run succeeded" not in output.getvalue()


def test_the_table_sums_the_runs_with_the_most_frequent_reasons_first() -> None:
    output, second = StringIO(), stage("filter", 10, 7, dropped={"missing_actor": 1, "null_display_name": 2})
    runs = [make_run(), make_run(second, *skipped(*STAGES[2:]), run_id="manual__2")]
    print_report(Console(file=output, width=120), runs, {"Okta": 8})
    text = output.getvalue()
    lines = [line.split("│") for line in text[text.index("okta (2 runs)") :].splitlines()[:6]]
    rows = {line[2].strip(): line[3:9] for line in lines if len(line) > 8}
    assert [cell.strip() for cell in rows["filter"]] == ["20", "0", "16", "2 missing_actor", "0", "1.00"]
    assert [cell.strip() for cell in rows["map"]] == ["9", "1", "8", "0", "2 not_an_address", "0.50"]
    assert text.index("2 missing_actor") < text.index("2 null_display_name")
    assert ("okta (2 runs)" in text, "sentinelone (0 runs)" in text, "not run" in text) == (True, True, True)


def test_a_finished_run_is_a_line_with_the_url_of_its_page() -> None:
    output = StringIO()
    console = Console(file=output, width=160)
    print_run(console, make_run(duration_s=2.0))
    print_address(console, "http://127.0.0.1:8080", "admin", "pass[word]")
    assert "okta         success  10 events in, 8 detections accepted, 2.0 s  (scheduled__1)" in output.getvalue()
    assert "Open:     http://127.0.0.1:8080/plugin/collective-insights\n" in output.getvalue()
    assert "pass[word]" in output.getvalue()


@pytest.mark.parametrize(
    ("is_terminal", "desktop", "is_opened"), [(True, ":0", True), (True, "", False), (False, ":0", False)]
)
def test_browser_opens_only_on_a_desktop(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, desktop: str, is_opened: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    console = Console(file=StringIO(), force_terminal=is_terminal)
    assert open_page(console, "http://127.0.0.1:8080", {"DISPLAY": desktop}) is is_opened
