"""What the five operators have in common: one run of one stage, told in the log, kept in the XCom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk import BaseOperator, Context

from ci_operators.airflow_plugin.versions import AirflowRescheduleException, SkipMixin, failing_at_once
from ci_operators.core.connector import Connector
from ci_operators.core.errors import ConfigurationError, RetriableError
from ci_operators.core.window import RunKind, Window
from ci_operators.operators.ledger_record import record_stage
from ci_operators.operators.progress import Progress
from ci_operators.operators.staging_area import artifact_path, check_artifact, run_directory
from ci_operators.operators.story import tell
from ci_operators.staging.manifest import Handover, Manifest, read_handover
from ci_operators.transport.pacing import MAX_WAIT_S

if TYPE_CHECKING:  # as in all stages: brings requests, which no DAG file needs
    from ci_operators.stages.run import StageResult
    from ci_operators.staging.artifact import Artifact


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run of one stage: the connector as this run's params set it, its window, its staging directory.

    clear_number: how often somebody has cleared the run.
    """

    connector: Connector
    kind: RunKind
    run_id: str
    window: Window
    basis: str
    debug: bool
    directory: Any
    clear_number: int = 0

    @property
    def has_ledger(self) -> bool:
        """Return whether the ledger keeps this run: not that of a connector which only checks."""
        return not (self.debug and self.connector.debug)


class StageOperator(BaseOperator, SkipMixin):
    """A stage of a connector.

    :param connector: the connector's options.
    :param manifest: the XCom of the stage before (none for extract).
    """

    stage: ClassVar[str]
    template_fields = ("manifest",)
    ui_color = "#e8f1fb"

    def __init__(self, *, connector: Connector, manifest: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connector = connector
        self.manifest = manifest

    def execute(self, context: Context) -> dict[str, Any]:
        """Return the stage's manifest. Nothing left: the run ends here, green, and downstream is skipped."""
        with failing_at_once():
            return self._execute(context)

    def _execute(self, context: Context) -> dict[str, Any]:
        started = time.monotonic()
        run = self.prepare(context)
        try:
            result = self.run_stage(run)
        except RetriableError as err:
            self._give_slot_back(run, err)
            raise
        manifest = _make_manifest(self.stage, run, result, time.monotonic() - started)
        tell(self.log, manifest, self.words())
        waits = run.has_ledger and record_stage(run.connector, run.run_id, run.kind, manifest, result.side_artifacts)
        # Detections wait for budget: on to submit, even with nothing of this window.
        goes_on = waits and not run.debug and bool(self.downstream_task_ids)
        ends = not goes_on and self.is_last(run, result)
        if ends:
            Progress.of(context, run.connector, debug=run.debug).move(run.window.until)
        self._send_metrics(run, manifest, ends=ends)
        self.announce(context, run, manifest)
        if not goes_on and result.tally.records_out == 0:
            self._end_run(context, manifest)
        return manifest.to_xcom()

    def run_stage(self, run: StageRun) -> StageResult:
        """Do the stage's work: take what the stage before handed over through this one's step of the chain."""
        from ci_operators.stages.chain import run_step  # not at DAG parse time

        return run_step(self.stage, run.connector, self.source, run.directory)

    def prepare(self, context: Context) -> StageRun:
        """Return the run as the stage before handed it over."""
        handover = self.handover
        dag_run = context["dag_run"]
        check_artifact(handover.artifact, run_directory(dag_run.dag_id, dag_run.run_id))
        if not artifact_path(handover.artifact).exists():
            raise ConfigurationError(
                f"The artifact {handover.artifact} is gone, by retention or by hand: clear the run from extract on."
            )
        return self.make_run(context, handover.window, handover.basis, debug=handover.debug)

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return whether this stage ends the run well: nothing is left for the next one."""
        del run
        return result.tally.records_out == 0

    def announce(self, context: Context, run: StageRun, manifest: Manifest) -> None:
        """Tell other DAGs what the stage did: submit alone has something to tell."""

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage's reasons, issues and notes mean."""
        return {}

    @property
    def handover(self) -> Handover:
        """Return what the stage before handed over."""
        return read_handover(self.manifest)

    @property
    def source(self) -> Artifact:
        """Return the artifact that the stage before handed over."""
        from ci_operators.staging.artifact import Artifact  # brings zstandard, which no DAG file needs

        handover = self.handover
        return Artifact(artifact_path(handover.artifact), handover.records, handover.digest)

    def make_run(self, context: Context, window: Window, basis: str, *, debug: bool) -> StageRun:
        """Return a run of this stage; params of the run replace the connector's options of the same name."""
        connector = self.connector.for_run(context["params"])
        dag_run = context["dag_run"]
        directory = run_directory(dag_run.dag_id, dag_run.run_id)
        cleared = dag_run.clear_number or 0
        return StageRun(connector, run_kind(context), dag_run.run_id, window, basis, debug, directory, cleared)

    def _send_metrics(self, run: StageRun, manifest: Manifest, *, ends: bool) -> None:
        """Send the stage's figures. Only what a scheduled run ends moves the end of the last window."""
        from ci_operators.operators.metrics import find_samples, send  # not at DAG parse time

        delivered, destination = ends and run.kind == "scheduled", run.connector.destination_conn_id
        send(find_samples(manifest, datetime.now(UTC), delivered=delivered, destination=destination))

    def _give_slot_back(self, run: StageRun, error: RetriableError) -> None:
        """Let the task come again later, in the same try, when it has to wait for more than a minute."""
        if error.retry_after_s is not None and error.retry_after_s > MAX_WAIT_S:
            self.log.info("%s Coming again in %d s.", error, error.retry_after_s)
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
    """Return how the run came to be; what is neither scheduled nor a backfill is manual."""
    # Compared, not str(): of a member of Airflow's enum that is "DagRunType.SCHEDULED".
    kinds: tuple[RunKind, ...] = get_args(RunKind)
    return next((kind for kind in kinds if kind == context["dag_run"].run_type), "manual")


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
