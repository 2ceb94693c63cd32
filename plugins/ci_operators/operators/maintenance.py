"""Maintenance: delete artifacts and forget old ledger rows, by the retention of connectors.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, ObjectStoragePath
from airflow.sdk.definitions.context import Context

from ci_operators.core.connector import Retention
from ci_operators.operators.staging_area import staging_url


class DeleteArtifactsOperator(BaseOperator):
    """Deletes the staged files of runs that ended longer ago than the retention of artifacts.

    :param retention: how long they are kept.
    """

    def __init__(self, *, retention: Retention, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retention = retention

    def execute(self, context: Context) -> int:
        """Return the number of runs whose artifacts were deleted."""
        del context
        base, before = ObjectStoragePath(staging_url()), datetime.now(UTC) - self.retention.artifacts
        old = [run for run in _run_directories(base) if _newest_change(run) < before.timestamp()]
        for run in old:
            _delete(run)
        self.log.info("Deleted the artifacts of %d runs from before %s", len(old), before.date())
        return len(old)


class CompactLedgerOperator(BaseOperator):
    """Forgets what the ledgers no longer need.

    :param retention: how long things are kept.
    :param ledger_conn_ids: the ledgers' Airflow Connections.
    """

    def __init__(self, *, retention: Retention, ledger_conn_ids: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retention = retention
        self.ledger_conn_ids = sorted(set(ledger_conn_ids))

    def execute(self, context: Context) -> dict[str, int]:
        """Return the numbers of rows deleted in all ledgers, by kind."""
        del context
        from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time
        from ci_operators.ledger.compaction import forget_delivered, forget_history

        now, total = datetime.now(UTC), Counter[str]()
        for conn_id in self.ledger_conn_ids:
            with open_ledger(conn_id) as connection:
                deleted = forget_history(connection, now - self.retention.history)
                deleted["delivered"] = forget_delivered(connection, now - self.retention.ledger)
            total.update(deleted)
            self.log.info("%s: deleted %s", conn_id, deleted)
        return dict(total)


def _run_directories(base: ObjectStoragePath) -> list[ObjectStoragePath]:
    if not base.exists():
        return []
    return [run for dag in base.iterdir() if dag.is_dir() for run in dag.iterdir() if run.is_dir()]


def _newest_change(run: ObjectStoragePath) -> float:
    return max((float(file.stat().st_mtime) for file in run.iterdir()), default=0.0)


def _delete(run: ObjectStoragePath) -> None:
    for file in run.iterdir():
        file.unlink(missing_ok=True)
    run.rmdir()
