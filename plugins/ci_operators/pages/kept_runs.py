"""Runs as the ledger keeps them, with their artifacts: also of runs that Airflow has forgotten."""

from __future__ import annotations

from typing import Any

from ci_operators.answers.event.staged import PATIENCE, find_event
from ci_operators.answers.run.files import RunFiles
from ci_operators.answers.run.manifests import read_manifests
from ci_operators.answers.run.scan import Limits
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.run_records import find_manifests
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages.ledgers import open_reader


def find_kept(connector: Connector, run_id: str) -> dict[str, Any]:
    """Return the manifests of a run that the connector's ledger keeps; none where there is no ledger."""
    try:
        with open_reader(connector.ledger_conn_id) as connection:
            return find_manifests(connection, connector.name, run_id)
    except CollectiveInsightsError:
        return {}  # then nothing is known of the run, and its page says that; the connectors' page tells of the ledger


def find_files(connector: Connector, run_id: str, manifests: dict[str, Any]) -> RunFiles:
    """Return a run's artifacts: found by its name, never by a path that somebody wrote into an XCom."""
    return RunFiles(run_directory(connector.dag_id, run_id), read_manifests(manifests))


def find_staged_event(connector: Connector, run_id: str, event_id: str, limits: Limits = PATIENCE) -> bytes | None:
    """Return the event of an id from the artifacts of a run, None if they are gone."""
    files = find_files(connector, run_id, find_kept(connector, run_id))
    return find_event(files, connector, event_id, limits).event
