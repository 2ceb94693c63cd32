"""The watermark of a connector: the end of the last window that was delivered.

Kept in Airflow's state store of the connector's asset. Live and debug runs have one each, so that the first
live run knows that nothing was delivered yet. It begins where the first window does, and moves last, only
forward, only by scheduled runs that ended well; a dry run of a live connector is a manual run and moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.sdk import Asset, Context

from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant, read_instant


def connector_asset(connector: Connector) -> Asset:
    """Return the asset that stands for a connector's deliveries."""
    return Asset(name=connector.dag_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads and moves the watermark of one connector, in one mode."""

    store: Any
    debug: bool
    scheduled: bool

    @classmethod
    def of(cls, context: Context, connector: Connector, *, debug: bool) -> Progress:
        """Return the progress of the connector whose task runs, in the mode of the run.

        The run's, not the connector's: that may have gone live since the run began.
        """
        store = context["asset_state_store"][connector_asset(connector)]
        return cls(store, debug, context["dag_run"].run_type == "scheduled")

    def read(self) -> datetime | None:
        """Return the watermark, None if no window was delivered yet."""
        text = self.store.get(self._key)
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
