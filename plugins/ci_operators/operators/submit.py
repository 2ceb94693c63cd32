"""Submit: deliver the detections to Recorded Future."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from ci_operators.airflow_plugin.versions import AirflowSkipException
from ci_operators.core.instant import format_instant
from ci_operators.operators.progress import connector_asset
from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.staging.manifest import Manifest
from ci_operators.transport.pacing import Pacer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ci_operators.ledger.deliveries import Deliveries
    from ci_operators.stages.account import Rules
    from ci_operators.stages.run import StageResult


class SubmitOperator(StageOperator):
    """Posts the detections with debug=false in batches. The ledger ensures that each is accepted once."""

    stage = "submit"

    def run_stage(self, run: StageRun) -> StageResult:
        """Submit the detections that validate passed on, and return the outcome. A debug run submits nothing."""
        if run.debug:
            raise AirflowSkipException("Debug run: Recorded Future checked the detections and stored nothing.")
        # Imported here, not at DAG parse time: 0.2 s.
        from ci_operators.hooks.vendor import VendorHook
        from ci_operators.ledger.deliveries import Deliveries
        from ci_operators.recorded_future.api import API
        from ci_operators.stages.delivery import deliver_once
        from ci_operators.stages.stored import look_up_with

        connector, pacer = run.connector, Pacer()
        client, rules = VendorHook(API, connector.destination_conn_id).get_client(pacer), self._make_rules(run)
        connection, destination = run.ledger.open(), connector.destination_conn_id
        deliveries = Deliveries(connection, connector.name, run.run_id, destination, clear_number=run.clear_number)
        look_up = look_up_with(client, deliveries, connector.organization_ids)
        try:
            result = deliver_once(client, self.source, run.directory, rules, deliveries, look_up)
        finally:
            _send_streak(run, deliveries)
        result.extra |= {"waited_s": round(pacer.waited_s, 1), **self._stand(connection, run)}
        return result

    def _stand(self, connection: Connection, run: StageRun) -> dict[str, int]:
        """Return the totals of the connector and its destination after the run, over all runs."""
        from ci_operators.ledger.overview import find_id, find_open, find_spent

        spent, _ = find_spent(connection, run.connector.destination_conn_id, datetime.now(UTC).date())
        number = find_id(connection, run.connector.name) or 0  # never None: `Deliveries` has inserted it
        found = find_open(connection, number)
        return {
            "waiting_in_all": found.waiting,
            "unknown_in_all": sum(batch.detections for batch in found.unknown),
            "budget_spent": spent,
            "budget_limit": self.destination.daily_limit,
        }

    def announce(self, context: Context, run: StageRun, manifest: Manifest) -> None:
        """Add the counts to the event of the connector's asset, which other DAGs can use as a schedule."""
        context["outlet_events"][connector_asset(run.connector)].extra = _describe_delivery(run, manifest)

    def _make_rules(self, run: StageRun) -> Rules:
        from ci_operators.stages.account import Rules
        from ci_operators.stages.run import Terms

        connector, bulk = run.connector, self.destination.limit_for_bulk
        return Rules(
            terms=Terms(connector.organization_ids, connector.batch_size),
            unknown_policy=connector.unknown_policy,
            allowed=self.destination.daily_limit if run.kind == "scheduled" else bulk,
            allowed_for_waiting=bulk,
            send_transient_id=connector.send_transient_id,
            unknown_resends=connector.unknown_resends,
            parallel_requests=connector.parallel_requests,
        )

    def is_last(self, run: StageRun, result: StageResult) -> bool:
        """Return True, since no stage follows."""
        del run, result
        return True

    def words(self) -> Mapping[str, str]:
        """Return the meanings of this stage's codes."""
        from ci_operators.stages.account import DROP_REASONS, ISSUES

        return {**DROP_REASONS, **ISSUES}


def _send_streak(run: StageRun, deliveries: Deliveries) -> None:
    """Send the number of consecutive unknown submissions, which matters most when it fails the run."""
    from ci_operators.operators.metrics import send, streak_sample  # not at DAG parse time

    if deliveries.lease.is_taken:
        send([streak_sample(run.connector.name, deliveries.lease.streak.submissions)])


def _describe_delivery(run: StageRun, manifest: Manifest) -> dict[str, Any]:
    """Return the extra of an asset event: counts of the run's own detections, over all its tries.

    accepted: includes those that waited since an earlier run; unknown: all of the connector's, of any run.
    """
    tally, extra = manifest.tally, manifest.extra
    return {
        "connector": manifest.connector,
        "run_id": run.run_id,
        "run_type": run.kind,
        "since": format_instant(manifest.window.since),
        "until": format_instant(manifest.window.until),
        "detections": tally.records_in,
        "accepted": extra["accepted"],
        "dropped": dict(tally.dropped),
        "quarantined": dict(tally.quarantined),
        "waiting": extra["waiting"],
        "resent_unknown": extra["resent_unknown"],
        "unknown": extra["unknown_in_all"],
    }
