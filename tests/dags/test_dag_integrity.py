"""The shipped DAG files, read by Airflow's own DAG bag, with the shipped and with other connectors files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import get_parsing_context
from airflow.serialization.serialized_objects import DagSerialization

from ci_operators.sources import SOURCES
from tests.airflow_home import IGNORED, ROOT

MAINTENANCE = "collective_insights_maintenance"
#: What no DAG file may import, since each slows down every parse and every task.
HEAVY = (
    "airflow.providers.http.hooks.http",
    "requests",
    "zstandard",
    "psengine",
    "tenacity",
    "msgspec",
    "publicsuffixlist",
    "ci_operators.transport.client",
    "ci_operators.staging.artifact",
    *(f"ci_operators.sources.{source}.{module}" for source in SOURCES for module in ("api", "mapping")),
    "ci_operators.recorded_future.api",
    "ci_operators.hooks.ledger",
    "ci_operators.operators.alerts",
    "ci_operators.operators.metrics",
    "ci_operators.ledger.tables",
)

#: Parses an unrelated DAG, then our DAGs, and prints the modules that only ours import.
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
assert not DagBag(sys.argv[1], bundle_name="plain").import_errors
before = set(sys.modules)
bag = DagBag(sys.argv[2], bundle_name="ours")
assert not bag.import_errors and bag.dags
print(json.dumps(sorted(set(sys.modules) - before)))
"""
PLAIN_DAG = """
from airflow.sdk import DAG, Asset, BaseOperator, ObjectStoragePath, Param
with DAG("plain", params={"since": Param(None, type=["null", "string"])}):
    BaseOperator(task_id="nothing", inlets=[Asset(name="plain")])
"""


def read_dags() -> DagBag:
    return DagBag(ROOT / "dags", bundle_name="dags")


def errors_of(bag: DagBag) -> dict[str, str]:
    """Return the import errors by file name."""
    return {Path(name).name: error for name, error in bag.import_errors.items()}


def test_each_source_has_a_shipped_connector_in_debug_mode() -> None:
    bag = read_dags()
    assert errors_of(bag) == {}
    assert {dag_id: Path(dag.fileloc).name for dag_id, dag in bag.dags.items()} == {
        **{f"collective_insights_{source}": f"{source}.py" for source in SOURCES},
        MAINTENANCE: "maintenance.py",
    }
    assert all(dag.params["debug"] is True for name, dag in bag.dags.items() if name != MAINTENANCE)


def test_airflow_stores_only_stable_import_paths() -> None:
    """An updated scheduler reads DAGs that the previous version has serialized."""
    stored = json.dumps([DagSerialization.to_dict(dag) for dag in read_dags().dags.values()])
    stages = {f"ci_operators.operators.{stage}" for stage in ("extract", "filter", "map", "validate", "submit")}
    assert set(re.findall(r"ci_operators[\w.]+", stored)) == {
        "ci_operators.timetables.update_frequency.UpdateFrequencyTimetable",
        "ci_operators.operators.maintenance",
        *stages,
    }


def test_a_wrong_entry_takes_no_other_connector_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "connectors.yaml"
    config.write_text(
        "connectors:\n"
        "  - {name: okta-emea, source: okta}\n"
        "  - {name: okta-apac, source: okta, updat_frequency: 1 hour}\n"
        "  - {name: s1, source: sentinelone}\n"
        "  - {name: s2, source: splunk}\n"
    )
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(config))
    bag = read_dags()
    assert sorted(bag.dags) == [MAINTENANCE, "collective_insights_okta-emea", "collective_insights_s1"]
    errors = errors_of(bag)
    assert list(errors) == ["connectors_file.py"]
    assert (
        f"{config}: connectors[2] (okta-apac): updat_frequency: there is no such option; allowed: "
        in errors.popitem()[1]
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("collective_insights_okta-emea", ["collective_insights_okta-emea"]),
        ("collective_insights_okta-apac", []),  # its entry is wrong
        ("collective_insights_gone", []),
        ("okta-emea", ["collective_insights_okta-emea"]),
        (None, ["collective_insights_okta-emea", "collective_insights_okta-last"]),
    ],
)
def test_a_tasks_process_makes_its_own_dag_alone(
    wanted: str | None, found: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Airflow names the requested DAG in the environment, where `get_parsing_context` finds it."""
    config = tmp_path / "connectors.yaml"
    config.write_text(
        "connectors:\n"
        "  - {name: okta-apac, source: okta, updat_frequency: 1 hour}\n"
        "  - {name: okta-emea, source: okta}\n"
        "  - {name: okta-last, source: okta}\n"
        "  - no mapping\n"
    )
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(config))
    if wanted is not None:
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
    assert get_parsing_context().dag_id == wanted
    bag = DagBag(ROOT / "dags" / "okta.py", bundle_name="dags")
    assert (errors_of(bag), sorted(bag.dags)) == ({}, found)


def test_an_unreadable_file_is_one_sentence_in_every_dag_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(tmp_path / "absent.yaml"))
    errors = errors_of(read_dags())
    assert set(errors) == {"connectors_file.py", "maintenance.py", *(f"{source}.py" for source in SOURCES)}
    assert all("absent.yaml: cannot be read (No such file or directory)" in error for error in errors.values())


def test_no_connectors_give_no_dag_but_maintenance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "connectors.yaml"
    config.write_text("connectors: []\n")
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(config))
    bag = read_dags()
    assert (errors_of(bag), list(bag.dags)) == ({}, [MAINTENANCE])


def test_parsing_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "plain_dag.py").write_text(PLAIN_DAG)
    command = [sys.executable, "-c", PARSE, str(tmp_path), str(ROOT / "dags")]
    path = str(ROOT / "plugins")
    answer = subprocess.run(  # noqa: S603 - our own interpreter and script
        command,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": IGNORED},
        capture_output=True,
        text=True,
        check=True,
    )
    brought = set(json.loads(answer.stdout.splitlines()[-1]))
    assert "ci_operators.dag_factory" in brought
    assert not brought & set(HEAVY)
