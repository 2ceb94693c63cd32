"""The records of stages: only extract, submit and the end of a run open the ledger, which is still complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ci_operators.hooks.ledger import open_ledger
from ci_operators.staging.artifact import write_artifact
from tests.artifacts import read_all
from tests.operators.conftest import Tenant
from tests.operators.test_stage import STAGES, add_a_bit_of_everything


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def count(conn_id: str) -> Any:
        calls.append(conn_id)
        return open_ledger(conn_id)

    monkeypatch.setattr("ci_operators.hooks.ledger.open_ledger", count)
    return calls


def rows(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the number of records by stage and run from the ledger."""
    with connection.begin():
        found = connection.execute(text("SELECT run_id, stage, records_in FROM stage_run"))
        return {(run_id, stage): count for run_id, stage, count in found}


def count(connection: Connection, table: str) -> int:
    with connection.begin():
        return connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - a name of ours


def test_the_ledger_is_opened_by_extract_and_submit_alone(
    tenant: Tenant, opened: list[str], ledger_connection: Connection
) -> None:
    add_a_bit_of_everything(tenant)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    for stage, opens in zip(STAGES, (1, 1, 1, 1, 2), strict=True):
        chain.run_task(stage, run)
        assert len(opened) == opens
    counts = {"extract": 19, "filter": 19, "map": 12, "validate": 10, "submit": 10}
    assert rows(ledger_connection) == {("scheduled__1", stage): count for stage, count in counts.items()}
    assert count(ledger_connection, "dropped_event") == 3
    assert count(ledger_connection, "quarantine") == 6


def test_the_ledger_has_the_stages_before_a_failed_one(
    tenant: Tenant, ledger_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_a_bit_of_everything(tenant)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    for stage in ("extract", "filter"):
        chain.run_task(stage, run)
    assert rows(ledger_connection) == {}
    with monkeypatch.context() as broken:
        broken.setattr("ci_operators.stages.chain.transform", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            chain.run_task("map", run)
    assert rows(ledger_connection) == {("scheduled__1", "extract"): 19, ("scheduled__1", "filter"): 19}
    assert count(ledger_connection, "dropped_event") == 3


def test_a_ledger_that_fails_too_gets_the_record_from_the_next_run(
    tenant: Tenant, ledger_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a killed task: no process can write the record."""
    add_a_bit_of_everything(tenant)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    for stage in ("extract", "filter"):
        chain.run_task(stage, run)
    with monkeypatch.context() as broken:
        broken.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
        broken.setattr("ci_operators.stages.chain.transform", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            chain.run_task("map", run)
    assert rows(ledger_connection) == {}
    chain.run_task("extract", tenant.scheduled(0.1, 0, "next"))
    found = rows(ledger_connection)
    assert (found["scheduled__1", "extract"], found["scheduled__1", "filter"]) == (19, 19)
    assert count(ledger_connection, "dropped_event") == 3


@pytest.mark.parametrize(
    ("error", "words"), [(PermissionError("postgresql://u:secret@host"), "PermissionError"), (None, "")]
)
def test_a_ledger_does_not_replace_the_error_of_a_stage(
    error: Exception | None,
    words: str,
    tenant: Tenant,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A debug run of a connector without a ledger does not look for one."""
    tenant.add_events(1)
    chain, run = tenant.chain(debug=error is None), tenant.scheduled(1, 0)
    for stage in ("extract", "filter"):
        chain.run_task(stage, run)

    def fail(*_: Any) -> Any:
        raise error or ValueError

    monkeypatch.setattr("ci_operators.stages.chain.transform", lambda *_: 1 / 0)
    monkeypatch.setattr("ci_operators.stages.records.has_kept", fail)
    opened.clear()
    with pytest.raises(ZeroDivisionError):
        chain.run_task("map", run)
    assert ("The ledger was not updated" in caplog.text) is bool(words)
    assert words in caplog.text
    assert "secret" not in caplog.text
    assert opened == []


def test_the_ledger_takes_no_forged_record_from_the_staging_area(
    tenant: Tenant, ledger_connection: Connection, staging: Path
) -> None:
    tenant.add_events(1)
    chain = tenant.chain()
    chain.run_task("extract", tenant.scheduled(1, 0))
    (path,) = (staging / "collective_insights_okta" / "@records").iterdir()
    (text,) = read_all(path)
    with write_artifact(path.with_name("forged.jsonl.zst")) as out:
        out.write(text.replace(b'"records_out":1', b'"records_out":0'))
    path.unlink()
    chain.run_task("extract", tenant.scheduled(1, 0, "next"))
    assert rows(ledger_connection) == {}
