"""What a stage did, into the ledger: counts, dropped ids, quarantined records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ci_operators.core.connector import Connector
from ci_operators.core.duration import format_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import RunKind, Window
from ci_operators.staging.manifest import Manifest

if TYPE_CHECKING:
    from ci_operators.staging.artifact import Artifact


def record_stage(
    connector: Connector, run_id: str, kind: RunKind, manifest: Manifest, sides: Mapping[str, Artifact]
) -> bool:
    """Write one stage's run into the connector's ledger; a retry writes the same again.

    Returns whether detections of the connector wait for budget.
    """
    from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time
    from ci_operators.ledger.history import History
    from ci_operators.staging.artifact import read_artifact

    with open_ledger(connector.ledger_conn_id) as connection:
        history = History(connection, connector.name, run_id, manifest.stage)
        if "dropped" in sides:
            history.add_dropped(read_artifact(sides["dropped"]))
        if "quarantined" in sides and manifest.stage != "submit":  # which has written its own, as it went
            history.add_quarantined(read_artifact(sides["quarantined"]))
        history.add_run(manifest.to_xcom(), kind)
        return history.has_waiting()


def check_ledger(connector: Connector) -> datetime | None:
    """Return the instant before which the connector's deliveries are forgotten, None if none are.

    Raises ConfigurationError, before anything is read or sent, when the ledger is missing or of another version.
    """
    from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time
    from ci_operators.ledger.compaction import find_known_since

    with open_ledger(connector.ledger_conn_id) as connection:
        return find_known_since(connection, connector.name)


def check_memory(window: Window, now: datetime, memory: timedelta, known_since: datetime | None) -> None:
    """Raise ConfigurationError if the ledger may have forgotten what was delivered of a live run's window."""
    if known_since and window.since < known_since:
        raise ConfigurationError(
            f"The window {window} begins before {format_instant(known_since)}: the ledger has deleted what was "
            "delivered before then (`retention: ledger`), so it could be sent twice. A longer retention does not bring "
            "it back: shorten the window, or run it with debug."
        )
    if window.since < now - memory:
        raise ConfigurationError(
            f"The window {window} begins before the ledger's memory ({format_duration(memory)}): "
            "what was delivered then could be sent twice. Lengthen `retention: ledger`, or shorten the window."
        )
