"""What a stage did, into the ledger: counts, dropped ids, quarantined records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci_operators.core.connector import Connector
from ci_operators.core.window import RunKind
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
        if "quarantined" in sides:
            history.add_quarantined(read_artifact(sides["quarantined"]))
        history.add_run(manifest.to_xcom(), kind)
        return history.has_waiting()


def check_ledger(connector: Connector) -> None:
    """Raise ConfigurationError, before anything is read or sent, when the ledger is missing or of another version."""
    from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time

    with open_ledger(connector.ledger_conn_id):
        return
