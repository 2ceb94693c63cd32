"""Maintenance deletes what is older than its retention, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ci_operators.core.connector import Retention
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.history import History
from ci_operators.operators.maintenance import CompactLedgerOperator, DeleteArtifactsOperator
from tests.operators.conftest import Tenant

NO_CONTEXT: Any = {}
LEDGER = "collective_insights_ledger"


def make_old(path: Path, tenant: Tenant, days: float) -> None:
    instant = (tenant.now - timedelta(days=days)).timestamp()
    os.utime(path, (instant, instant))


class TestDeleteArtifacts:
    @pytest.fixture
    def delete(self) -> DeleteArtifactsOperator:
        return DeleteArtifactsOperator(task_id="delete", retention=Retention(artifacts=timedelta(days=30)))

    def test_deletes_the_runs_whose_last_file_is_old(
        self, tenant: Tenant, staging: Path, delete: DeleteArtifactsOperator
    ) -> None:
        tenant.add_events(2)
        chain = tenant.chain(debug=True)
        for run_id in ("old", "cleared-lately", "new"):
            chain.run_all(tenant.scheduled(1, 0, run_id))
        folder = staging / "collective_insights_okta"
        for path in (folder / "old").iterdir():
            make_old(path, tenant, 31)
        make_old(folder / "cleared-lately" / "extract.jsonl.zst", tenant, 31)
        assert delete.execute(NO_CONTEXT) == 1
        assert sorted(path.name for path in folder.iterdir()) == ["cleared-lately", "new"]
        assert len(list((folder / "cleared-lately").iterdir())) == 4
        assert delete.execute(NO_CONTEXT) == 0

    def test_leaves_files_of_others(self, tenant: Tenant, staging: Path, delete: DeleteArtifactsOperator) -> None:
        foreign = staging / "backups" / "monday" / "dump.sql"
        foreign.parent.mkdir(parents=True)
        foreign.write_text("not ours")
        make_old(foreign, tenant, 400)
        assert delete.execute(NO_CONTEXT) == 0
        assert foreign.exists()

    def test_records_of_stages_go_one_by_one(
        self, tenant: Tenant, staging: Path, delete: DeleteArtifactsOperator
    ) -> None:
        """A recent record of an unfinished run does not keep old records, and records do not count as a run."""
        tenant.add_events(2)
        tenant.chain().run_task("extract", tenant.scheduled(1, 0))
        folder = staging / "collective_insights_okta" / "@records"
        (young,) = folder.iterdir()
        old = young.with_name("0123456789abcdef.jsonl.zst")
        old.write_bytes(young.read_bytes())
        make_old(old, tenant, 31)
        assert delete.execute(NO_CONTEXT) == 0
        assert list(folder.iterdir()) == [young]
        make_old(young, tenant, 31)
        assert delete.execute(NO_CONTEXT) == 0
        assert not list(folder.iterdir())

    def test_without_a_staging_area_does_nothing(self, delete: DeleteArtifactsOperator) -> None:
        assert delete.execute(NO_CONTEXT) == 0


class TestCompactLedger:
    def test_keeps_recent_rows(self, tenant: Tenant) -> None:
        tenant.add_events(3)
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(1, 0))
        compact = CompactLedgerOperator(
            task_id="compact", retention=Retention(), ledger_conn_ids=[LEDGER], needed=[LEDGER]
        )
        assert set(compact.execute(NO_CONTEXT).values()) == {0}
        cleared = replace(tenant.scheduled(1, 0), clear_number=1)
        assert chain.run_task("submit", cleared)["dropped"] == {"already_accepted": 3}

    def test_counts_all_ledgers_together_and_asks_each_once(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SECOND_LEDGER", os.environ["AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER"])
        tenant.add_events(1)
        tenant.chain().run_all(tenant.scheduled(1, 0))
        forgetful = Retention().model_copy(update={"history": timedelta(minutes=-1)})  # even what is a minute ahead
        compact = CompactLedgerOperator(
            task_id="compact", retention=forgetful, ledger_conn_ids=[LEDGER, "second_ledger", LEDGER], needed=[LEDGER]
        )
        assert compact.ledger_conn_ids == [LEDGER, "second_ledger"]
        assert compact.execute(NO_CONTEXT)["runs"] == 4, "the counts of submit stay as long as its deliveries"

    def test_without_live_connectors_needs_no_ledger(self) -> None:
        compact = CompactLedgerOperator(task_id="compact", retention=Retention(), ledger_conn_ids=[], needed=[])
        assert compact.execute(NO_CONTEXT) == {}

    def test_a_missing_ledger_is_named(self) -> None:
        ids = ["ledger_emea"]
        compact = CompactLedgerOperator(task_id="compact", retention=Retention(), ledger_conn_ids=ids, needed=ids)
        with pytest.raises(ConfigurationError, match="Connection ledger_emea does not exist"):
            compact.execute(NO_CONTEXT)

    def test_a_ledger_that_is_not_needed_yet_can_be_missing(self) -> None:
        ids = ["ledger_emea"]
        compact = CompactLedgerOperator(task_id="compact", retention=Retention(), ledger_conn_ids=ids, needed=[])
        assert compact.execute(NO_CONTEXT) == {}

    def test_unsettled_detections_are_reported(
        self,
        tenant: Tenant,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        ledger_connection: Connection,
    ) -> None:
        path = tmp_path / "connectors.yaml"
        path.write_text("connectors: [{name: okta, source: okta, debug: false}, {name: wrong, source: nothing}]")
        monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(path))
        for name in ("okta", "wrong", "renamed"):
            lines = [b'{"issue":"bad","event_id":"x","record":1}']
            History(ledger_connection, name, "run", "map").add_quarantined([lines])
        with ledger_connection.begin():
            ledger_connection.execute(text("UPDATE quarantine SET seen_at = seen_at - CAST('400 days' AS interval)"))
        compact = CompactLedgerOperator(
            task_id="compact", retention=Retention(), ledger_conn_ids=[LEDGER], needed=[LEDGER]
        )
        assert compact.execute(NO_CONTEXT)["quarantined"] == 0
        told = [line for line in capsys.readouterr().out.splitlines() if "Left in the ledger: " in line]
        assert len(told) == 2
        assert "okta: 1 open quarantined records are older than `retention: history`" in told[0]
        assert "renamed: is not in the connectors file" in told[1]
