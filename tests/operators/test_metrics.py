"""The metrics that the stages send to StatsD and OpenTelemetry, through real sockets."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES, AirflowRescheduleException
from ci_operators.core.connector import Destination
from ci_operators.core.errors import CredentialsError, UnknownOutcomeError
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped
from ci_operators.core.window import Window
from ci_operators.operators.metrics import METRICS, Sample, find_labels, find_samples, plain_name, send, streak_sample
from ci_operators.staging.manifest import Manifest
from tests.airflow_home import IGNORED, ROOT
from tests.operators.conftest import Chain, FakeRun, Tenant
from tests.operators.statsd_listener import Listener, listen

DOCS = ROOT / "docs"
#: The Prometheus suffix of a name, by kind.
SUFFIXES = {"counter": "_total", "gauge": "", "timer": "_seconds"}
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def statsd() -> Iterator[Listener]:
    with listen() as listener:
        yield listener


def figures(lines: list[str]) -> dict[str, str]:
    """Return the values of our lines by name, without Airflow's prefix and ours. Each name may occur once.

    Airflow sends its own lines too, such as the load time of its file systems.
    """
    ours = [line for line in lines if line.startswith("airflow.collective_insights.")]
    pairs = [line.removeprefix("airflow.collective_insights.").split(":") for line in ours]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: value for name, value in pairs}


def test_a_delivery_is_sent_to_statsd_stage_by_stage(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(25)
    tenant.add_events(2, hours_ago=0.4, actor=None)
    tenant.add_events(1, hours_ago=0.3, actor={"displayName": "Jane Doe"})
    chain = tenant.chain(batch_size=10)
    chain.destination = Destination(daily_limit=20, reserved_share=0)
    chain.run_all(tenant.scheduled(1, 0))
    found = figures(statsd.read())
    times = {name: found.pop(name) for name in list(found) if name.startswith("stage_duration.")}
    assert set(times) == {f"stage_duration.okta.live.{stage}" for stage in chain.manifests}
    assert all(re.fullmatch(r"\d+\.\d+\|ms", value) for value in times.values())
    lag, until = found.pop("lag.okta.live"), found.pop("window_end.okta.live")
    assert 0 < float(lag.removesuffix("|g")) < 600
    assert float(until.removesuffix("|g")) == tenant.now.timestamp()
    assert found == {
        "records_in.okta.live.extract": "28|c",
        "records_out.okta.live.extract": "28|c",
        "records_in.okta.live.filter": "28|c",
        "records_out.okta.live.filter": "26|c",
        "dropped.okta.live.filter.missing_actor": "2|c",
        "records_in.okta.live.map": "26|c",
        "records_out.okta.live.map": "25|c",
        "quarantined.okta.live.map.indicator_not_an_address": "1|c",
        "records_in.okta.live.validate": "25|c",
        "records_out.okta.live.validate": "25|c",
        "records_in.okta.live.submit": "25|c",
        "records_out.okta.live.submit": "25|c",
        "accepted.okta.live": "20|c",
        "resent_unknown.okta.live": "0|c",
        "unknown.okta.live": "0|g",
        "unknown_streak.okta.live": "0|g",
        "waiting.okta.live": "5|g",
        "budget_spent.recorded_future_default": "20|g",
        "budget_limit.recorded_future_default": "20|g",
    }


def test_an_empty_window_ends_with_extract_and_moves_the_window_end(tenant: Tenant, statsd: Listener) -> None:
    tenant.chain().run_all(tenant.scheduled(1, 0))
    found = figures(statsd.read())
    assert found["window_end.okta.live"] == f"{tenant.now.timestamp()}|g"
    assert found["records_in.okta.live.extract"] == "0|c"


def test_a_manual_run_leaves_the_window_end_where_it_is(tenant: Tenant, statsd: Listener) -> None:
    tenant.chain().run_all(tenant.manual())
    found = figures(statsd.read())
    assert "records_in.okta.live.extract" in found
    assert not {"window_end.okta.live", "lag.okta.live"} & set(found)


def test_a_debug_run_is_counted_separately_and_accepts_nothing(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(3)
    tenant.chain(debug=True).run_all(tenant.scheduled(1, 0))
    found = figures(statsd.read())
    assert found["records_out.okta.debug.validate"] == "3|c"
    assert found["window_end.okta.debug"] == f"{tenant.now.timestamp()}|g"
    assert not [name for name in found if ".live" in name or name.startswith(("accepted", "budget", "waiting"))]


def test_a_detection_sent_before_is_dropped_as_already_accepted(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(3)
    chain = tenant.chain()
    chain.run_all(tenant.scheduled(1, 0))
    statsd.read()
    cleared = replace(tenant.scheduled(1, 0), clear_number=1)
    chain.run_task("submit", cleared)
    found = figures(statsd.read())
    assert (found["dropped.okta.live.submit.already_accepted"], found["accepted.okta.live"]) == ("3|c", "0|c")


def test_a_task_that_dies_after_sending_its_counts_sends_them_once(tenant: Tenant, statsd: Listener) -> None:
    """It is retried automatically: its manifest is the same, and its counters are not sent again."""
    tenant.add_events(3)
    chain = tenant.chain()
    chain.run_all(tenant.scheduled(1, 0))
    statsd.read()
    manifest = chain.run_task("submit", tenant.scheduled(1, 0))
    assert (manifest["accepted"], manifest["records_out"], manifest["dropped"]) == (3, 3, {})
    assert not [value for value in figures(statsd.read()).values() if value.endswith("|c")]


def test_a_run_that_failed_after_a_batch_sends_all_counts_at_its_end(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(25)
    chain, run = prepared(tenant, batch_size=10)
    statsd.read()
    tenant.simulator.add_fault("recorded_future", "status", status=403, skip=2)
    with pytest.raises(CredentialsError):
        chain.run_task("submit", run)
    assert figures(statsd.read()) == {"unknown_streak.okta.live": "0|g"}
    manifest = chain.run_task("submit", run)
    found = figures(statsd.read())
    assert found["accepted.okta.live"] == "25|c"
    assert (manifest["accepted"], manifest["batches"], manifest["processed"]) == (25, 3, {"ip": 25})
    (event,) = chain.events.values()
    assert (event.extra["accepted"], event.extra["dropped"]) == (25, {})


def test_a_run_that_fails_with_unknown_outcomes_counts_them(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(1)
    chain = tenant.chain()
    tenant.simulator.add_fault("recorded_future", "store_then_drop")
    with pytest.raises(UnknownOutcomeError):
        chain.run_all(tenant.scheduled(1, 0))
    assert figures(statsd.read())["unknown_streak.okta.live"] == "1|g"


def test_a_wait_in_place_is_counted(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(1)
    chain, run = prepared(tenant)
    statsd.read()
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "1"})
    chain.run_task("submit", run)
    found = figures(statsd.read())
    assert float(found["rate_limit_wait.okta.live.submit"].removesuffix("|ms")) >= 1000


def test_a_wait_that_frees_the_slot_is_counted(tenant: Tenant, statsd: Listener) -> None:
    tenant.add_events(1)
    chain, run = prepared(tenant)
    statsd.read()
    tenant.simulator.add_fault("recorded_future", "status", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(AirflowRescheduleException):
        chain.run_task("submit", run)
    assert figures(statsd.read()) == {
        "rate_limit_wait.okta.live.submit": "3600000.000000|ms",
        "unknown_streak.okta.live": "0|g",
    }


def prepared(tenant: Tenant, **options: Any) -> tuple[Chain, FakeRun]:
    """Return a chain before its submit task, and its run."""
    chain, run = tenant.chain(**options), tenant.scheduled(1, 0)
    for stage in ("extract", "filter", "map", "validate"):
        chain.run_task(stage, run)
    return chain, run


def test_with_tags_the_names_stay_as_they_are(tenant: Tenant) -> None:
    with listen(statsd_influxdb_enabled="True") as statsd:
        tenant.chain().run_all(tenant.scheduled(1, 0))
        lines = [line for line in statsd.read() if "collective_insights" in line]
    name = "airflow.collective_insights.records_in,connector=okta,mode=live,stage=extract:0|c"
    assert name in lines
    assert all(re.match(r"airflow\.collective_insights\.[a-z_]+,connector=okta,", line) for line in lines)


def test_without_metrics_nothing_is_created_or_sent() -> None:
    def samples() -> Iterator[Sample]:
        raise AssertionError("nobody listens")
        yield

    assert find_labels() == "off"
    send(samples())


def test_metrics_that_cannot_be_sent_fail_no_task(caplog: pytest.LogCaptureFixture) -> None:
    def samples() -> Iterator[Sample]:
        raise RuntimeError("broken on purpose")
        yield

    with listen():
        send(samples())
    assert "The metrics of this stage were not sent." in caplog.text


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({}, "off"),
        ({"statsd_on": "True"}, "in names"),
        ({"statsd_on": "True", "statsd_influxdb_enabled": "True"}, "as tags"),
        ({"statsd_datadog_enabled": "True", "statsd_on": "True"}, "as tags"),
        ({"statsd_datadog_enabled": "True", "statsd_datadog_metrics_tags": "False"}, "in names"),
        ({"otel_on": "True"}, "as tags"),
        ({"otel_on": "True", "statsd_on": "True"}, "in names"),
    ],
)
def test_labels_follow_airflows_settings(
    settings: dict[str, str], labels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__{name.upper()}", value)
    assert find_labels() == labels


def test_a_plain_name_is_valid_for_statsd() -> None:
    odd = Sample(METRICS["budget_spent"], 1, {"destination": "rf.emea:1|c é" + "x" * 300})
    assert re.fullmatch(r"collective_insights\.budget_spent\.rf_emea_1_c__x+", plain_name(odd))
    codes = {"connector": "c" * 80, "mode": "debug", "stage": "validate", "reason": "r" * 40}
    assert len("airflow." + plain_name(Sample(METRICS["dropped"], 1, codes))) < 250


def test_every_sample_has_the_labels_that_its_metric_names() -> None:
    tally = Tally(records_in=1, added=1)
    tally.drop(Dropped("null_display_name", "event-1"))
    extra = {"waited_s": 2.5, "accepted": 1, "resent_unknown": 0, "unknown_in_all": 0, "waiting_in_all": 0}
    manifest = Manifest(
        "submit", "okta", False, Window(NOON - timedelta(hours=1), NOON), "data interval", None, tally,
        extra={**extra, "budget_spent": 1, "budget_limit": 2},
    )  # fmt: skip
    samples = list(find_samples(manifest, NOON + timedelta(seconds=90), delivered=True, destination="rf"))
    samples.append(streak_sample("okta", 3))
    assert all(tuple(sample.labels) == sample.metric.labels for sample in samples)
    assert {sample.metric.name for sample in samples} == set(METRICS) - {"quarantined"}
    assert [sample.value for sample in samples if sample.metric.name == "lag"] == [90.0]


#: Sends from its own process, as Airflow is set up.
SEND = """
from ci_operators.airflow_plugin.versions import HAS_PAGES
from ci_operators.operators.metrics import METRICS, Sample, send
from tests.operators.statsd_listener import initialize, make_backend
if HAS_PAGES:
    initialize(make_backend)
labels = {"connector": "okta", "mode": "live", "stage": "extract"}
send([
    Sample(METRICS["records_in"], 7, labels),
    Sample(METRICS["lag"], 12.5, {"connector": "okta", "mode": "live"}),
    Sample(METRICS["stage_duration"], 1.5, labels),
])
"""
FLUSH = """
from opentelemetry import metrics
metrics.get_meter_provider().force_flush()
"""


def send_alone(script: str, **settings: str) -> None:
    """Run a script with these settings of [metrics]. Airflow 3.1 and OpenTelemetry are set up once per process."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "plugins"),
        "PYTHONWARNINGS": IGNORED,
        **{f"AIRFLOW__METRICS__{name.upper()}": value for name, value in settings.items()},
    }
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)  # noqa: S603 - our own script


def test_statsd_of_every_airflow_gets_plain_names() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
        send_alone(SEND, statsd_on="True", statsd_host="127.0.0.1", statsd_port=port)
        assert figures(Listener(listener).read()) == {
            "records_in.okta.live.extract": "7|c",
            "lag.okta.live": "12.5|g",
            "stage_duration.okta.live.extract": "1500.000000|ms",
        }


class Collector(BaseHTTPRequestHandler):
    """Receives OTLP over HTTP and keeps the messages in the class's list."""

    messages: list[Any]

    def do_POST(self) -> None:
        message = ExportMetricsServiceRequest()
        message.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.messages.append(message)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def test_opentelemetry_gets_names_and_attributes() -> None:
    """The metrics are flushed as at the end of a task."""
    handler = type("Here", (Collector,), {"messages": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        send_alone(SEND + FLUSH, otel_on="True", otel_host="127.0.0.1", otel_port=str(server.server_address[1]))
        server.shutdown()
    found = {
        metric.name: metric
        for message in handler.messages  # type: ignore[attr-defined]  # made above
        for resource in message.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    counter = found["airflow.collective_insights.records_in"].sum.data_points[0]
    assert counter.as_int == 7
    assert {pair.key: pair.value.string_value for pair in counter.attributes} == {
        "connector": "okta",
        "mode": "live",
        "stage": "extract",
    }
    assert found["airflow.collective_insights.lag"].gauge.data_points[0].as_double == 12.5
    duration = found["airflow.collective_insights.stage_duration"]
    if HAS_RETRY_POLICIES:  # 3.3.0: Airflow's timers are histograms
        assert duration.exponential_histogram.data_points[0].sum == 1500.0
    else:
        assert duration.gauge.data_points[0].as_double == 1500.0


def prometheus_name(name: str) -> str:
    return f"collective_insights_{name}{SUFFIXES[METRICS[name].kind]}"


def test_the_table_of_the_docs_matches_the_code() -> None:
    rows = re.findall(r"^\| `collective_insights\.(\w+)` \| (\w+) \| (.*) \| (.*) \|$", read_doc("operations.md"), re.M)
    assert rows == [
        (name, metric.kind, ", ".join(metric.labels), metric.meaning.rstrip(".") + ".")
        for name, metric in METRICS.items()
    ]


def read_doc(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_mapping_for_prometheus_matches_the_code() -> None:
    mapping = yaml.safe_load(read_doc("grafana/statsd-mapping.yaml"))
    assert mapping["mappings"] == [
        {
            "match": ".".join(["airflow.collective_insights", name, *["*"] * len(metric.labels)]),
            "name": prometheus_name(name),
            "labels": {label: f"${number}" for number, label in enumerate(metric.labels, start=1)},
        }
        for name, metric in METRICS.items()
    ]


def test_the_dashboard_uses_existing_metrics_and_labels() -> None:
    dashboard = json.loads(read_doc("grafana/collective-insights.json"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    names = {prometheus_name(name): metric for name, metric in METRICS.items()}
    timers = {f"{name}_{part}": metric for name, metric in names.items() for part in ("sum", "count")}
    used = Counter[str]()
    for query in queries:
        asked = re.findall(r"\bcollective_insights_\w+", query)
        assert asked
        for name in asked:
            metric = {**names, **timers}[name]
            assert (name in timers) == (metric.kind == "timer")
            used[metric.name] += 1
        allowed = {label for name in asked for label in {**names, **timers}[name].labels}
        assert set(re.findall(r"(\w+)\s*=~?\s*\"", query)) <= allowed
        assert {
            label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")
        } <= allowed
    assert set(used) == set(METRICS) - {"lag"}, "lag is for those without Prometheus: it has its own clock"


def test_alerts_of_the_docs_use_existing_metrics() -> None:
    names = {prometheus_name(name) for name in METRICS}
    text = read_doc("operations.md")
    assert set(re.findall(r"\bcollective_insights_(?!okta|ledger|sentinelone|maintenance)\w+", text)) <= names


def test_the_shipped_files_exist() -> None:
    assert {path.name for path in Path(DOCS / "grafana").iterdir()} == {
        "collective-insights.json",
        "statsd-mapping.yaml",
    }
