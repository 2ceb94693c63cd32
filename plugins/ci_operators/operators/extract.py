"""Extract: read the window's events from the source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

from airflow.sdk.definitions.context import Context

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.window import ResolvedWindow, RunKind, RunRequest, Window, resolve_window
from ci_operators.operators.progress import Progress
from ci_operators.operators.stage import StageOperator, StageRun
from ci_operators.sources.registry import load_source
from ci_operators.transport.pacing import Pacer

if TYPE_CHECKING:
    from ci_operators.stages.run import StageResult


class ExtractOperator(StageOperator):
    """Finds the run's window, reads its events page by page, and stages them as they came."""

    stage = "extract"

    def prepare(self, context: Context) -> StageRun:
        """Return the run with the window that trigger form, data interval and watermark give."""
        _refuse_unknown_keys(context)
        resolved = self._resolve(context)
        return self.make_run(context, resolved.window, resolved.basis, debug=context["params"]["debug"])

    def run_stage(self, run: StageRun) -> StageResult:
        """Stage the events of all pages of the window."""
        from ci_operators.hooks.vendor import VendorHook  # 0.2 s to import, not at DAG parse time
        from ci_operators.stages.run import extract

        source, pacer = load_source(run.connector.source), Pacer()
        client = VendorHook(source.api, run.connector.source_conn_id).get_client(pacer)
        result = extract(source.fetch(client, run.connector, run.window), run.directory)
        result.extra["waited_s"] = round(pacer.waited_s, 1)
        return result

    def _resolve(self, context: Context) -> ResolvedWindow:
        progress, run, params = Progress.of(context, self.connector), context["dag_run"], context["params"]
        start, end = run.data_interval_start, run.data_interval_end
        request = RunRequest(
            kind=_kind_of(run.run_type),
            run_after=_utc(run.run_after),
            data_interval=None if start is None or end is None else Window(_utc(start), _utc(end)),
            since=params["since"],
            until=params["until"],
            watermark=progress.read(),
            left_debug=progress.left_debug(),
        )
        resolved = resolve_window(
            request,
            update_frequency=self.connector.update_frequency,
            initial_import=self.connector.initial_import,
            now=datetime.now(UTC),
        )
        progress.begin(resolved.window.since)
        return resolved


def _kind_of(run_type: str) -> RunKind:
    """Return Airflow's run type as a plain word: str() of its enum's members gives "DagRunType.SCHEDULED"."""
    kinds: tuple[RunKind, ...] = get_args(RunKind)
    return next((kind for kind in kinds if kind == run_type), "manual")


def _refuse_unknown_keys(context: Context) -> None:
    known = set(context["dag"].params)
    unknown = sorted(set(context["dag_run"].conf or {}) - known)
    if unknown:
        raise ConfigurationError(
            f"The run's configuration has {', '.join(unknown)}, which this DAG does not know; "
            f"it knows {', '.join(sorted(known))}."
        )


def _utc(instant: datetime) -> datetime:
    return datetime.fromtimestamp(instant.timestamp(), UTC)
