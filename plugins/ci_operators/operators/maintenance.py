"""Maintenance: delete artifacts and old ledger rows, by the retention of connectors.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context, ObjectStoragePath

from ci_operators.connectors_file import load_connectors
from ci_operators.core.connector import DAG_PREFIX, Retention
from ci_operators.core.errors import ConfigurationError
from ci_operators.operators.staging_area import staging_url


class DeleteArtifactsOperator(BaseOperator):
    """Deletes the staged files of runs that ended longer ago than the retention of artifacts.

    A record that a stage kept for the ledger belongs to no run, so its own age counts.

    :param retention: how long they are kept.
    """

    def __init__(self, *, retention: Retention, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retention = retention

    def execute(self, context: Context) -> int:
        """Return the number of runs whose artifacts were deleted."""
        del context
        from ci_operators.stages.records import FOLDER  # not at DAG parse time

        base, before = ObjectStoragePath(staging_url()), datetime.now(UTC) - self.retention.artifacts
        folders = _run_directories(base)
        runs = [folder for folder in folders if folder.name != FOLDER]
        old = [run for run in runs if 0 < _newest_change(run.iterdir()) < before.timestamp()]
        for run in old:
            _delete(run)
        for file in [file for folder in folders if folder.name == FOLDER for file in folder.iterdir()]:
            if 0 < _newest_change([file]) < before.timestamp():
                file.unlink(missing_ok=True)
        self.log.info("Deleted the artifacts of %d runs from before %s", len(old), before.date())
        return len(old)


class CompactLedgerOperator(BaseOperator):
    """Deletes what the ledgers no longer need, and logs what no run will finish.

    :param retention: how long things are kept.
    :param ledger_conn_ids: the ledgers' Airflow Connections.
    :param needed: the ledgers of live connectors. Any other may be missing, since it was never used.
    """

    def __init__(
        self, *, retention: Retention, ledger_conn_ids: Iterable[str], needed: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.retention = retention
        self.ledger_conn_ids = sorted(set(ledger_conn_ids))
        self.needed = frozenset(needed)

    def execute(self, context: Context) -> dict[str, int]:
        """Return the number of rows deleted in all ledgers, by kind."""
        del context
        total = Counter[str]()
        for conn_id in self.ledger_conn_ids:
            try:
                deleted = _compact(conn_id, self.retention)
            except ConfigurationError as err:
                if conn_id in self.needed:
                    raise
                self.log.info("No connector of this ledger is live yet: %s", err)
                continue
            total.update(deleted)
            self.log.info("%s: deleted %s", conn_id, deleted)
        self._name_stranded()
        return dict(total)

    def _name_stranded(self) -> None:
        from ci_operators.answers.connector.health import (  # not at DAG parse time
            find_health,
            find_orphans,
            find_stranded,
        )

        found = load_connectors()
        for health in (*find_health(found, found.connectors, datetime.now(UTC)), *find_orphans(found)):
            for sentence in find_stranded(health):
                self.log.warning("Left in the ledger: %s: %s", health.connector, sentence)


def _compact(conn_id: str, retention: Retention) -> dict[str, int]:
    from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time
    from ci_operators.ledger.compaction import forget_days, forget_delivered, forget_history

    now = datetime.now(UTC).replace(microsecond=0)  # the next sentence then has exact numbers
    with open_ledger(conn_id) as connection:
        deleted = forget_history(connection, now - retention.history)
        delivered = forget_delivered(connection, now - retention.ledger)
        # Days go after the deliveries: the figures of a day stay while the day has detections.
        return {**deleted, "delivered": delivered, "days": forget_days(connection, now - retention.ledger)}


def _run_directories(base: ObjectStoragePath) -> list[ObjectStoragePath]:
    if not base.exists():
        return []
    # Others may use the same bucket: delete only what our DAGs wrote.
    dags = [folder for folder in base.iterdir() if folder.name.startswith(DAG_PREFIX) and folder.is_dir()]
    return [run for dag in dags for run in dag.iterdir() if run.is_dir()]


def _newest_change(files: Iterable[ObjectStoragePath]) -> float:
    """Return when the newest file was written. Return 0 if the storage does not report it: the files are kept."""
    times = [float(file.stat().st_mtime or 0) for file in files]
    return max(times) if times and all(times) else 0.0


def _delete(run: ObjectStoragePath) -> None:
    for file in run.iterdir():
        file.unlink(missing_ok=True)
    with suppress(OSError):  # object storage has no folders: this one disappears with its last file
        run.rmdir()
