"""The examples in docs/operations.md work as written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from airflow.sdk import DAG
from jinja2 import Template

from ci_operators.connectors_file import load_connectors
from ci_operators.dag_factory import build_dag
from ci_operators.operators.alerts import FailureAlert
from ci_operators.operators.progress import connector_asset
from ci_operators.sources.registry import OPTIONS
from tests.airflow_home import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the page's only block in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
    return str(found)


def test_the_example_of_alerts_is_a_connectors_file(tmp_path: Path) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    found = load_connectors(path)
    assert found.problems == []
    dag = build_dag(found.connectors[0], found, "")
    assert dag.deadline
    alerts = [FailureAlert(found.connectors[0].notify)]
    assert [task.on_failure_callback for task in dag.tasks] == [alerts] * 5
    assert set(yaml.safe_load(block("yaml"))["connectors"][0]) == {"name", "source", "deadline", "notify"}


def test_the_mail_of_the_example_shows_markup_as_text() -> None:
    (arguments,) = yaml.safe_load(block("yaml"))["connectors"][0]["notify"].values()
    mail = Template(arguments["html_content"]).render(alert="<b>no</b>")
    assert mail == "<pre>&lt;b&gt;no&lt;/b&gt;</pre>"


def test_the_example_of_a_following_dag_is_scheduled_by_the_assets_events() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "operations.md", "exec"), names)  # noqa: S102 - our own page
    dag = names["dag"]
    assert isinstance(dag, DAG)
    assert isinstance(dag.schedule, list)
    assert dag.schedule == [connector_asset(OPTIONS["okta"].model_validate({"name": "okta", "source": "okta"}))]
    assert dag.task_ids == ["report"]
