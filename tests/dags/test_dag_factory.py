"""The DAG of a connector, as the UI and the scheduler see it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
from pydantic import TypeAdapter

from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES
from ci_operators.connectors_file import ConnectorsFile, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.dag_factory import STAGE_TIMEOUT, build_dag
from ci_operators.operators.alerts import FailureAlert
from ci_operators.operators.stage import StageOperator
from ci_operators.sources.registry import OPTIONS
from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable
from tests.airflow_home import on_newest

STAGES = ["extract", "filter", "map", "validate", "submit"]

#: Options that connectors of two sources share.
HOURLY = """\
    destination_conn_id: rf
    update_frequency: 1 hour
    initial_import: 1 hour
    max_window: 1 hour
    publication_delay: 2 minutes
    debug: true
    organization_ids: []
    ledger_conn_id: ledger
    overlap: 1 hour
    unknown_policy: hold
    unknown_resends: 2
    send_transient_id: false
    batch_size: 50
    parallel_requests: 2
    deadline: 1 hour
    notify: {}
    only_analyst_verified: true
    verified_floor: 7 days
"""
EVERY_OPTION = f"""
connectors:
  - name: okta-emea_2
    source: okta
    source_conn_id: okta_emea
    destination_conn_id: rf_emea
    update_frequency: 2 hours
    initial_import: 7 days
    max_window: 12 hours
    publication_delay: 5 minutes
    debug: false
    organization_ids: ["uhash:abc", "uhash:def"]
    ledger_conn_id: ledger_emea
    overlap: 15 minutes
    unknown_policy: hold
    unknown_resends: 0
    send_transient_id: true
    batch_size: 10
    parallel_requests: 2
    deadline: 3 hours
    notify: {{airflow.providers.smtp.notifications.smtp.SmtpNotifier: {{to: soc@example.com}}}}
    private_addresses: drop
    outcome_reasons_file: reasons.csv
  - name: s1
    source: sentinelone
    source_conn_id: s1
    destination_conn_id: rf
    update_frequency: 1 minute
    initial_import: 1 minute
    max_window: 1 minute
    publication_delay: 0 seconds
    debug: true
    organization_ids: ["uhash:abc"]
    ledger_conn_id: ledger
    overlap: 0 seconds
    unknown_policy: resend
    unknown_resends: 10
    send_transient_id: false
    batch_size: 1000
    parallel_requests: 2
    deadline: 1 minute
    notify: {{}}
    surface: unified_alerts
    only_analyst_verified: true
    verified_verdicts: [true_positive, suspicious]
    verified_alert_verdicts: [TRUE_POSITIVE_MALWARE]
    alert_window: detected_at
    details_per_page: 0
    third_party_alerts: send
    verified_floor: 30 days
    false_positives: drop
    command_line_hashes: drop
    trivial_hashes: drop
    detection_time: created_at
    account_ids: ["1"]
    site_ids: ["2", "3"]
  - name: falcon
    source: crowdstrike
    source_conn_id: falcon
{HOURLY}    products: [epp, idp]
    min_severity: 50
    min_confidence: 80
    false_positives: drop
    process_hashes: send
    private_addresses: drop
    trivial_hashes: drop
  - name: xdr
    source: defender
    source_conn_id: xdr
{HOURLY}    follow_updates: true
    evidence_verdicts: [malicious, unknown]
    false_positives: drop
    private_addresses: send
    trivial_hashes: send
"""


@pytest.fixture(scope="module")
def connectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Connector]:
    """The connectors of a file that uses every option."""
    path: Path = tmp_path_factory.mktemp("config") / "connectors.yaml"
    path.write_text(EVERY_OPTION)
    found = load_connectors(path)
    assert found.problems == []
    return {connector.source: connector for connector in found.connectors}


@pytest.fixture(params=["okta", "sentinelone"])
def connector(request: pytest.FixtureRequest, connectors: dict[str, Connector]) -> Connector:
    return connectors[request.param]


@pytest.fixture
def dag(connector: Connector) -> DAG:
    return build_dag(connector, ConnectorsFile(), "# The source")


def stage_of(dag: DAG, name: str) -> StageOperator:
    task = dag.get_task(name)
    assert isinstance(task, StageOperator)
    return task


def test_the_file_uses_every_option(connectors: dict[str, Connector]) -> None:
    for connector in connectors.values():
        assert connector.model_fields_set >= set(type(connector).model_fields)


def test_task_ids_are_the_stages_in_their_order(dag: DAG) -> None:
    assert list(dag.task_ids) == STAGES
    for name, following in zip(STAGES, [*STAGES[1:], None], strict=True):
        assert dag.get_task(name).downstream_task_ids == ({following} if following else set())


def test_dag_is_named_owned_and_described(dag: DAG, connector: Connector) -> None:
    assert dag.dag_id == f"collective_insights_{connector.name}"
    assert set(dag.tags) == {"collective-insights", connector.source}
    assert dag.owner == "collective-insights"
    assert connector.source in (dag.description or "")
    assert ("(debug)" in (dag.description or "")) is connector.debug
    assert (dag.doc_md or "").startswith("# The source")


def test_doc_lists_every_option_with_its_value(dag: DAG, connector: Connector) -> None:
    rows = [line for line in (dag.doc_md or "").splitlines() if line.startswith("| ")]
    assert [row.split()[1] for row in rows[1:]] == list(type(connector).model_fields)
    assert f"| source_conn_id | `{connector.source_conn_id}` |" in rows


def test_one_run_at_a_time_and_a_timeout_for_everything(dag: DAG) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.start_date is None
    assert dag.dagrun_timeout == timedelta(days=1)


@pytest.mark.parametrize("name", STAGES)
def test_every_task_retries_by_the_error_tree(dag: DAG, name: str) -> None:
    task = dag.get_task(name)
    assert isinstance(task, BaseOperator)
    assert task.retries == 3
    assert task.retry_delay == timedelta(minutes=1)
    assert task.max_retry_delay == timedelta(minutes=15)
    if HAS_RETRY_POLICIES:
        assert type(task.retry_policy).__name__ == "ErrorTreeRetryPolicy"
    assert task.execution_timeout == STAGE_TIMEOUT
    assert task.owner == "collective-insights"


def test_tasks_that_move_the_watermark_may_use_the_connectors_asset(dag: DAG, connector: Connector) -> None:
    """For a live connector, extract reads in the ledger which runs the stages in between have ended."""
    assert {asset.name for task in dag.tasks for asset in task.inlets} == {dag.dag_id}
    assert [task.task_id for task in dag.tasks if task.inlets] == (STAGES if connector.debug else STAGES[:1])


def test_each_task_waits_for_the_one_before(dag: DAG) -> None:
    assert [sorted(task.upstream_task_ids) for task in dag.tasks] == [[], *([each] for each in STAGES[:-1])]


def test_only_submit_makes_events_of_the_asset(dag: DAG) -> None:
    outlets = {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks if task.outlets}
    assert outlets == {"submit": [dag.dag_id]}
    assert "inlets" not in dag.default_args
    assert "outlets" not in dag.default_args


def test_every_task_alerts_the_connectors_notifiers(dag: DAG, connector: Connector) -> None:
    alerts = [FailureAlert(connector.notify)] if connector.notify else []
    assert all(task.on_failure_callback == alerts for task in dag.tasks)


@on_newest
def test_deadline_survives_serialization_and_is_off_by_default(dag: DAG, connector: Connector) -> None:
    (alert,) = DagSerialization.to_dict(dag)["dag"]["deadline"]
    assert connector.deadline is not None
    assert alert["interval"]["__data__"] == connector.deadline.total_seconds()
    assert alert["reference"] == {"reference_type": "DagRunQueuedAtDeadline"}
    assert alert["callback"]["__data__"]["path"] == "ci_operators.operators.alerts.tell_of_missed_deadline"
    plain = build_dag(OPTIONS["okta"].model_validate({"name": "plain", "source": "okta"}), ConnectorsFile(), "")
    assert plain.deadline is None
    assert not any(task.on_failure_callback for task in plain.tasks)


def test_notifiers_are_not_imported_at_parse_time(connectors: dict[str, Connector]) -> None:
    notify = {"tests.dags.no_such_module.Notifier": {"to": "soc@example.com"}}
    told = connectors["okta"].model_copy(update={"notify": notify, "deadline": timedelta(hours=1)})
    dag = build_dag(told, ConnectorsFile(), "")
    serialized = json.dumps(DagSerialization.to_dict(dag))
    assert DagSerialization.deserialize_dag(json.loads(serialized)["dag"]) is not None
    assert "| notify | `tests.dags.no_such_module.Notifier` |" in (dag.doc_md or "")


def test_form_explains_each_field(dag: DAG, connector: Connector) -> None:
    assert set(dag.params) == {"since", "until", "debug", *connector.run_options}
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.schema["title"]
        assert len(param.description or "") > 20
    assert dag.params["since"] is None
    assert dag.params["until"] is None
    assert dag.params["debug"] is connector.debug
    assert all(dag.params[name] is getattr(connector, name) for name in connector.run_options)


@pytest.mark.parametrize(
    ("name", "value"),
    [("since", "yesterday"), ("until", "2026-03-01T10:00:00"), ("since", 5), ("debug", "yes"), ("debug", None)],
)
def test_form_refuses_meaningless_values(dag: DAG, name: str, value: object) -> None:
    param = dag.params.get_param(name)
    with pytest.raises(Exception, match=r"is not (a|of type) "):  # from Airflow 3.3 on a ValueError
        param.resolve(value)


@pytest.mark.parametrize("value", ["2026-03-01T10:00:00Z", "2026-03-01T10:00:00.123+02:00", None])
def test_form_takes_instants_with_a_zone(dag: DAG, value: object) -> None:
    assert dag.params.get_param("since").resolve(value) == value


def test_timetable_follows_the_options(dag: DAG, connector: Connector) -> None:
    timetable = dag.timetable
    assert isinstance(timetable, UpdateFrequencyTimetable)
    assert timetable.serialize() == {
        "name": connector.name,
        "update_frequency": connector.update_frequency.total_seconds(),
        "initial_import": connector.initial_import.total_seconds(),
        "max_window": connector.max_window.total_seconds(),
        "publication_delay": connector.publication_delay.total_seconds(),
    }


def test_dag_is_equal_after_the_database(dag: DAG) -> None:
    text = json.dumps(DagSerialization.to_dict(dag))
    again = DagSerialization.from_dict(json.loads(text))
    timetable = dag.timetable
    assert isinstance(timetable, UpdateFrequencyTimetable)
    assert again.timetable.serialize() == timetable.serialize()
    assert again.timetable.summary == timetable.summary
    assert list(again.task_dict) == STAGES
    assert again.tags == set(dag.tags)
    assert again.params.dump() == dag.params.dump()
    assert (again.doc_md, again.max_active_runs, again.dagrun_timeout) == (dag.doc_md, 1, dag.dagrun_timeout)


def test_two_reads_of_the_same_file_serialize_equally(connector: Connector) -> None:
    """Airflow stores a new version of the DAG for each difference."""
    first, second = (DagSerialization.to_dict(build_dag(connector, ConnectorsFile(), "doc")) for _ in range(2))
    assert json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def test_the_ui_can_show_the_default_args(dag: DAG) -> None:
    """The page of a DAG requests them as JSON: an asset or a policy among them caused a status of 500."""
    args: dict[str, Any] = json.loads(TypeAdapter(dict[str, Any]).dump_json(dag.default_args))
    assert args["retries"] == 3
    assert set(dag.default_args) == {
        "owner",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "max_retry_delay",
        "execution_timeout",
    }


def test_no_template_is_rendered_in_a_connectors_options(dag: DAG) -> None:
    assert not any(stage_of(dag, name).template_fields for name in STAGES)
