"""Extract: read the window's events from the source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from ci_operators.core.duration import format_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.window import ResolvedWindow, RunRequest, Window, resolve_window
from ci_operators.operators.ledger_record import check_ledger, check_memory
from ci_operators.operators.progress import Progress
from ci_operators.operators.stage import StageOperator, StageRun, run_kind
from ci_operators.sources.registry import load_source
from ci_operators.transport.pacing import Pacer

if TYPE_CHECKING:
    from ci_operators.stages.run import StageResult


class ExtractOperator(StageOperator):
    """Finds the run's window, reads its events page by page, and stages them as they came.

    :param ledger_memory: how far back the ledger knows what was delivered; live runs read nothing older.
    """

    stage = "extract"

    def __init__(self, *, ledger_memory: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ledger_memory = ledger_memory

    def prepare(self, context: Context) -> StageRun:
        """Return the run with the window that trigger form, data interval and watermark give."""
        _refuse_unknown_keys(context)
        resolved = self._resolve(context)
        run = self.make_run(context, resolved.window, resolved.basis, debug=context["params"]["debug"])
        known_since = check_ledger(run.connector) if run.has_ledger else None
        if not run.debug:
            check_memory(run.window, datetime.now(UTC), self.ledger_memory, known_since)
        return run

    def run_stage(self, run: StageRun) -> StageResult:
        """Stage the events of all pages of the window."""
        from ci_operators.hooks.vendor import VendorHook  # 0.2 s to import, not at DAG parse time
        from ci_operators.stages.extraction import extract

        connector, source, pacer = run.connector, load_source(run.connector.source), Pacer()
        client = VendorHook(source.api, connector.source_conn_id).get_client(pacer)
        overlap = connector.overlap if run.kind == "scheduled" and not run.debug else timedelta(0)
        asked = Window(run.window.since - overlap, run.window.until)
        window = self._clip(asked, source.keeps)
        result = extract(
            lambda bounds, tokens: source.fetch(client, connector, bounds, tokens) if window else (),
            window or asked,
            f"{client.base_url} {asked} {connector.model_dump_json()}",
            run.directory,
        )
        result.extra |= {"waited_s": round(pacer.waited_s, 1), "overlap_s": int(overlap.total_seconds())}
        return result

    def _clip(self, window: Window, keeps: timedelta | None) -> Window | None:
        """Return the part of the window that the source still keeps: asking for older events may be an error."""
        if keeps is None or window.since >= (oldest := datetime.now(UTC) - keeps):
            return window
        self.log.warning("The source keeps events for %s: what is older cannot be read.", format_duration(keeps))
        return Window(oldest, window.until) if oldest < window.until else None

    def _resolve(self, context: Context) -> ResolvedWindow:
        run, params = context["dag_run"], context["params"]
        progress = Progress.of(context, self.connector, debug=params["debug"])
        start, end = run.data_interval_start, run.data_interval_end
        request = RunRequest(
            kind=run_kind(context),
            run_after=_utc(run.run_after),
            data_interval=None if start is None or end is None else Window(_utc(start), _utc(end)),
            since=params["since"],
            until=params["until"],
            watermark=progress.read(),
        )
        resolved = resolve_window(
            request,
            update_frequency=self.connector.update_frequency,
            initial_import=self.connector.initial_import,
            now=datetime.now(UTC),
        )
        progress.begin(resolved.window.since)
        return resolved


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
