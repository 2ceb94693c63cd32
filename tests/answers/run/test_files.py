"""Which artifacts of a run hold which records."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import ObjectStoragePath

from ci_operators.answers.event.staged import find_event
from ci_operators.answers.run.files import RunFiles
from ci_operators.answers.run.manifests import read_manifests
from ci_operators.answers.run.records import check_artifacts, find_records
from ci_operators.answers.run.scan import Limits
from ci_operators.answers.run.search import RecordQuery
from ci_operators.core.verdict import Dropped, Quarantined
from tests.answers.staged_run import OKTA, READER, StagedRun, event, mixed_events


def names(files: RunFiles) -> list[tuple[str, str, str, int]]:
    return [(file.name, file.fate, file.stage, file.expected) for file in files.settled()]


def test_every_fate_has_its_artifact(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    assert names(run.files) == [
        ("filter.dropped", "dropped", "filter", 12),
        ("map.quarantined", "quarantined", "map", 8),
        ("validate", "detection", "validate", 20),
    ]
    assert all(file.path.exists() for file in run.files.settled())
    events = run.files.events()
    assert events is not None
    assert (events.name, events.expected) == ("extract", 40)
    assert run.files.refused() is None


def test_after_submit_detections_have_reached_it(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1), event(2), event(3)])
    run.submit([Dropped("already_accepted", "event-00001"), Quarantined("rejected_by_api", "event-00002", "no"), None])
    assert names(run.files) == [
        ("submit.quarantined", "quarantined", "submit", 1),
        ("validate", "detection", "submit", 3),
    ]
    refused, detections = run.files.refused(), run.files.detections()
    assert refused is not None
    assert detections is not None
    assert (refused.name, detections.codes) == ("submit.quarantined", frozenset({"already_accepted"}))


def test_what_has_not_finished_has_none(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events(), until="map")
    assert names(run.files)[-1] == ("map", "detection", "map", 20)
    assert names(RunFiles(tmp_path, read_manifests({"extract": run.manifests["extract"]}))) == []
    nothing = RunFiles(tmp_path, {})
    assert (nothing.settled(), nothing.events(), nothing.detections()) == ([], None, None)


def test_a_run_that_ended_early_has_no_detections(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1, actor=None)])
    assert list(run.manifests) == ["extract", "filter"]
    assert names(run.files) == [("filter.dropped", "dropped", "filter", 1)]


def test_airflows_paths_do_as_well(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    files = RunFiles(ObjectStoragePath(f"file://{tmp_path}"), run.files.stages)
    page = find_records(files, RecordQuery(), READER, limits=Limits(records=5))
    rest = find_records(files, RecordQuery(), READER, page.cursor)
    assert len(page.records) + len(rest.records) == 40
    assert find_event(files, OKTA, "event-00007").event is not None
    for path in tmp_path.iterdir():
        path.unlink()
    assert "is gone, by retention or by hand" in check_artifacts(files)
