"""Validate: check every detection against the API's contract; in a debug run, with the API too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.stages.contract import ISSUES

if TYPE_CHECKING:
    from ci_operators.stages.refusals import DryRun
    from ci_operators.stages.run import StageResult
    from ci_operators.staging.artifact import Artifact


class ValidateOperator(StageOperator):
    """Quarantines detections that break the contract. A debug run then posts the rest with debug=true, each detection
    once, and quarantines those that the API refuses."""

    stage = "validate"

    def run_stage(self, run: StageRun) -> StageResult:
        """Pass on the detections that meet the contract and, in a debug run, that the API accepts."""
        from ci_operators.stages.chain import run_step  # not at DAG parse time

        result = super().run_stage(run)
        if run.debug and result.artifact is not None and result.tally.records_out:
            checked = _dry_run(run, result.artifact)
            if checked.refused or checked.duplicates:  # done again, so that the artifact has only what the API accepts
                result = run_step(self.stage, run.connector, self.source, run.directory, checked.step)
            waited_s = round(checked.client.pacer.waited_s, 1)
            result.extra |= {
                "checked_by_api": dict(checked.processed),
                "batches": checked.batches,
                "waited_s": waited_s,
            }
        return result

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return whether this stage ends the run. A debug run ends after the API's check."""
        return run.debug or super().is_last(run, result)

    def words(self) -> Mapping[str, str]:
        """Return the meanings of this stage's codes."""
        from ci_operators.stages import account  # imports SQLAlchemy

        found = {**account.DROP_REASONS, **account.ISSUES}
        return {**ISSUES, **{code: found[code] for code in ("duplicate", "rejected_by_api")}}


def _dry_run(run: StageRun, artifact: Artifact) -> DryRun:
    from ci_operators.hooks.vendor import VendorHook  # takes 0.2 s to import: not at DAG parse time
    from ci_operators.recorded_future.api import API
    from ci_operators.stages.refusals import DryRun
    from ci_operators.stages.run import Terms

    client = VendorHook(API, run.connector.destination_conn_id).get_client()
    terms = Terms(run.connector.organization_ids, run.connector.batch_size)
    dry_run = DryRun(client, run.connector.name, terms)
    dry_run.check(artifact)
    return dry_run
