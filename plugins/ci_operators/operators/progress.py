"""The watermark of a connector: the end of the last window that was delivered.

Kept in Airflow's state store of the connector's asset; before Airflow 3.3, which has none, in the XComs of the runs
that moved it (include/decisions/0014-airflow-versions.md). Live and debug runs have one each, so that the first
live run knows that nothing was delivered yet. It begins where the first window does, and moves last, only
forward, only by scheduled runs that ended well; a dry run of a live connector is a manual run and moves nothing.
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
    """Return the asset that stands for a connector's deliveries."""
    return Asset(name=connector.dag_id)


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """A watermark in the XComs of the connector's runs: a task that moves it pushes it, the furthest one counts.

    A run that is deleted takes its watermark along; the next one then reads more, and the ledger sends nothing twice.
    """

    ti: Any

    def get(self, key: str) -> str | None:
        """Return the furthest value that a run of this date or before has pushed, None if none has."""
        found = self.ti.xcom_pull(task_ids=list(STAGES), key=key, include_prior_dates=True)
        texts = [each for each in found or () if isinstance(each, str)]
        return max(texts, default=None, key=lambda text: read_instant(text)[0])

    def set(self, key: str, value: str) -> None:
        """Push the value."""
        self.ti.xcom_push(key=key, value=value)


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads and moves the watermark of one connector, in one mode."""

    store: Any
    debug: bool
    scheduled: bool
    earlier: EarlierRuns

    @classmethod
    def of(cls, context: Context, connector: Connector, *, debug: bool) -> Progress:
        """Return the progress of the connector whose task runs, in the mode of the run.

        The run's, not the connector's: that may have gone live since the run began.
        """
        earlier = EarlierRuns(context["ti"])
        store = context["asset_state_store"][connector_asset(connector)] if HAS_ASSET_STATE else earlier
        return cls(store, debug, context["dag_run"].run_type == "scheduled", earlier)

    def read(self) -> datetime | None:
        """Return the watermark, None if no window was delivered yet."""
        text = self.store.get(self._key) or self.earlier.get(self._key)  # Airflow may have been upgraded since
        return read_instant(text)[0] if isinstance(text, str) else None

    def begin(self, since: datetime) -> None:
        """Set the watermark to where the first window begins: should its run fail, the next one starts there."""
        if self.scheduled and self.read() is None:
            self.store.set(self._key, format_instant(since))

    def move(self, until: datetime) -> None:
        """Move the watermark forward to `until`, if this run may."""
        current = self.read()
        if self.scheduled and (current is None or current < until):
            self.store.set(self._key, format_instant(until))

    @property
    def _key(self) -> str:
        return "debug_watermark" if self.debug else "watermark"
