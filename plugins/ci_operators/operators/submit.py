"""Submit: deliver the detections to Recorded Future."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.operators.staging_area import artifact_path

if TYPE_CHECKING:
    from ci_operators.stages.run import StageResult


class SubmitOperator(StageOperator):
    """Posts the detections with debug=false in batches; each batch is accepted once over all tries."""

    stage = "submit"

    def run_stage(self, run: StageRun) -> StageResult:
        """Submit what validate passed on; a debug run submits nothing."""
        if run.debug:
            raise AirflowSkipException("Debug run: Recorded Future has checked the detections, nothing is stored.")
        from ci_operators.hooks.vendor import VendorHook  # 0.2 s to import, not at DAG parse time
        from ci_operators.recorded_future.api import API
        from ci_operators.stages.run import Terms, deliver
        from ci_operators.staging.artifact import digest_artifact

        client = VendorHook(API, run.connector.destination_conn_id).get_client()
        terms = Terms(False, run.connector.organization_ids, run.connector.batch_size)
        artifact = artifact_path(self.handover.artifact)
        delivery = BatchLog(run.context["task_state_store"], digest_artifact(artifact))
        return deliver(client, artifact, terms, delivery)

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return True: nothing comes after it."""
        del run, result
        return True


@dataclass(frozen=True, slots=True)
class BatchLog:
    """Which batches of an artifact were accepted, in Airflow's state store of the task.

    It outlives retries and "clear" (Storage > Clear All Task State Store in the UI forgets it). The key holds
    the artifact's digest: other detections are other batches.
    """

    store: Any
    digest: str

    def is_accepted(self, number: int) -> bool:
        """Return whether batch `number` was accepted before."""
        return number < int(self.store.get(self._key, default=0))

    def accept(self, number: int) -> None:
        """Remember that all batches up to `number` were accepted."""
        self.store.set(self._key, number + 1, retention=NEVER_EXPIRE)

    @property
    def _key(self) -> str:
        return f"accepted_batches:{self.digest}"
