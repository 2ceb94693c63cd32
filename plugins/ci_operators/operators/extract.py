"""Extract: read the window's events from the source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import Context

from ci_operators.core.duration import format_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import ResolvedWindow, RunRequest, Window, resolve_window
from ci_operators.operators.ledger_record import check_memory
from ci_operators.operators.progress import Progress
from ci_operators.operators.stage import StageOperator, StageRun, run_kind
from ci_operators.sources.registry import load_source
from ci_operators.transport.pacing import Pacer

if TYPE_CHECKING:
    from ci_operators.stages.records import StageRecord
    from ci_operators.stages.run import StageResult


class ExtractOperator(StageOperator):
    """Finds the run's window, reads its events page by page, and stages them unchanged."""

    stage = "extract"

    def prepare(self, context: Context) -> StageRun:
        """Return the run with its window, which the trigger form, the data interval, and the watermark determine."""
        _refuse_unknown_keys(context)
        debug = context["params"]["debug"]
        known_since, delivered_until = None, None
        if not (debug and self.connector.debug):
            known_since, delivered_until = self._ask_ledger(context)
        resolved = self._resolve(context, None if debug else delivered_until)
        run = self.make_run(context, resolved.window, resolved.basis, debug=debug)
        if not debug:
            check_memory(run.window, datetime.now(UTC), self.ledger_memory, known_since)
        return run

    def _ask_ledger(self, context: Context) -> tuple[datetime | None, datetime | None]:
        """Return what the ledger knows, and close the ledger: reading from the source may take hours."""
        from ci_operators.ledger.overview import find_memory  # not at DAG parse time

        with self.make_ledger(context) as ledger:
            return find_memory(ledger.open(), self.connector.name)

    def knows(self, context: Context, record: StageRecord, digest: str) -> bool:
        """Return whether a stage of any run kept this record of the staging area, as its XCom shows."""
        stage = record.manifest["stage"]
        found = context["ti"].xcom_pull(task_ids=stage, run_id=record.run_id, map_indexes=-1)
        return isinstance(found, dict) and found.get("kept", {}).get(stage) == digest

    @property
    def kept(self) -> Mapping[str, str]:
        """Return no digests, since no stage comes before."""
        return {}

    def run_stage(self, run: StageRun) -> StageResult:
        """Stage the events of all pages of the window, and return the outcome."""
        from ci_operators.hooks.vendor import VendorHook  # takes 0.2 s to import: not at DAG parse time
        from ci_operators.stages.extraction import extract

        _refuse_what_is_gone(run)
        connector, source, pacer = run.connector, load_source(run.connector.source), Pacer()
        client = VendorHook(source.api, connector.source_conn_id).get_client(pacer)
        overlap = connector.overlap if run.kind == "scheduled" and not run.debug else timedelta(0)
        asked = Window(run.window.since - overlap, run.window.until)
        window = self._clip(asked, connector.source_keeps)
        result = extract(
            lambda bounds, tokens: source.fetch(client, connector, bounds, tokens) if window else (),
            window or asked,
            f"{client.base_url} {asked} {connector.model_dump_json()}",
            run.directory,
        )
        result.extra |= {"waited_s": round(pacer.waited_s, 1), "overlap_s": int(overlap.total_seconds())}
        return result

    def _clip(self, window: Window, keeps: timedelta | None) -> Window | None:
        """Return the part of the window that the source still keeps. A request for older events may be an error."""
        if keeps is None or window.since >= (oldest := datetime.now(UTC) - keeps):
            return window
        lost = Window(window.since, min(oldest, window.until))
        self.log.warning("The source keeps events for %s: those of %s cannot be read.", format_duration(keeps), lost)
        return Window(oldest, window.until) if oldest < window.until else None

    def _resolve(self, context: Context, delivered_until: datetime | None) -> ResolvedWindow:
        run, params = context["dag_run"], context["params"]
        progress = Progress.of(context, self.connector, debug=params["debug"])
        watermark = progress.read(delivered_until)
        start, end = run.data_interval_start, run.data_interval_end
        request = RunRequest(
            kind=run_kind(context),
            run_after=_utc(run.run_after),
            data_interval=None if start is None or end is None else Window(_utc(start), _utc(end)),
            since=params["since"],
            until=params["until"],
            watermark=watermark,
        )
        resolved = resolve_window(
            request,
            update_frequency=self.connector.update_frequency,
            initial_import=self.connector.initial_import,
            now=datetime.now(UTC),
        )
        if watermark is None:
            progress.begin(resolved.window.since)
        return resolved


def _refuse_what_is_gone(run: StageRun) -> None:
    """Refuse a window that a person requested if the source no longer keeps all of it. Scheduled runs read the rest."""
    keeps, since = run.connector.source_keeps, run.window.since
    if run.kind != "scheduled" and keeps is not None and since < (oldest := datetime.now(UTC) - keeps):
        raise ConfigurationError(
            f"The window begins at {format_instant(since)}, but the source keeps its events for "
            f"{format_duration(keeps)}: choose a start after {format_instant(oldest)}."
        )


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
