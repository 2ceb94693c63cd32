"""The watermark of a connector: the end of the last window that was delivered.

It is in Airflow's state store of the connector's asset; before Airflow 3.3, which has no such store, in the XComs of
the runs that moved it (docs/decisions/0014-airflow-versions.md). Live and debug runs have one each, so that the first
live run knows that nothing was delivered yet. It begins at the start of the first window. Only successful scheduled
runs move it, as their last action, and only forward. Manual runs, such as a dry run of a live connector, never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.sdk import Asset, Context

from ci_operators.airflow_plugin.versions import HAS_ASSET_STATE
from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant, read_instant
from ci_operators.core.tally import STAGES


def connector_asset(connector: Connector) -> Asset:
    """Return the asset that represents a connector's deliveries."""
    return Asset(name=connector.dag_id)


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """A watermark in the XComs of the connector's runs: a task that moves it pushes it, and the latest value counts.

    Deleting a run deletes its watermark: the next run then reads more, and the ledger prevents sending twice.
    """

    ti: Any

    def get(self, key: str) -> str | None:
        """Return the latest value that a run of this date or earlier pushed, or None."""
        found = self.ti.xcom_pull(task_ids=list(STAGES), key=key, include_prior_dates=True)
        texts = [each for each in found or () if isinstance(each, str)]
        return max(texts, default=None, key=lambda text: read_instant(text)[0])

    def set(self, key: str, value: str) -> None:
        """Push the value."""
        self.ti.xcom_push(key=key, value=value)


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads and moves the watermark of one connector, in one mode. store: None for a task that may not use it."""

    store: Any
    debug: bool
    scheduled: bool
    earlier: EarlierRuns

    @classmethod
    def of(cls, context: Context, connector: Connector, *, debug: bool) -> Progress:
        """Return the progress of the task's connector, in the mode of the run.

        Not in the connector's mode, which may have changed to live since the run began.
        """
        earlier = EarlierRuns(context["ti"])
        store: Any = earlier
        if HAS_ASSET_STATE:  # Airflow gives it to tasks that have an asset
            store = context["asset_state_store"][connector_asset(connector)] if "asset_state_store" in context else None
        return cls(store, debug, context["dag_run"].run_type == "scheduled", earlier)

    def read(self, delivered_until: datetime | None = None) -> datetime | None:
        """Return the watermark, or None if no window was delivered yet or the run is not scheduled.

        delivered_until: the watermark by the ledger. It is later if the last runs ended in stages that cannot use the
        store; then the watermark is moved for them.
        """
        if not self.scheduled:
            return None
        text = self.store.get(self._key) or self.earlier.get(self._key)  # Airflow may have been upgraded since
        found = read_instant(text)[0] if isinstance(text, str) else None
        if delivered_until is None or (found is not None and delivered_until <= found):
            return found
        self.store.set(self._key, format_instant(delivered_until))
        return delivered_until

    def begin(self, since: datetime) -> None:
        """Set the watermark to the start of the first window, where the next run starts if this one fails."""
        if self.scheduled:
            self.store.set(self._key, format_instant(since))

    def move(self, until: datetime) -> None:
        """Move the watermark forward to `until`, if this run may move it."""
        if self.scheduled and self.store is not None:
            current = self.read()
            if current is None or current < until:
                self.store.set(self._key, format_instant(until))

    @property
    def _key(self) -> str:
        return "debug_watermark" if self.debug else "watermark"
