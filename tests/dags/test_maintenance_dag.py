"""Personal data is deleted in time without any setup."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from ci_operators import dag_factory
from ci_operators.connectors_file import load_connectors
from ci_operators.core.connector import Retention


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "connectors.yaml"
    monkeypatch.setattr(dag_factory, "connectors_path", lambda: path)
    return path


@pytest.mark.parametrize("written", ["", "retention:\n", "retention: {}\n", "retention: {artifacts: 7 days}\n"])
def test_it_runs_daily_without_being_unpaused(file: Path, written: str) -> None:
    file.write_text(f"connectors: []\n{written}")
    dag = dag_factory.build_maintenance_dag(doc_md="")
    assert dag is not None
    stored = DagSerialization.deserialize_dag(json.loads(json.dumps(DagSerialization.to_dict(dag)))["dag"])
    assert stored.is_paused_upon_creation is False
    assert stored.timetable.summary == "0 0 * * *"
    first = stored.next_dagrun_info(last_automated_run_info=None)
    assert first is not None
    assert first.run_after <= datetime.now(UTC)
    assert set(stored.task_dict) == {"delete_artifacts", "compact_ledger"}


def test_missing_retention_has_a_default(file: Path) -> None:
    file.write_text("connectors: []\n")
    assert load_connectors(file).retention == Retention()


def test_with_a_wrong_retention_nothing_is_deleted(file: Path) -> None:
    file.write_text("connectors: []\nretention: {artifacts: forever}\n")
    assert dag_factory.build_maintenance_dag(doc_md="") is None
