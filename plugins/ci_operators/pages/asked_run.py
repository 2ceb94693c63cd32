"""The run that a request names, with its data in Airflow, the staging area and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, HTTPException
from sqlalchemy import Connection

from ci_operators.airflow_plugin.compat import DagAccessEntity, SessionDep, requires_access_dag
from ci_operators.answers.event.finder import PATIENCE, find_event
from ci_operators.answers.question import Limits
from ci_operators.answers.run.account import RunAccount
from ci_operators.answers.run.artifacts import RunFiles
from ci_operators.answers.run.ledger_records import LedgerRun
from ci_operators.answers.run.manifests import FoundManifest, read_manifests
from ci_operators.answers.run.record import RecordReader
from ci_operators.answers.wording import make_wording
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.run_records import find_manifests
from ci_operators.ledger.trail import DeliveredDetection, Trail, find_states, find_trail
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages.airflow_runs import find_run
from ci_operators.pages.configuration import current_file, open_reader

NOT_OURS = "This DAG is not a connector in the connectors file."
UNKNOWN_RUN = "Airflow does not know this run. It was deleted, or its id is misspelled."

Found = TypeVar("Found")


@dataclass
class AskedRun:
    """A connector's run. ledger_problem: why the ledger did not answer, else empty."""

    account: RunAccount
    ledger_problem: str = field(default="", init=False)

    @property
    def connector(self) -> Connector:
        """Return the connector."""
        return self.account.connector

    @property
    def files(self) -> RunFiles:
        """Return the run's artifacts."""
        return find_files(self.connector, self.account.run.run_id, self.account.found)

    @property
    def reader(self) -> RecordReader:
        """Return the reader for the records in the artifacts."""
        return RecordReader(self.connector.name, self.account.wording, self.account.run.started_at)

    @contextmanager
    def open_ledger(self) -> Iterator[LedgerRun]:
        """Yield a live run in its ledger, for when its artifacts are gone."""
        with open_reader(self.connector.ledger_conn_id) as connection:
            yield LedgerRun(connection, self.connector.name, self.account.run.run_id, self.account.wording)

    def find_states(self, keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        """Return what the ledger knows about detections; nothing for a debug run, or if the ledger does not answer."""
        return self._ask(lambda connection: find_states(connection, keys), {})

    def find_trail(self, event_id: str) -> Trail:
        """Return what the ledger knows about an event; nothing for a debug run, or if the ledger does not answer."""
        nothing = Trail((), (), (), ())
        return self._ask(lambda connection: find_trail(connection, [self.connector.name], event_id), nothing)

    def _ask(self, question: Callable[[Connection], Found], otherwise: Found) -> Found:
        """Return the answer. The connection is held for this one query, because a few connections serve all readers."""
        if self.account.is_debug or self.ledger_problem:  # a request waits for it only once
            return otherwise
        try:
            with open_reader(self.connector.ledger_conn_id) as connection:
                return question(connection)
        except CollectiveInsightsError as err:
            self.ledger_problem = f"The states of deliveries are not shown: {err}"
            return otherwise


def find_asked_run(dag_id: str, run_id: str, session: SessionDep) -> AskedRun:
    """Return the run that a request names. Answers 404 if it is not a run of a connector."""
    connector = next((each for each in current_file().connectors if each.dag_id == dag_id), None)
    if connector is None:
        raise HTTPException(404, NOT_OURS)
    run = find_run(session, dag_id, run_id)
    if run is None:
        raise HTTPException(404, UNKNOWN_RUN)
    manifests = run.manifests or find_kept(connector, run_id)
    return AskedRun(RunAccount(connector, run, manifests, make_wording([connector])))


#: A user needs the permission to read runs of the DAG.
may_read_run = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
Asked = Annotated[AskedRun, Depends(find_asked_run)]


def find_kept(connector: Connector, run_id: str) -> dict[str, Any]:
    """Return the manifests of a run in the connector's ledger; none if the ledger cannot be read."""
    try:
        with open_reader(connector.ledger_conn_id) as connection:
            return find_manifests(connection, connector.name, run_id)
    except CollectiveInsightsError:
        return {}  # the run's page shows that nothing is known; the connectors' page shows the error


def find_files(connector: Connector, run_id: str, stages: Mapping[str, FoundManifest]) -> RunFiles:
    """Return a run's artifacts. Their paths are made from the run's id, never read from an XCom."""
    return RunFiles(run_directory(connector.dag_id, run_id), stages)


def find_staged_event(connector: Connector, run_id: str, event_id: str, limits: Limits = PATIENCE) -> bytes | None:
    """Return the event with an id from the artifacts of a run that the ledger knows, None if they are gone."""
    files = find_files(connector, run_id, read_manifests(find_kept(connector, run_id)))
    return find_event(files, connector, event_id, limits).event
