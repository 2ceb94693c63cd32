"""The state of the connectors: deliveries from the ledger, runs from Airflow."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter

from ci_operators.airflow_plugin.compat import SessionDep
from ci_operators.answers.connector.health import ConnectorHealth, find_health, find_orphans, find_remarks
from ci_operators.answers.connector.state import DagState, find_all_remarks, find_state
from ci_operators.core.connector import Connector
from ci_operators.pages.airflow_runs import find_dags
from ci_operators.pages.configuration import current_file, open_reader
from ci_operators.pages.request import Chosen, Readable
from ci_operators.sources.registry import load_source

router = APIRouter()
FAILURES_OF = timedelta(days=7)
NO_CONNECTOR = (
    "You have no connector that you can read. Add one to the connectors file, and a Connection for its source."
)


@router.get("/connectors")
def show_connectors(readable: Readable, chosen: Chosen, session: SessionDep) -> dict[str, Any]:
    """Return the state of each chosen connector; `names` are all connectors that the user can read."""
    found, now = current_file(), datetime.now(UTC)
    mine = [connector for connector in found.connectors if connector.name in readable]
    picked = [connector for connector in mine if connector.name in chosen]
    health = {each.connector: each for each in find_health(found, picked, now, open_reader)}
    closed = {each.destination_conn_id for each in found.connectors if each.name not in readable}
    orphans = [each for each in find_orphans(found, open_reader) if each.connector in chosen]
    dags = find_dags(session, (connector.dag_id for connector in picked), now - FAILURES_OF)
    return {
        "connectors": [_tell(each, _hide_budget(health[each.name], closed), dags.get(each.dag_id)) for each in picked],
        "names": sorted(connector.name for connector in mine),
        "note": "" if mine else NO_CONNECTOR,
        "problems": [f"{each.connector} {remark}" for each in orphans for remark in find_remarks(each)],
    }


def _tell(connector: Connector, health: ConnectorHealth, dag: DagState | None) -> dict[str, Any]:
    last = dag.last_run if dag else None
    level, state = find_state(health, dag)
    told = asdict(health)
    del told["connector"], told["runs_awaiting_retry"], told["gone"], told["overdue"]
    return {
        "name": connector.name,
        "dag_id": connector.dag_id,
        "source_title": load_source(connector.source).title,
        "paused": dag.paused if dag else None,
        "update_frequency_s": connector.update_frequency.total_seconds(),
        "failed_runs_7_days": dag.failed_runs if dag else 0,
        "last_run": {"run_id": last.run_id, "state": last.state, "started_at": last.started_at} if last else None,
        **told,
        "remarks": list(find_all_remarks(health, dag)),
        "level": level,
        "state": state,
    }


def _hide_budget(health: ConnectorHealth, closed: Container[str]) -> ConnectorHealth:
    """Return the health without the budget if connectors share it that the user cannot read."""
    is_closed = health.budget is not None and health.budget.destination in closed
    return replace(health, budget=None) if is_closed else health
