"""What Airflow knows about a connector's runs: states, tries, and the manifests in the XComs of the tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from ci_operators.airflow_plugin.compat import DagModel, DagRun, TaskInstance, XComModel
from ci_operators.answers.connector.state import DagState
from ci_operators.answers.run.account import RunState, TaskState

FAILED = "failed"


def find_run(session: Session, dag_id: str, run_id: str) -> RunState | None:
    """Return the run with its tasks and manifests; None if Airflow does not know it."""
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None:
        return None
    task, xcom = TaskInstance, XComModel
    tasks = session.execute(
        select(task.task_id, task.state, task.try_number).where(task.dag_id == dag_id, task.run_id == run_id)
    )
    left = session.execute(
        select(xcom.task_id, xcom.value).where(
            xcom.dag_id == dag_id, xcom.run_id == run_id, xcom.key == "return_value", xcom.map_index == -1
        )
    )
    return RunState(
        run_id=run.run_id,
        kind=_text(run.run_type),
        state=_text(run.state),
        started_at=run.start_date,
        ended_at=run.end_date,
        tasks={task_id: TaskState(_text(state) or None, tries) for task_id, state, tries in tasks},
        # A custom XCom backend can store a reference instead of a dict: then the ledger has the manifest.
        manifests={task_id: value for task_id, value in left if isinstance(value, dict)},
    )


def find_dags(session: Session, dag_ids: Iterable[str], since: datetime) -> dict[str, DagState]:
    """Return the DAGs that Airflow knows, with their newest run and the failed ones since an instant."""
    wanted = list(dag_ids)
    failed = defaultdict(
        int,
        session.execute(
            select(DagRun.dag_id, func.count())
            .where(DagRun.dag_id.in_(wanted), DagRun.state == FAILED, DagRun.run_after >= since)
            .group_by(DagRun.dag_id)
        ).all(),
    )
    return {
        dag_id: DagState(is_paused, _last_run(*run) if run[0] else None, failed[dag_id])
        for dag_id, is_paused, *run in session.execute(_with_last_run(wanted))
    }


def _with_last_run(dag_ids: Sequence[str]) -> Select[Any]:
    """Return the query for DAGs with their newest run; its columns are NULL if there is none yet."""
    other = aliased(DagRun)
    newest = (
        select(other.id)
        .where(other.dag_id == DagModel.dag_id)
        .order_by(other.run_after.desc(), other.id.desc())
        .limit(1)
        .correlate(DagModel)
        .scalar_subquery()
    )
    run = (DagRun.run_id, DagRun.run_type, DagRun.state, DagRun.start_date, DagRun.end_date)
    query = select(DagModel.dag_id, DagModel.is_paused, *run).outerjoin(DagRun, DagRun.id == newest)
    return query.where(DagModel.dag_id.in_(dag_ids))


def _last_run(run_id: str, kind: Any, state: Any, started_at: datetime | None, ended_at: datetime | None) -> RunState:
    return RunState(run_id, _text(kind), _text(state), started_at, ended_at)


def _text(value: Any) -> str:
    """Return the plain text of one of Airflow's enums: str() of some gives the member's name."""
    return str(getattr(value, "value", value) or "")
