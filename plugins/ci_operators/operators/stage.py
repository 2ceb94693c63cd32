"""The base of the five operators: run a stage, log the outcome, and return the manifest as an XCom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk import BaseOperator, Context, XComArg

from ci_operators.airflow_plugin.versions import AirflowRescheduleException, SkipMixin, failing_at_once
from ci_operators.core.connector import Connector, Destination
from ci_operators.core.errors import ConfigurationError, RetriableError
from ci_operators.core.window import RunKind, Window
from ci_operators.operators.ledger_record import TaskLedger
from ci_operators.operators.progress import Progress
from ci_operators.operators.staging_area import artifact_path, check_artifact, run_directory
from ci_operators.operators.story import tell
from ci_operators.staging.manifest import Handover, Manifest, read_handover
from ci_operators.transport.pacing import MAX_WAIT_S

if TYPE_CHECKING:  # as in all stages: imports requests, which no DAG file needs
    from ci_operators.stages.records import StageRecord
    from ci_operators.stages.run import StageResult
    from ci_operators.staging.artifact import Artifact


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run of one stage: the connector with this run's params, its window, and its staging directory.

    clear_number: how often the run was cleared.
    """

    connector: Connector
    kind: RunKind
    run_id: str
    window: Window
    basis: str
    debug: bool
    directory: Any
    ledger: TaskLedger
    clear_number: int = 0

    @property
    def has_ledger(self) -> bool:
        """Return whether the ledger records this run. Debug runs of a connector without a ledger are not recorded."""
        return not (self.debug and self.connector.debug)


class StageOperator(BaseOperator, SkipMixin):
    """A stage of a connector. The DAG factory sets its attributes: constructor parameters would take a fifth of the
    parse time, since Airflow wraps the constructor of each class.

    connector: the connector's options. manifest: the XCom of the stage before, None for extract; not a template
    field, since Airflow would then store it again with a request per task. destination: the budget of the Recorded
    Future Connection. ledger_memory: how far back the ledger knows what was delivered; live runs read nothing older.
    """

    stage: ClassVar[str]
    ui_color = "#e8f1fb"

    connector: Connector
    manifest: Any
    destination: Destination
    ledger_memory: timedelta

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the stage's manifest. If nothing is left, the run succeeds here and downstream tasks are skipped."""
        with failing_at_once():
            return self._execute(context)

    def _execute(self, context: Context) -> dict[str, Any]:
        started = time.monotonic()
        if isinstance(self.manifest, XComArg):
            self.manifest = self.manifest.resolve(context)
        run = self.prepare(context)
        with run.ledger:
            result = self._run_stage(run)
            manifest = _make_manifest(self.stage, run, result, time.monotonic() - started)
            tell(self.log, manifest, self.words())
            # Detections wait for budget: go on to submit, even if this window has none.
            goes_on = self._record(run, manifest, result) and not run.debug and bool(self.downstream_task_ids)
        ends = not goes_on and self.is_last(run, result)
        if ends:
            Progress.of(context, run.connector, debug=run.debug).move(run.window.until)
        self._send_metrics(run, manifest, ends=ends)
        self.announce(context, run, manifest)
        if not goes_on and result.tally.records_out == 0:
            self._end_run(context, manifest)
        return manifest.to_xcom()

    def _run_stage(self, run: StageRun) -> StageResult:
        try:
            return self.run_stage(run)
        except Exception as err:
            if run.has_ledger:
                run.ledger.write_kept()
            if isinstance(err, RetriableError):
                self._give_slot_back(run, err)
            raise

    def _record(self, run: StageRun, manifest: Manifest, result: StageResult) -> bool:
        """Keep the stage's record, or write it if the run may end here. Return whether detections wait for budget."""
        if not run.has_ledger:
            return False
        from ci_operators.stages.records import keep, write  # not at DAG parse time

        record, staging = _make_record(run, manifest, result), run.ledger.staging
        if not self.is_last(run, result):
            manifest.extra["kept"] = {**self.kept, self.stage: keep(record, staging)}
            return False
        from ci_operators.ledger.history import has_waiting

        connection, name = run.ledger.open(), run.connector.name
        write(connection, name, record, staging)
        return result.tally.records_out == 0 and has_waiting(connection, name)

    def run_stage(self, run: StageRun) -> StageResult:
        """Process the artifact of the stage before with this stage's step of the chain, and return the outcome."""
        from ci_operators.stages.chain import run_step  # not at DAG parse time

        return run_step(self.stage, run.connector, self.source, run.directory)

    def prepare(self, context: Context) -> StageRun:
        """Return the run as the manifest of the stage before describes it."""
        handover = self.handover
        dag_run = context["dag_run"]
        check_artifact(handover.artifact, run_directory(dag_run.dag_id, dag_run.run_id))
        if not artifact_path(handover.artifact).exists():
            raise ConfigurationError(
                f"The artifact {handover.artifact} was deleted, by retention or by hand. Clear the run from extract on."
            )
        return self.make_run(context, handover.window, handover.basis, debug=handover.debug)

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return whether the run succeeds with this stage, since nothing is left for the next one."""
        del run
        return result.tally.records_out == 0

    def announce(self, context: Context, run: StageRun, manifest: Manifest) -> None:
        """Report what the stage did to other DAGs. Only submit does."""

    def words(self) -> Mapping[str, str]:
        """Return the meanings of this stage's reason, issue, and note codes."""
        return {}

    @property
    def handover(self) -> Handover:
        """Return the manifest of the stage before."""
        return read_handover(self.manifest)

    @property
    def source(self) -> Artifact:
        """Return the artifact of the stage before."""
        from ci_operators.staging.artifact import Artifact  # imports zstandard, which no DAG file needs

        handover = self.handover
        return Artifact(artifact_path(handover.artifact), handover.records, handover.digest)

    def make_run(self, context: Context, window: Window, basis: str, *, debug: bool) -> StageRun:
        """Return a run of this stage. Params of the run replace the connector's options of the same name."""
        connector = self.connector.for_run(context["params"])
        dag_run = context["dag_run"]
        directory, ledger = run_directory(dag_run.dag_id, dag_run.run_id), self.make_ledger(context)
        cleared = dag_run.clear_number or 0
        return StageRun(connector, run_kind(context), dag_run.run_id, window, basis, debug, directory, ledger, cleared)

    def make_ledger(self, context: Context) -> TaskLedger:
        """Return the connector's ledger for a task. It is opened on first use."""
        dag_run = context["dag_run"]
        staging = run_directory(dag_run.dag_id, dag_run.run_id).parent
        return TaskLedger(self.connector, staging, lambda record, digest: self.knows(context, record, digest))

    def knows(self, context: Context, record: StageRecord, digest: str) -> bool:
        """Return whether a stage of this run kept this record of the staging area, as the XComs show."""
        del context, record
        return digest in self.kept.values()

    @property
    def kept(self) -> Mapping[str, str]:
        """Return the digests of the records that earlier stages kept for the ledger, by stage."""
        return self.handover.kept

    def _send_metrics(self, run: StageRun, manifest: Manifest, *, ends: bool) -> None:
        """Send the stage's figures. Only the end of a scheduled run moves the end of the last window."""
        from ci_operators.operators.metrics import find_samples, send  # not at DAG parse time

        delivered, destination = ends and run.kind == "scheduled", run.connector.destination_conn_id
        send(find_samples(manifest, datetime.now(UTC), delivered=delivered, destination=destination))

    def _give_slot_back(self, run: StageRun, error: RetriableError) -> None:
        """Reschedule the task in the same try if it has to wait for more than a minute."""
        if error.retry_after_s is not None and error.retry_after_s > MAX_WAIT_S:
            self.log.info("%s Rescheduled in %d s.", error, error.retry_after_s)
            from ci_operators.operators.metrics import send, wait_sample

            send([wait_sample(run.connector.name, self.stage, error.retry_after_s, debug=run.debug)])
            date = datetime.now(UTC) + timedelta(seconds=error.retry_after_s)
            raise AirflowRescheduleException(date) from error  # type: ignore[no-untyped-call]  # so in Airflow 3.3

    def _end_run(self, context: Context, manifest: Manifest) -> None:
        downstream = self.get_direct_relatives(upstream=False)
        if self.downstream_task_ids:
            self.log.info("Nothing is left for the next stage: the run ends here.")
            context["ti"].xcom_push(key="return_value", value=manifest.to_xcom())
            self.skip(context["ti"], downstream)


def run_kind(context: Context) -> RunKind:
    """Return the trigger of the run. A run that is neither scheduled nor a backfill is manual."""
    # Compared, since str() of a member of Airflow's enum is "DagRunType.SCHEDULED".
    kinds: tuple[RunKind, ...] = get_args(RunKind)
    return next((kind for kind in kinds if kind == context["dag_run"].run_type), "manual")


def _make_record(run: StageRun, manifest: Manifest, result: StageResult) -> StageRecord:
    from ci_operators.stages.records import StageRecord, name_sides  # not at DAG parse time

    # Submit has already written its quarantine.
    sides = {} if manifest.stage == "submit" else name_sides(result.side_artifacts)
    now, folder = datetime.now(UTC), run.directory.name
    return StageRecord(run.run_id, run.kind, folder, now, manifest.to_xcom(), sides)


def _make_manifest(stage: str, run: StageRun, result: StageResult, duration_s: float) -> Manifest:
    artifact = result.artifact
    return Manifest(
        stage=stage,
        connector=run.connector.name,
        debug=run.debug,
        window=run.window,
        basis=run.basis,
        artifact=str(artifact.path) if artifact else None,
        tally=result.tally,
        side_artifacts={kind: str(side.path) for kind, side in result.side_artifacts.items()},
        bytes=artifact.bytes if artifact else 0,
        digest=artifact.digest if artifact else None,
        duration_s=duration_s,
        extra=result.extra,
    )
