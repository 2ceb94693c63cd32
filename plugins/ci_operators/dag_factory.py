"""One DAG for each connector: extract, filter, map, validate, submit."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, get_parsing_context

from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES, RETRY_BACKOFF, check_deadline
from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.connector import DAG_PREFIX, Connector
from ci_operators.core.duration import format_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.operators.extract import ExtractOperator
from ci_operators.operators.filter import FilterOperator
from ci_operators.operators.maintenance import CompactLedgerOperator, DeleteArtifactsOperator
from ci_operators.operators.map import MapOperator
from ci_operators.operators.progress import connector_asset
from ci_operators.operators.stage import StageOperator
from ci_operators.operators.submit import SubmitOperator
from ci_operators.operators.validate import ValidateOperator
from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable

if TYPE_CHECKING:
    from ci_operators.airflow_plugin.versions import DeadlineAlert
    from ci_operators.operators.alerts import FailureAlert

STAGES: tuple[type[StageOperator], ...] = (
    ExtractOperator,
    FilterOperator,
    MapOperator,
    ValidateOperator,
    SubmitOperator,
)
#: A stage that takes longer hangs: a million events take minutes.
STAGE_TIMEOUT = timedelta(hours=6)
#: A manual run dated in the future never starts, and would block all others for ever.
RUN_TIMEOUT = timedelta(days=1)

_RUN_OPTION_TITLES = {"only_analyst_verified": "Only Fetch Analyst-Verified Events"}


def build_dags(source: str, *, doc_md: str | None) -> dict[str, DAG]:
    """Return the DAGs of all connectors of `source`, by id. Wrong entries are left to `raise_problems`.

    A task's process has to find one DAG in the file: there the others are not made, nor are their entries looked at.
    """
    wanted = get_parsing_context().dag_id
    found = _load(connectors_path(), None if wanted is None else wanted.removeprefix(DAG_PREFIX))
    return {
        connector.dag_id: build_dag(connector, found, doc_md or "")
        for connector in found.connectors
        if connector.source == source
    }


def build_maintenance_dag(*, doc_md: str | None) -> DAG | None:
    """Return the DAG that deletes what is older than its retention, once a day; None while that is not known."""
    found = _load(connectors_path())
    if found.retention is None:
        return None
    ledgers = {connector.ledger_conn_id for connector in found.connectors}
    needed = {connector.ledger_conn_id for connector in found.connectors if not connector.debug}
    with DAG(
        dag_id="collective_insights_maintenance",
        description="Deletes artifacts and forgets old ledger rows",
        doc_md=doc_md,
        schedule="@daily",
        catchup=False,
        is_paused_upon_creation=False,  # what it deletes is personal data: nobody has to think of switching it on
        max_active_runs=1,
        tags={"collective-insights", "maintenance"},
        default_args={"owner": "collective-insights", "retries": 3, "execution_timeout": STAGE_TIMEOUT},
    ) as dag:
        DeleteArtifactsOperator(task_id="delete_artifacts", retention=found.retention)
        CompactLedgerOperator(
            task_id="compact_ledger", retention=found.retention, ledger_conn_ids=ledgers, needed=needed
        )
    return dag


def raise_problems() -> None:
    """Raise ConfigurationError with a line for each wrong entry of the connectors file, if there is one."""
    problems = _load(connectors_path()).problems
    if problems:
        raise ConfigurationError("\n".join(problems))


def build_dag(connector: Connector, found: ConnectorsFile, doc_md: str) -> DAG:
    """Return the DAG of one connector."""
    with DAG(
        dag_id=connector.dag_id,
        description=f"{connector.source} to Collective Insights, every {format_duration(connector.update_frequency)}"
        + (" (debug)" if connector.debug else ""),
        doc_md=f"{doc_md}\n{_describe_options(connector)}",
        schedule=UpdateFrequencyTimetable(
            name=connector.name,
            update_frequency=connector.update_frequency,
            initial_import=connector.initial_import,
            max_window=connector.max_window,
            publication_delay=connector.publication_delay,
        ),
        # The timetable catches up by itself, and needs no start_date: a manual run dated before one would be green
        # without a task.
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=RUN_TIMEOUT,
        deadline=_find_deadline(connector),
        tags={"collective-insights", connector.source},
        default_args={
            "owner": "collective-insights",
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": RETRY_BACKOFF,
            "max_retry_delay": timedelta(minutes=15),
            "execution_timeout": STAGE_TIMEOUT,
        },
    ) as dag:
        _chain_stages(connector, found)
    # Not before: each task would take a copy of the form, to be checked and stored with it.
    dag.params.update(_build_params(connector))
    return dag


def _chain_stages(connector: Connector, found: ConnectorsFile) -> None:
    manifest: Any = None
    assets, told, retrying = [connector_asset(connector)], _find_failure_alerts(connector), _find_retry_policy()
    own: dict[type[StageOperator], dict[str, Any]] = {
        ExtractOperator: {"ledger_memory": found.ledger_memory},
        # The one stage whose success is an event of the asset, so that other DAGs can follow a delivery.
        SubmitOperator: {"destination": found.destination(connector.destination_conn_id), "outlets": assets},
    }
    for operator in STAGES:
        task = operator(
            task_id=operator.stage,
            connector=connector,
            manifest=manifest,
            # Not default_args: the UI asks for those as JSON, which none of these is.
            inlets=assets,
            on_failure_callback=told,
            **retrying,
            **own.get(operator, {}),
        )
        manifest = task.output


def _find_retry_policy() -> dict[str, Any]:
    if not HAS_RETRY_POLICIES:
        return {}
    from ci_operators.airflow_plugin.retry_policy import ErrorTreeRetryPolicy

    return {"retry_policy": ErrorTreeRetryPolicy()}


def _find_deadline(connector: Connector) -> DeadlineAlert | None:
    if connector.deadline is None:
        return None
    check_deadline()
    from ci_operators.operators.alerts import build_deadline  # only for those who ask: every parse pays for imports

    return build_deadline(connector.deadline, connector.notify)


def _find_failure_alerts(connector: Connector) -> list[FailureAlert] | None:
    if not connector.notify:
        return None
    from ci_operators.operators.alerts import FailureAlert

    return [FailureAlert(connector.notify)]


def _build_params(connector: Connector) -> dict[str, Param]:
    instant: dict[str, Any] = {"type": ["null", "string"], "format": "date-time"}
    frequency = format_duration(connector.update_frequency)
    params = {
        "since": Param(
            None,
            title="Since",
            description="Begin of the window, with a time zone. Empty: the run's data interval; with only Until set, "
            f"{frequency} before it.",
            **instant,
        ),
        "until": Param(
            None,
            title="Until",
            description="End of the window (exclusive). Empty: now, if Since is set.",
            **instant,
        ),
        "debug": Param(
            connector.debug,
            type="boolean",
            title="Debug",
            description="Dry run: Recorded Future checks the detections and stores nothing.",
        ),
    }
    for name in connector.run_options:
        description = type(connector).model_fields[name].description
        title = _RUN_OPTION_TITLES.get(name, name)
        params[name] = Param(getattr(connector, name), type="boolean", title=title, description=description)
    return params


def _describe_options(connector: Connector) -> str:
    rows = [f"| {name} | `{_show(value)}` |" for name, value in connector]
    return "\n".join(["## Options", "", "| option | value |", "|---|---|", *rows])


def _show(value: object) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, (tuple, dict)):
        return ", ".join(str(item) for item in value) or "none"
    return "default" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _load(path: Path, only: str | None = None) -> ConnectorsFile:
    """Read a file once per process: the DAG processor and every task have processes of their own."""
    return load_connectors(path, only=only)
