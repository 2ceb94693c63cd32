"""The run that a request is about: what Airflow, its artifacts and the ledger have of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException

from ci_operators.airflow_plugin.compat import DagAccessEntity, SessionDep, requires_access_dag
from ci_operators.answers.run.files import RunFiles
from ci_operators.answers.run.ledger_records import LedgerRun
from ci_operators.answers.run.manifests import read_manifests
from ci_operators.answers.wording import Wording, make_wording
from ci_operators.core.connector import Connector
from ci_operators.pages.airflow_runs import RunState, find_run
from ci_operators.pages.configuration import current_file
from ci_operators.pages.kept_runs import find_files, find_kept
from ci_operators.pages.ledgers import open_reader
from ci_operators.pages.run_ledger import RunLedger

NOT_OURS = "This DAG is no connector of the connectors file."
UNKNOWN_RUN = "Airflow does not know this run: it was deleted, or its id is misspelt."


@dataclass
class AskedRun:
    """A connector's run. manifests: of its stages, as their tasks left them, or as the ledger keeps them."""

    connector: Connector
    state: RunState
    manifests: dict[str, Any] = field(default_factory=dict)

    @property
    def wording(self) -> Wording:
        """Return the words of the connector's codes."""
        return make_wording([self.connector])

    @property
    def files(self) -> RunFiles:
        """Return the run's artifacts."""
        return find_files(self.connector, self.state.run_id, self.manifests)

    @property
    def is_debug(self) -> bool:
        """Return whether the run only checks; by the connector's option, before a stage has said so."""
        said = next((each.debug for each in read_manifests(self.manifests).values()), None)
        return self.connector.debug if said is None else said

    @property
    def ledger(self) -> RunLedger | None:
        """Return the ledger of a live run; None for a debug run, which no ledger keeps."""
        return None if self.is_debug else RunLedger(self.connector)

    @contextmanager
    def open_ledger(self) -> Iterator[LedgerRun]:
        """Give a live run as its ledger knows it, for when its artifacts are gone."""
        with open_reader(self.connector.ledger_conn_id) as connection:
            yield LedgerRun(connection, self.connector.name, self.state.run_id, self.wording)


def find_asked_run(dag_id: str, run_id: str, session: SessionDep) -> AskedRun:
    """Return the run that a request names; 404 for one that is none of a connector's."""
    connector = next((each for each in current_file().connectors if each.dag_id == dag_id), None)
    if connector is None:
        raise HTTPException(404, NOT_OURS)
    state = find_run(session, dag_id, run_id)
    if state is None:
        raise HTTPException(404, UNKNOWN_RUN)
    return AskedRun(connector, state, dict(state.manifests) or find_kept(connector, run_id))


#: Whoever asks for a run needs the permission to read runs of its DAG.
may_read_run = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
Asked = Annotated[AskedRun, Depends(find_asked_run)]
