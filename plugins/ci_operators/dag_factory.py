"""Builds one DAG for each connector (extract, filter, map, validate, submit), and the maintenance DAG."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, get_parsing_context

from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES, RETRY_BACKOFF, CronTriggerTimetable, check_deadline
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

#: Made before the DAG processor and the scheduler fork, as this module is imported there.
_RETRYING: dict[str, Any] = {}
if HAS_RETRY_POLICIES:
    from ci_operators.airflow_plugin.retry_policy import ErrorTreeRetryPolicy

    _RETRYING["retry_policy"] = ErrorTreeRetryPolicy()

STAGES: tuple[type[StageOperator], ...] = (
    ExtractOperator,
    FilterOperator,
    MapOperator,
    ValidateOperator,
    SubmitOperator,
)
#: A stage that takes longer is stuck: a million events take minutes.
STAGE_TIMEOUT = timedelta(hours=6)
#: A manual run with a date in the future never starts, and would block all others forever.
RUN_TIMEOUT = timedelta(days=1)

_RUN_OPTION_TITLES = {"only_analyst_verified": "Only Fetch Analyst-Verified Events"}


def build_dags(source: str, *, doc_md: str | None) -> dict[str, DAG]:
    """Return the DAGs of all connectors of `source`, by id. `raise_problems` reports wrong entries.

    The process of a task needs only one DAG: the others are not built there, and their entries are not checked.
    """
    wanted = get_parsing_context().dag_id
    found = _load(connectors_path(), None if wanted is None else wanted.removeprefix(DAG_PREFIX))
    return {
        connector.dag_id: build_dag(connector, found, doc_md or "")
        for connector in found.connectors
        if connector.source == source
    }


def build_maintenance_dag(*, doc_md: str | None) -> DAG | None:
    """Return the DAG that deletes old data once a day; None if `retention` in the connectors file is wrong."""
    found = _load(connectors_path())
    if found.retention is None:
        return None
    ledgers = {connector.ledger_conn_id for connector in found.connectors}
    needed = {connector.ledger_conn_id for connector in found.connectors if not connector.debug}
    with DAG(
        dag_id="collective_insights_maintenance",
        description="Deletes artifacts and forgets old ledger rows",
        doc_md=doc_md,
        # "@daily" would first run at the next midnight, unless Airflow is set to create_cron_data_intervals.
        schedule=CronTriggerTimetable("@daily", timezone="UTC", run_immediately=True),
        catchup=False,
        is_paused_upon_creation=False,  # it deletes personal data, so nobody must have to remember to unpause it
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
    """Raise ConfigurationError with a line for each wrong entry of the connectors file, if any."""
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
        # The timetable catches up by itself. A start_date is not needed, and a manual run with an earlier date would
        # succeed without running a task.
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
    # Set last, because each task would copy the form, and Airflow would check and store the copies.
    dag.params.update(_build_params(connector))
    return dag


def _chain_stages(connector: Connector, found: ConnectorsFile) -> None:
    manifest: Any = None
    assets, told = [connector_asset(connector)], _find_failure_alerts(connector)
    for operator in STAGES:
        task = operator(
            task_id=operator.stage,
            # Not in default_args, because the UI requests those as JSON, and these are not. The asset lets a
            # task move the watermark, and costs a request. If another stage ends a run, extract reads it in the ledger.
            inlets=assets if connector.debug or operator is ExtractOperator else None,
            # The only stage whose success updates the asset, so that a delivery can trigger other DAGs.
            outlets=assets if operator is SubmitOperator else None,
            on_failure_callback=told,  # type: ignore[arg-type]  # a list of those is one of these
            **_RETRYING,
        )
        task.connector, task.manifest = connector, manifest
        task.destination, task.ledger_memory = found.destination(connector.destination_conn_id), found.ledger_memory
        if manifest is not None:
            manifest.operator >> task
        manifest = task.output


def _find_deadline(connector: Connector) -> DeadlineAlert | None:
    if connector.deadline is None:
        return None
    check_deadline()
    from ci_operators.operators.alerts import build_deadline  # only if needed: each parse pays for imports

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
            description="Start of the window, with a time zone. If empty: the start of the run's data interval, or "
            f"{frequency} before Until if that is set.",
            **instant,
        ),
        "until": Param(
            None,
            title="Until",
            description="End of the window (exclusive). If empty and Since is set: now.",
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
    """Return the content of a file. It is read once per process: the DAG processor and each task have their own."""
    return load_connectors(path, only=only)
