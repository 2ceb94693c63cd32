"""Which artifacts of a run hold which records. An artifact is read from any offset, and its errors are reported."""

from __future__ import annotations

import tracemalloc
from collections import deque
from pathlib import Path

import pytest
import zstandard
from airflow.sdk import ObjectStoragePath

from ci_operators.answers.event.finder import find_event
from ci_operators.answers.question import Limits
from ci_operators.answers.run.artifacts import (
    LONGEST_LINE,
    ArtifactError,
    ArtifactGoneError,
    RunFiles,
    check_artifacts,
    measure,
    read_blocks,
)
from ci_operators.answers.run.manifests import read_manifests
from ci_operators.answers.run.query import RecordQuery
from ci_operators.answers.run.records import find_records
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.staging.artifact import CHUNK_BYTES, write_artifact
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


def test_an_unfinished_stage_has_no_artifact(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events(), until="map")
    assert names(run.files)[-1] == ("map", "detection", "map", 20)
    assert names(RunFiles(tmp_path, read_manifests({"extract": run.manifests["extract"]}))) == []
    nothing = RunFiles(tmp_path, {})
    assert (nothing.settled(), nothing.events(), nothing.detections()) == ([], None, None)
    ended_early = StagedRun(tmp_path).run([event(1, actor=None)])
    assert names(ended_early.files) == [("filter.dropped", "dropped", "filter", 1)]


def test_airflow_paths_work_too(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    files = RunFiles(ObjectStoragePath(f"file://{tmp_path}"), run.files.stages)
    page = find_records(files, RecordQuery(), READER, limits=Limits(records=5))
    rest = find_records(files, RecordQuery(), READER, page.cursor)
    assert len(page.records) + len(rest.records) == 40
    assert find_event(files, OKTA, "event-00007").event is not None
    for path in tmp_path.iterdir():
        path.unlink()
    assert "was deleted, by retention or by hand" in check_artifacts(files)


LINES = [b"%d " % number + b"x" * (number % 97) for number in range(20_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "filter.jsonl.zst"
    with write_artifact(path) as out:
        out.write_all(LINES)
    return path


def read(path: Path, start: int = 0) -> list[tuple[bytes, int]]:
    return [each for block in read_blocks(path, start) for each in block.lines()]


def test_every_line_gives_the_offset_of_the_next_one(path: Path) -> None:
    whole = read(path)
    assert [line for line, _ in whole] == LINES
    for number in (0, 1, 7_000, 19_998):
        assert read(path, whole[number][1]) == whole[number + 1 :]
    assert read(path, whole[-1][1]) == []


def test_an_artifact_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "map.jsonl.zst"
    for ask in (measure, read):
        with pytest.raises(
            ArtifactGoneError, match=r"The artifact map.jsonl.zst was deleted, by retention or by hand\."
        ):
            ask(gone)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArtifactError, match="cannot be read"):
        read(tmp_path / "folder")


def test_a_damaged_or_foreign_file_is_reported(path: Path) -> None:
    whole = path.read_bytes()
    for wrong in (b"not compressed", whole[:-5000], whole[:200] + b"\xff" * 50 + whole[250:]):
        path.write_bytes(wrong)
        with pytest.raises(ArtifactError, match=r"damaged|incomplete"):
            read(path)


def test_an_endless_line_is_given_up_before_it_fills_the_memory(path: Path) -> None:
    path.write_bytes(zstandard.compress(b"short\n" + b"x" * (4 * LONGEST_LINE)))
    assert path.stat().st_size < 10_000
    blocks = read_blocks(path)
    tracemalloc.start()
    try:
        assert next(next(blocks).lines()) == (b"short", 6)
        with pytest.raises(ArtifactError, match=r"The artifact filter\.jsonl\.zst has a record longer than 16 MB"):
            deque(blocks, maxlen=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LONGEST_LINE


def test_a_long_record_is_read_whole_with_its_neighbors(path: Path) -> None:
    lines = [b"a", b"x" * (LONGEST_LINE - CHUNK_BYTES), b"", b"z"]
    path.write_bytes(zstandard.compress(b"".join(line + b"\n" for line in lines)))
    assert [line for line, _ in read(path)] == lines
