"""What Airflow's processes import when they load the plugin: a lot if they fork, otherwise little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ci_operators.airflow_plugin.preload import _IN_EACH_PARSE, preload
from tests.airflow_home import IGNORED, ROOT
from tests.dags.test_dag_integrity import HEAVY

#: What even a task imports only on demand.
RARE = {"psengine", "publicsuffixlist", "ci_operators.operators.alerts"}
TASKS, DAG_FILES = "ci_operators.task_imports", "ci_operators.dag_factory"

#: Loads plugins as an `airflow …` command does, and prints the imported modules.
LOAD = """
import json, sys
from airflow import plugins_manager
plugins_manager.ensure_plugins_loaded()
_, errors = plugins_manager._get_plugins()
assert not errors, errors
print(json.dumps(list(sys.modules)))
"""


def modules_of(command: str, **variables: str) -> set[str]:
    """Return the modules of a new process of an `airflow …` command after it has loaded the plugins."""
    answer = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", LOAD, command],
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins"), "PYTHONWARNINGS": IGNORED, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(answer.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("command_line", "executor", "expected"),
    [
        (["/usr/bin/airflow", "scheduler", "--skip-serve-logs"], "LocalExecutor", TASKS),
        (["/usr/bin/airflow", "scheduler"], "CeleryExecutor,LocalExecutor", TASKS),
        (["/usr/bin/airflow", "scheduler"], "CeleryExecutor", None),
        (["/usr/bin/airflow", "dag-processor"], "CeleryExecutor", DAG_FILES),
        (["/usr/bin/airflow", "api-server"], "LocalExecutor", None),
        (["/usr/bin/airflow", "triggerer"], "LocalExecutor", None),
        (["/usr/bin/airflow", "celery", "worker"], "CeleryExecutor", None),
        (["/usr/bin/airflow"], "LocalExecutor", None),
        ([], "LocalExecutor", None),
    ],
)
def test_processes_that_fork_import_what_their_children_need(
    command_line: list[str], executor: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert preload(command_line) == expected


def test_a_module_that_cannot_be_imported_is_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error would keep Airflow from registering the plugin, and with it the timetable of every DAG."""
    monkeypatch.setattr("ci_operators.airflow_plugin.preload._FOR_DAG_FILES", "ci_operators.no_such_module")
    assert preload(["airflow", "dag-processor"]) is None
    assert "ci_operators.no_such_module cannot be imported beforehand" in caplog.text


def test_celery_workers_of_the_compose_file_import_the_same() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
    settings = json.loads(services["worker"]["environment"]["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"])
    assert settings["imports"] == [TASKS]


def test_scheduler_that_forks_tasks_has_all_that_they_import() -> None:
    assert set(HEAVY) - RARE <= modules_of("scheduler", AIRFLOW__CORE__EXECUTOR="LocalExecutor")


def test_dag_processor_imports_only_what_dag_files_import(tmp_path: Path) -> None:
    found = modules_of("dag-processor", COLLECTIVE_INSIGHTS_CONFIG=str(tmp_path / "absent.yaml"))
    assert {"ci_operators.dag_factory", *_IN_EACH_PARSE} <= found
    assert not found & {name for name in HEAVY if name.startswith("ci_operators.")}


def test_api_server_imports_a_stage_only_to_show_one() -> None:
    found = modules_of("api-server")
    assert "ci_operators.airflow_plugin.plugin" in found
    assert not found & {"ci_operators.dag_factory", "ci_operators.operators.extract", "ci_operators.connectors_file"}
