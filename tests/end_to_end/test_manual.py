"""Runs that a person triggers, with and without a window, valid and invalid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.end_to_end.conftest import Installation, MakeTenant
from tests.end_to_end.tenant import Tenant, events, ids

pytestmark = pytest.mark.airflow

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Runs:
    """The connector and the ids of the runs that were triggered."""

    tenant: Tenant
    now: datetime
    by_story: dict[str, str]


def choose_minute(now: datetime, end: datetime) -> timedelta:
    """Return the offset of events from each full hour before `now`, so that none is in the initial import until `end`.

    The position of the initial import (a minute, and the overlap of ten before it) depends on the time of day.
    """
    before_end = timedelta(seconds=(end - now - HOUR / 2).total_seconds() % HOUR.total_seconds())
    return HOUR / 2 if before_end > HOUR / 4 else HOUR * 5 / 6


@pytest.fixture(scope="module")
def runs(installation: Installation, make_tenant: MakeTenant) -> Runs:
    """A connector with an event every hour of four days. All runs are triggered at once and run one by one."""
    now = installation.now
    first = now - 96 * HOUR + choose_minute(now, installation.initial_import("by-hand").end)
    tenant = make_tenant("by-hand", okta_events=events("hour", first, 96, HOUR))
    tenant.enable()
    window = {"since": (now - 60 * HOUR).isoformat(), "until": (now - 50 * HOUR).isoformat()}
    return Runs(
        tenant,
        now,
        {
            "window": tenant.trigger(window),
            "dry window": tenant.trigger({**window, "debug": True}),
            "no logical date": tenant.trigger({}),
            "logical date": tenant.trigger({"debug": True}, now - 48 * HOUR),
            "unknown key": tenant.trigger({"sinze": window["since"]}),
            "until before since": tenant.trigger({"since": window["until"], "until": window["since"]}),
            "future": tenant.trigger({"until": "2099-01-01T00:00:00Z"}),
        },
    )


def test_window_of_the_form_is_read_exactly(runs: Runs) -> None:
    run_id = runs.by_story["window"]
    assert runs.tenant.outcome(run_id) == "success"
    assert runs.tenant.manifest(run_id, "extract")["window"] == {
        "since": (runs.now - 60 * HOUR).isoformat().replace("+00:00", ".000Z"),
        "until": (runs.now - 50 * HOUR).isoformat().replace("+00:00", ".000Z"),
        "basis": "trigger form",
    }
    assert runs.tenant.manifest(run_id, "submit")["processed"] == {"ip": 10}


def test_dry_run_of_a_live_connector_stores_nothing(runs: Runs) -> None:
    run_id = runs.by_story["dry window"]
    assert runs.tenant.outcome(run_id) == "success"
    assert runs.tenant.manifest(run_id, "validate")["checked_by_api"] == {"ip": 10}
    assert runs.tenant.states(run_id)["submit"] == "skipped"
    assert "Debug run: Recorded Future checked the detections and stored nothing." in runs.tenant.log(run_id, "submit")


def test_without_a_logical_date_the_last_update_frequency_is_read(runs: Runs) -> None:
    run_id = runs.by_story["no logical date"]
    assert runs.tenant.outcome(run_id) == "success"
    manifest = runs.tenant.manifest(run_id, "extract")
    assert (manifest["window"]["basis"], manifest["records_out"]) == ("last update frequency", 24)


def test_with_a_logical_date_the_last_complete_window_is_read(runs: Runs) -> None:
    run_id = runs.by_story["logical date"]
    assert runs.tenant.outcome(run_id) == "success"
    manifest = runs.tenant.manifest(run_id, "extract")
    assert (manifest["window"]["basis"], manifest["records_out"]) == ("data interval", 24)
    assert manifest["window"]["until"] <= (runs.now - 48 * HOUR).isoformat()


def test_only_the_events_of_live_runs_arrive(runs: Runs) -> None:
    for run_id in runs.by_story.values():
        runs.tenant.outcome(run_id)
    assert runs.tenant.sent == ids("hour", range(36, 46)) + ids("hour", range(72, 96))
    assert Counter(entry.debug for entry in runs.tenant.simulator.requests if entry.vendor == "recorded_future") == {
        True: 2,
        False: 2,
    }


@pytest.mark.parametrize(
    ("story", "sentence"),
    [
        (
            "unknown key",
            "The run's configuration has sinze, which this DAG does not know; it knows debug, since, until.",
        ),
        ("until before since", "must be later than since"),
        ("future", "until (2099-01-01T00:00:00.000Z) is in the future."),
    ],
)
def test_a_form_that_makes_no_sense_fails_at_once_with_a_sentence(runs: Runs, story: str, sentence: str) -> None:
    run_id = runs.by_story[story]
    assert runs.tenant.outcome(run_id) == "failed"
    assert runs.tenant.task(run_id, "extract")["try_number"] == 1
    assert sentence in runs.tenant.log(run_id, "extract")


@pytest.mark.parametrize(
    "conf", [{"since": "2026-03-01T10:00:00"}, {"until": "yesterday"}, {"debug": "yes"}, {"since": 5}]
)
def test_a_form_of_the_wrong_type_is_refused_by_airflow(runs: Runs, conf: dict[str, object]) -> None:
    answer = runs.tenant.try_trigger(conf)
    assert answer.status_code == 400
    assert next(iter(conf)) in answer.text


def test_an_empty_window_ends_green_with_downstream_skipped(runs: Runs) -> None:
    """The connector's initial import is the minute before now, which has no events."""
    run_id = runs.tenant.first_scheduled()
    assert runs.tenant.outcome(run_id) == "success"
    assert runs.tenant.states(run_id) == {
        "extract": "success",
        "filter": "skipped",
        "map": "skipped",
        "validate": "skipped",
        "submit": "skipped",
    }
    assert runs.tenant.manifest(run_id, "extract")["records_out"] == 0
    assert "Nothing is left for the next stage: the run ends here." in runs.tenant.log(run_id, "extract")
