"""The runs in Airflow's database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.orm import Session

from ci_operators.pages.airflow_runs import find_dags, find_run
from tests.pages.conftest import NOW, add_run, set_paused
from tests.pages.test_runs import RUN, add_manifest

OKTA = "collective_insights_okta"


def test_run_comes_with_its_tasks_and_manifests(metadata: Session) -> None:
    add_run(metadata, "okta", RUN, "running")
    add_manifest(metadata, "extract", {"records_in": 1})
    run = find_run(metadata, OKTA, RUN)
    assert run is not None
    assert (run.state, run.kind, run.started_at) == ("running", "scheduled", NOW)
    assert run.tasks["extract"].state == "success"
    assert run.manifests == {"extract": {"records_in": 1}}


def test_xcom_that_is_not_a_manifest_is_left_out(metadata: Session) -> None:
    add_run(metadata, "okta", RUN)
    add_manifest(metadata, "extract", "s3://bucket/of/another/xcom/backend")
    run = find_run(metadata, OKTA, RUN)
    assert run is not None
    assert run.manifests == {}


def test_unknown_run_is_none(metadata: Session) -> None:
    assert find_run(metadata, OKTA, RUN) is None


def test_dags_come_with_newest_run_and_failures(metadata: Session) -> None:
    for number, state in enumerate(("failed", "failed", "success")):
        add_run(metadata, "okta", f"run-{number}", state, run_after=NOW + timedelta(hours=number))
    set_paused(metadata, "sentinelone")
    found = find_dags(metadata, [OKTA, "collective_insights_sentinelone", "none"], NOW + timedelta(minutes=1))
    assert set(found) == {OKTA, "collective_insights_sentinelone"}
    okta, sentinelone = found[OKTA], found["collective_insights_sentinelone"]
    assert okta.last_run is not None
    assert (okta.last_run.run_id, okta.failed_runs, okta.paused) == ("run-2", 1, False)
    assert (sentinelone.last_run, sentinelone.failed_runs, sentinelone.paused) == (None, 0, True)


def test_many_dags_take_two_queries(metadata: Session) -> None:
    names = [OKTA, "collective_insights_sentinelone", "collective_insights_trial"]
    for name in ("okta", "sentinelone"):
        for number in range(3):
            add_run(metadata, name, f"{name}-{number}", "success", run_after=NOW + timedelta(hours=number))
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(metadata.get_bind(), "before_cursor_execute", note)
    try:
        found = find_dags(metadata, names, NOW)
    finally:
        event.remove(metadata.get_bind(), "before_cursor_execute", note)
    assert len(asked) == 2
    last = {name: state.last_run and state.last_run.run_id for name, state in found.items()}
    assert last == dict(zip(names, ("okta-2", "sentinelone-2", None), strict=True))
    assert found == {name: find_dags(metadata, [name], NOW)[name] for name in names}
