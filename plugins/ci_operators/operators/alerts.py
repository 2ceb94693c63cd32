"""Telling people: when a task has failed for good, when a run misses its deadline.

What is told to stands in the connector's option `notify`. It is imported when there is something to tell, on the
worker: never at DAG parse time.
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
    """A task's on_failure_callback: Airflow calls it in the task's process, once no try is left."""

    notifiers: Notifiers

    def __call__(self, context: Any) -> None:
        """Tell all notifiers which task failed, and why."""
        ti, raised = context["ti"], context.get("exception")
        # Before Airflow 3.3 one of its own errors wraps a fatal one. The text of any other might hold a record.
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
    """Tell all notifiers which run missed its deadline; Airflow has the executor call this.

    A backfill queues all its runs at once and works on a few: theirs are no deadlines.
    """
    run = context["dag_run"]
    if run["run_type"] == "backfill":
        return
    within = format_duration(timedelta(seconds=within_s))
    told = f"{run['dag_id']}: run {run['dag_run_id']} has not ended well within {within}; its state is {run['state']}."
    notify_all(notifiers, {**context, "alert": told})


def notify_all(notifiers: Notifiers, context: dict[str, Any]) -> None:
    """Call every notifier with the context, in which `alert` is a sentence; one that fails takes no other down."""
    log.warning("Telling the notifiers: %s", context["alert"])
    for path, arguments in notifiers.items():
        try:
            _notify(path, arguments, dict(context))
        except Exception:
            # Whatever it raises: the failure that it should have told of must not be hidden behind its own.
            log.exception("The notifier %s failed: see the option notify of the connector.", path)


def _notify(path: str, arguments: Mapping[str, Any], context: dict[str, Any]) -> None:
    module, _, name = path.rpartition(".")
    found: Any = getattr(import_module(module), name)
    if inspect.isclass(found):
        tell: Any = found(**arguments)
        tell(context)
    else:
        found(context, **arguments)
