"""What the person reads after the imports."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from demo.report import open_page, print_address, print_report
from demo.settings import CONNECTORS
from demo.tally import Counts, Run, Stage

OKTA = CONNECTORS[0]


def make_run(taken: int, *, state: str = "success") -> Run:
    counts = Counts(10, 7, {"missing_actor": 1, "null_display_name": 2}, {})
    stages = [
        Stage("extract", "success", Counts(taken, 10)),
        Stage("filter", state, counts, "BadTokenError: [mend] it"),
    ]
    skipped = [Stage(name, "skipped") for name in ("map", "validate", "submit")]
    return Run(OKTA, "scheduled__1", "scheduled", state, (*stages, *skipped))


def read_report(run: Run) -> tuple[bool, str]:
    output = StringIO()
    is_right = print_report(Console(file=output, width=120), [run], {})
    return is_right, output.getvalue()


def test_reasons_are_listed_with_their_counts_most_frequent_first() -> None:
    _, text = read_report(make_run(10))
    assert text.index("2 null_display_name") < text.index("1 missing_actor")
    assert "skipped" in text


def test_a_connector_that_has_not_run_is_shown_as_such() -> None:
    _, text = read_report(make_run(10))
    assert "sentinelone (0 runs)" in text
    assert "not run" in text


def test_what_does_not_add_up_is_told_and_is_no_success() -> None:
    is_right, text = read_report(make_run(11))
    assert not is_right
    assert "extract took 11, passed on 10" in text
    assert "Every run succeeded" not in text


def test_an_error_is_shown_as_it_stands() -> None:
    is_right, text = read_report(make_run(10, state="failed"))
    assert not is_right
    assert "filter failed in scheduled__1: BadTokenError: [mend] it" in text


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
    assert asked == (["http://127.0.0.1:8080/plugin/collective-insights"] if opened else [])
