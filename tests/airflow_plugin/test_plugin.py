"""The plugin, read from its folder by Airflow's own loader in a separate process, and its link to a task's page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ci_operators.airflow_plugin.plugin import PageLink
from ci_operators.dag_factory import STAGES
from tests.airflow_home import IGNORED, ROOT

LOAD = """
import json, sys
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
plugins, errors = plugins_manager._get_plugins()
ours = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
print(json.dumps({
    "errors": errors,
    "plugins": [plugin.name for plugin in plugins],
    "timetables": sorted(plugins_manager.get_timetables_plugins()),
    "ours": {name: path for name, path in ours.items() if path.startswith(sys.argv[1])},
}))
"""


def test_loader_runs_the_plugin_file_alone() -> None:
    """Airflow runs every module below plugins/ under its bare name, unless plugins/.airflowignore names it.

    A module like ours `map` would otherwise exist twice, and one named like the standard library's would replace it.
    """
    plugins = ROOT / "plugins"
    answer = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", LOAD, str(plugins)],
        env={
            **os.environ,
            "PYTHONPATH": str(plugins),
            "PYTHONWARNINGS": IGNORED,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["errors"] == {}
    assert "collective_insights" in found["plugins"]
    assert "ci_operators.timetables.update_frequency.UpdateFrequencyTimetable" in found["timetables"]
    bare = {name for name in found["ours"] if name.partition(".")[0] != "ci_operators"}
    assert bare == {"collective_insights_plugin"}
    paths = list(found["ours"].values())
    assert len(paths) == len(set(paths)), "a module was loaded twice"


@pytest.mark.parametrize(
    ("run_id", "written"),
    [("manual__2026-03-10T12:00:00+00:00", "manual__2026-03-10T12:00:00+00:00"), ("by hand/?#", "by%20hand%2F%3F%23")],
)
def test_link_leads_to_the_page_of_the_task(run_id: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    key = SimpleNamespace(dag_id="collective_insights_okta", run_id=run_id, task_id="map")
    page = f"dags/collective_insights_okta/runs/{written}/tasks/map/plugin/collective-insights-task"
    assert PageLink().get_link(None, ti_key=key) == f"https://airflow.example.com/team/{page}"


def test_every_stage_has_the_link() -> None:
    assert set(PageLink().operators) == set(STAGES)


def test_the_icon_differs_in_the_dark() -> None:
    static = ROOT / "plugins" / "ci_operators" / "pages" / "static"
    light, dark = (static / name for name in ("icon.svg", "icon-dark.svg"))
    assert light.read_bytes() != dark.read_bytes()
