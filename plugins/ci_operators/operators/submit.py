"""Submit: deliver the detections to Recorded Future."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from ci_operators.core.connector import Destination
from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.operators.staging_area import artifact_path

if TYPE_CHECKING:
    from ci_operators.stages.delivery import Rules
    from ci_operators.stages.run import StageResult


class SubmitOperator(StageOperator):
    """Posts the detections with debug=false in batches; the ledger sees to it that each is accepted once.

    :param destination: the budget of the Recorded Future Connection.
    """

    stage = "submit"

    def __init__(self, *, destination: Destination, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination

    def run_stage(self, run: StageRun) -> StageResult:
        """Submit what validate passed on; a debug run submits nothing."""
        if run.debug:
            raise AirflowSkipException("Debug run: Recorded Future has checked the detections, nothing is stored.")
        # Imported here, not at DAG parse time: 0.2 s.
        from ci_operators.hooks.ledger import open_ledger
        from ci_operators.hooks.vendor import VendorHook
        from ci_operators.ledger.deliveries import Deliveries
        from ci_operators.recorded_future.api import API
        from ci_operators.stages.delivery import deliver_once
        from ci_operators.stages.stored import look_up_with

        connector = run.connector
        client, rules = VendorHook(API, connector.destination_conn_id).get_client(), self._make_rules(run)
        with open_ledger(connector.ledger_conn_id) as connection:
            deliveries = Deliveries(connection, connector.name, run.run_id, connector.destination_conn_id)
            artifact = artifact_path(self.handover.artifact)
            look_up = look_up_with(client, deliveries, connector.organization_ids)
            return deliver_once(client, artifact, run.directory, rules, deliveries, look_up)

    def _make_rules(self, run: StageRun) -> Rules:
        from ci_operators.stages.delivery import Rules
        from ci_operators.stages.run import Terms

        connector, bulk = run.connector, self.destination.limit_for_bulk
        return Rules(
            terms=Terms(connector.organization_ids, connector.batch_size),
            unknown_policy=connector.unknown_policy,
            allowed=self.destination.daily_limit if run.kind == "scheduled" else bulk,
            allowed_for_waiting=bulk,
            send_transient_id=connector.send_transient_id,
        )

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return True: nothing comes after it."""
        del run, result
        return True

    def words(self) -> Mapping[str, str]:
        """Return what the codes of this stage mean."""
        from ci_operators.stages.delivery import DROP_REASONS, ISSUES

        return {**DROP_REASONS, **ISSUES}
