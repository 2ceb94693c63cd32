"""Whether runs add up, and what the person reads about them."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ci_operators.core.tally import STAGES
from local_airflow.report import open_page, print_address, print_report, print_run
from local_airflow.runs import CONNECTORS, Run, Stage, counted_stage, find_faults

OKTA, SENTINELONE = CONNECTORS


def stage(name: str, taken: int, passed: int, **more: Any) -> Stage:
    return counted_stage(name, "success", {"records_in": taken, "records_out": passed, "duration_s": 0.5, **more})


def make_run(*changed: Stage, **changes: Any) -> Run:
    """Return a run of ten events: one dropped, two quarantined, seven accepted; with some stages changed."""
    stages = (
        stage("extract", 10, 10),
        stage("filter", 10, 9, dropped={"missing_actor": 1}),
        stage("map", 9, 7, quarantined={"not_an_address": 2}),
        stage("validate", 7, 7),
        stage("submit", 7, 7),
    )
    named = {each.name: each for each in (*stages, *changed)}
    return replace(Run(OKTA, "scheduled__1", "scheduled", "success", named), **changes)


def skipped(*names: str) -> list[Stage]:
    return [Stage(name, "skipped") for name in names]


EMPTY = make_run(stage("extract", 0, 0), *skipped(*STAGES[1:]), run_id="scheduled__2")
DEBUG = make_run(stage("validate", 7, 7, debug=True), *skipped("submit"))


@pytest.mark.parametrize(
    ("runs", "stored"),
    [
        ([make_run()], {"Okta": 7}),
        ([make_run(), EMPTY], {"Okta": 7}),
        ([make_run(), make_run(run_id="manual__2"), make_run(connector=SENTINELONE)], {"Okta": 14, "SentinelOne": 7}),
        ([DEBUG], {}),
    ],
    ids=["it adds up", "nothing found", "several runs and connectors", "a debug run sends nothing"],
)
def test_what_adds_up_has_no_fault(runs: list[Run], stored: dict[str, int]) -> None:
    assert find_faults(runs, stored) == []


FAILED = Stage("submit", "failed", error="FatalError: the token is refused.")


@pytest.mark.parametrize(
    ("run", "held", "sentence"),
    [
        (make_run(stage("filter", 10, 9)), 7, "Stage filter took 10 records but accounts for 9 passed on, 0 dropped"),
        (make_run(stage("submit", 6, 6)), 6, "okta, scheduled__1: validate passed on 7, submit took 6."),
        (make_run(*skipped("submit")), 0, "okta, scheduled__1: validate passed on 7, submit took 0."),
        (make_run(Stage("submit", "success")), 0, "okta, scheduled__1: submit succeeded without a manifest."),
        (make_run(FAILED, state="failed"), 0, "okta: submit failed in scheduled__1: FatalError: the token is refused."),
        (make_run(state="failed", stages={}), 0, "okta: scheduled__1 is failed."),
        *((make_run(), held, f"okta: 7 detections were accepted, but the API stores {held}.") for held in (0, 6, 8)),
    ],
)
def test_what_does_not_add_up_is_named(run: Run, held: int, sentence: str) -> None:
    (fault,) = find_faults([run], {"Okta": held})
    assert sentence in fault


def read_report(*runs: Run, held: int) -> tuple[bool, str]:
    output = StringIO()
    is_right = print_report(Console(file=output, width=120), runs, {"Okta": held})
    return is_right, output.getvalue()


def test_the_table_sums_the_runs_with_the_most_frequent_reasons_first() -> None:
    more = stage("filter", 10, 7, dropped={"missing_actor": 1, "null_display_name": 2})
    is_right, text = read_report(make_run(), make_run(more, *skipped(*STAGES[2:]), run_id="manual__2"), held=7)
    assert not is_right
    row = next(line for line in text.splitlines() if " filter " in line)
    assert [cell.strip() for cell in row.split("│")[3:7]] == ["20", "16", "2 missing_actor", "0"]
    assert text.index("2 missing_actor") < text.index("2 null_display_name")
    assert ("okta (2 runs)" in text, "sentinelone (0 runs)" in text, "not run" in text) == (True, True, True)


def test_the_verdict_is_shown_with_each_error_as_it_is() -> None:
    assert "Every run succeeded and the counts add up" in read_report(make_run(), held=7)[1]
    is_right, text = read_report(make_run(replace(FAILED, error="BadTokenError: [fix] it"), state="failed"), held=0)
    assert not is_right
    assert "submit failed in scheduled__1: BadTokenError: [fix] it" in text
    assert "Every run succeeded" not in text


def test_a_finished_run_is_a_line() -> None:
    output = StringIO()
    print_run(Console(file=output, width=160), make_run(duration_s=2.0))
    assert "okta         success  10 events in, 7 detections accepted, 2.0 s  (scheduled__1)" in output.getvalue()


def test_address_leads_to_the_page() -> None:
    output = StringIO()
    print_address(Console(file=output, width=120), "http://127.0.0.1:8080", "admin", "pass[word]")
    assert "Open:     http://127.0.0.1:8080/plugin/collective-insights\n" in output.getvalue()
    assert "pass[word]" in output.getvalue()


@pytest.mark.parametrize(
    ("is_terminal", "environment", "opened"),
    [
        (True, {"DISPLAY": ":0"}, True),
        (True, {"WAYLAND_DISPLAY": "w"}, True),
        (True, {}, False),
        (False, {"DISPLAY": ":0"}, False),
    ],
)
def test_browser_opens_for_a_person_at_a_desktop_alone(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, environment: dict[str, str], opened: bool
) -> None:
    asked: list[str] = []

    def note(url: str) -> bool:
        asked.append(url)
        return True

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", note)
    console = Console(file=StringIO(), force_terminal=is_terminal)
    assert open_page(console, "http://127.0.0.1:8080", environment) is opened
    assert asked == ["http://127.0.0.1:8080/plugin/collective-insights"] * opened


def test_the_demo_s_connectors_are_those_of_its_file() -> None:
    assert [(each.name, each.dag_id, each.source_type) for each in CONNECTORS] == [
        ("okta", "collective_insights_okta", "Okta"),
        ("sentinelone", "collective_insights_sentinelone", "SentinelOne"),
    ]
