"""Alerts: notify people when a task has failed for good, and when a run misses its deadline.

The connector's option `notify` names the notifiers. They are imported on the worker when there is something to
report, never at DAG parse time.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from ci_operators.airflow_plugin.versions import NAMES_DEADLINES, DeadlineAlert, DeadlineReference, SyncCallback
from ci_operators.core.duration import format_duration
from ci_operators.core.errors import CollectiveInsightsError

log = logging.getLogger(__name__)

#: Notifiers by import path, each with its arguments.
Notifiers = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class FailureAlert:
    """The on_failure_callback of a task. Airflow calls it in the task's process when no retry is left."""

    notifiers: Notifiers

    def __call__(self, context: Any) -> None:
        """Call all notifiers with the task that failed, and why."""
        ti, raised = context["ti"], context.get("exception")
        # Before Airflow 3.3 an Airflow error wraps a fatal one. The text of any other error might hold a record.
        causes = (raised, getattr(raised, "__cause__", None))
        ours = next((error for error in causes if isinstance(error, CollectiveInsightsError)), None)
        why = str(ours) if ours else type(raised).__name__ if raised else ""
        told = f"{ti.dag_id}: task {ti.task_id} of run {ti.run_id} failed{f': {why}' if why else '.'}"
        notify_all(self.notifiers, {**context, "alert": told})


def build_deadline(within: timedelta, notifiers: Notifiers) -> DeadlineAlert:
    """Return the deadline of a connector's runs, counted from when Airflow queues them."""
    kwargs = {"notifiers": dict(notifiers), "within_s": within.total_seconds()}
    callback = SyncCallback(tell_of_missed_deadline, kwargs=kwargs)
    name = {"name": "delivery"} if NAMES_DEADLINES else {}
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, within, callback, **name)


def tell_of_missed_deadline(*, notifiers: Notifiers, within_s: float, context: dict[str, Any]) -> None:
    """Call all notifiers with the run that missed its deadline. The executor calls this.

    The runs of a backfill have no deadlines: all are queued at once, and a few are worked on.
    """
    run = context["dag_run"]
    if run["run_type"] == "backfill":
        return
    within = format_duration(timedelta(seconds=within_s))
    told = f"{run['dag_id']}: run {run['dag_run_id']} did not succeed within {within}; its state is {run['state']}."
    notify_all(notifiers, {**context, "alert": told})


def notify_all(notifiers: Notifiers, context: dict[str, Any]) -> None:
    """Call every notifier with the context, in which `alert` is a sentence. If one fails, the others are called too."""
    log.warning("Notifying: %s", context["alert"])
    for path, arguments in notifiers.items():
        try:
            _notify(path, arguments, dict(context))
        except Exception:
            # Whatever it raises: its error must not hide the failure that it was called to report.
            log.exception("The notifier %s failed: see the option notify of the connector.", path)


def _notify(path: str, arguments: Mapping[str, Any], context: dict[str, Any]) -> None:
    module, _, name = path.rpartition(".")
    found: Any = getattr(import_module(module), name)
    if inspect.isclass(found):
        tell: Any = found(**arguments)
        tell(context)
    else:
        found(context, **arguments)
