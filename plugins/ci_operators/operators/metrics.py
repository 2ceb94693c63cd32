"""Send the figures of a stage to the StatsD, DogStatsD, or OpenTelemetry of Airflow's [metrics] settings.

Plain StatsD has no tags: the values of the labels follow the metric's name, separated by dots. Elsewhere the labels
are tags. docs/operations.md lists these metrics, and a test compares the two.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ci_operators.airflow_plugin.versions import Stats, conf
from ci_operators.staging.manifest import Manifest

log = logging.getLogger(__name__)

PREFIX = "collective_insights"
#: Longest label in a plain name: Airflow sends no name above 250 characters.
LONGEST_LABEL = 80

Kind = Literal["counter", "gauge", "timer"]
#: How labels are sent; "off": no metrics are sent.
Labels = Literal["off", "in names", "as tags"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that we send. labels: the names of its labels, in the order of their values in a plain name."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str

    @property
    def full_name(self) -> str:
        """Return the metric's name, which follows Airflow's own prefix."""
        return f"{PREFIX}.{self.name}"


_STAGE, _CONNECTOR = ("connector", "mode", "stage"), ("connector", "mode")

METRICS = {
    metric.name: metric
    for metric in (
        Metric("records_in", "counter", _STAGE, "Records that the stage took in."),
        Metric("records_out", "counter", _STAGE, "Records that it passed on; for submit: accepted or waiting."),
        Metric("added", "counter", _STAGE, "Additional records, since an event may give several detections."),
        Metric("dropped", "counter", (*_STAGE, "reason"), "Records that a criterion excludes, by reason."),
        Metric("quarantined", "counter", (*_STAGE, "issue"), "Records that cannot be sent as they are, by issue."),
        Metric("stage_duration", "timer", _STAGE, "How long the stage took."),
        Metric("rate_limit_wait", "timer", _STAGE, "Time spent waiting: rate limits, pauses before retries."),
        Metric("accepted", "counter", _CONNECTOR, "Detections that Recorded Future accepted."),
        Metric(
            "resent_unknown", "counter", _CONNECTOR, "Detections sent again, although they may have arrived before."
        ),
        Metric("unknown", "gauge", _CONNECTOR, "Detections whose outcome is unknown."),
        Metric("unknown_streak", "gauge", _CONNECTOR, "Consecutive submissions with an unknown outcome; 3 stop it."),
        Metric("waiting", "gauge", _CONNECTOR, "Detections that wait for the next day's budget."),
        Metric("window_end", "gauge", _CONNECTOR, "End of the last window that a scheduled run finished."),
        Metric("lag", "gauge", _CONNECTOR, "How long ago that was when the run ended, in seconds."),
        Metric("budget_spent", "gauge", ("destination",), "Detections sent today (UTC) over a Connection."),
        Metric("budget_limit", "gauge", ("destination",), "Detections a day that the Connection may send."),
    )
}

#: Metrics of submit alone, each with the count of the manifest that it reports.
_OF_SUBMIT = {
    "accepted": "accepted",
    "resent_unknown": "resent_unknown",
    "unknown": "unknown_in_all",
    "waiting": "waiting_in_all",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric; for a timer, in seconds. labels: the value of each label, by name."""

    metric: Metric
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def find_samples(manifest: Manifest, now: datetime, *, delivered: bool, destination: str = "") -> Iterator[Sample]:
    """Yield the samples of a stage's manifest. delivered: whether a scheduled run ended with this stage.

    If an earlier try of submit sent the counters before it died, they are left out, since they would count twice.
    """
    for sample in _read_samples(manifest, now, delivered=delivered, destination=destination):
        if sample.metric.kind != "counter" or not manifest.extra.get("told_before"):
            yield sample


def _read_samples(manifest: Manifest, now: datetime, *, delivered: bool, destination: str) -> Iterator[Sample]:
    connector = _connector_labels(manifest.connector, debug=manifest.debug)
    stage, tally, extra = {**connector, "stage": manifest.stage}, manifest.tally, manifest.extra
    yield Sample(METRICS["records_in"], tally.records_in, stage)
    yield Sample(METRICS["records_out"], tally.records_out, stage)
    if tally.added:
        yield Sample(METRICS["added"], tally.added, stage)
    for reason, count in tally.dropped.items():
        yield Sample(METRICS["dropped"], count, {**stage, "reason": reason})
    for issue, count in tally.quarantined.items():
        yield Sample(METRICS["quarantined"], count, {**stage, "issue": issue})
    yield Sample(METRICS["stage_duration"], manifest.duration_s, stage)
    if waited_s := extra.get("waited_s"):
        yield Sample(METRICS["rate_limit_wait"], waited_s, stage)
    for name, count_name in _OF_SUBMIT.items():
        if count_name in extra:
            yield Sample(METRICS[name], extra[count_name], connector)
    for name in ("budget_spent", "budget_limit"):
        if name in extra:
            yield Sample(METRICS[name], extra[name], {"destination": destination})
    if delivered:
        lag = now - manifest.window.until
        yield Sample(METRICS["window_end"], manifest.window.until.timestamp(), connector)
        yield Sample(METRICS["lag"], max(lag.total_seconds(), 0.0), connector)


def wait_sample(connector: str, stage: str, waited_s: float, *, debug: bool) -> Sample:
    """Return the sample of a wait for which a task gave up its worker slot; no manifest reports it."""
    labels = {**_connector_labels(connector, debug=debug), "stage": stage}
    return Sample(METRICS["rate_limit_wait"], waited_s, labels)


def streak_sample(connector: str, submissions: int) -> Sample:
    """Return the sample of a connector's consecutive unknown submissions; a failed run has one too."""
    return Sample(METRICS["unknown_streak"], submissions, _connector_labels(connector, debug=False))


def _connector_labels(connector: str, *, debug: bool) -> dict[str, str]:
    return {"connector": connector, "mode": "debug" if debug else "live"}


def send(samples: Iterable[Sample]) -> None:
    """Send samples where Airflow sends its own metrics. An error here does not fail the task."""
    try:
        labels = find_labels()
        if labels != "off":
            for sample in samples:
                _send(sample, labels)
    except Exception:
        # Whatever the metrics setup raises: the stage has done its work, and must not do it again.
        log.warning("The metrics of this stage were not sent.", exc_info=True)


def find_labels() -> Labels:
    """Return how labels are sent by Airflow's [metrics] settings, which are checked in Airflow's order."""
    if conf.getboolean("metrics", "statsd_datadog_enabled"):
        return "as tags" if conf.getboolean("metrics", "statsd_datadog_metrics_tags") else "in names"
    if conf.getboolean("metrics", "statsd_on"):
        return "as tags" if conf.getboolean("metrics", "statsd_influxdb_enabled") else "in names"
    return "as tags" if conf.getboolean("metrics", "otel_on") else "off"


def plain_name(sample: Sample) -> str:
    """Return the name followed by the label values, reduced to the characters that a StatsD name may have."""
    values = [re.sub(r"[^A-Za-z0-9_-]", "_", sample.labels[label])[:LONGEST_LABEL] for label in sample.metric.labels]
    return ".".join([sample.metric.full_name, *values])


def _send(sample: Sample, labels: Labels) -> None:
    name = plain_name(sample) if labels == "in names" else sample.metric.full_name
    tags: dict[str, Any] | None = None if labels == "in names" else dict(sample.labels)
    if sample.metric.kind == "counter":
        Stats.incr(name, int(sample.value), tags=tags)
    elif sample.metric.kind == "gauge":
        Stats.gauge(name, sample.value, tags=tags)
    else:
        Stats.timing(name, timedelta(seconds=sample.value), tags=tags)
