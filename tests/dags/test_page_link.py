"""The link from a task to its page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ci_operators.dag_factory import STAGES
from ci_operators.page_link import PageLink


def test_link_leads_to_the_page_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    key = SimpleNamespace(dag_id="collective_insights_okta", run_id="manual__2026-03-10T12:00:00+00:00", task_id="map")
    assert PageLink().get_link(None, ti_key=key) == (
        "https://airflow.example.com/team/dags/collective_insights_okta/runs/"
        "manual__2026-03-10T12:00:00+00:00/tasks/map/plugin/collective-insights-task"
    )


def test_every_stage_has_the_link() -> None:
    assert set(PageLink().operators) == set(STAGES)


def test_letters_that_an_address_cannot_hold_are_written_otherwise() -> None:
    key = SimpleNamespace(dag_id="d", run_id="by hand/?#", task_id="map")
    assert "/runs/by%20hand%2F%3F%23/tasks/" in PageLink().get_link(None, ti_key=key)
