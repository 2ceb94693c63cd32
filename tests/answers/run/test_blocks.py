"""Artifacts are read from any line on; what is damaged is said, never taken for the end."""

from __future__ import annotations

import tracemalloc
from collections import deque
from pathlib import Path

import pytest
import zstandard

from ci_operators.answers.run.blocks import LONGEST_LINE, ArtifactError, ArtifactGoneError, measure, read_blocks
from ci_operators.staging.artifact import CHUNK_BYTES, write_artifact

LINES = [b"%d " % number + b"x" * (number % 97) for number in range(20_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "filter.jsonl.zst"
    with write_artifact(path) as out:
        out.write_all(LINES)
    return path


def read(path: Path, start: int = 0) -> list[tuple[bytes, int]]:
    return [each for block in read_blocks(path, start) for each in block.lines()]


def test_every_line_tells_where_the_next_one_begins(path: Path) -> None:
    whole = read(path)
    assert [line for line, _ in whole] == LINES
    for number in (0, 1, 7_000, 19_998):
        assert read(path, whole[number][1]) == whole[number + 1 :]
    assert read(path, whole[-1][1]) == []


def test_a_line_longer_than_a_block_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl.zst"
    lines = [b"a", b"y" * (5 * CHUNK_BYTES + 3), b"", b"z"]
    with write_artifact(path) as out:
        out.write_all(lines)
    assert [line for line, _ in read(path)] == lines


def test_only_the_beginning_of_a_line_is_a_place(path: Path) -> None:
    for start in (1, 5, 10**12):
        with pytest.raises(ValueError, match=r"begins at|ends before"):
            read(path, start)


def test_an_artifact_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "map.jsonl.zst"
    for ask in (measure, read):
        with pytest.raises(ArtifactGoneError, match=r"The artifact map.jsonl.zst is gone, by retention or by hand\."):
            ask(gone)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ArtifactError, match="cannot be read"):
        read(tmp_path / "folder")


def test_a_text_that_breaks_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ArtifactError, match="breaks off"):
        read(path)


def test_what_is_no_artifact_or_damaged(path: Path) -> None:
    whole = path.read_bytes()
    for wrong in (b"not compressed", whole[:200] + b"\xff" * 50 + whole[250:]):
        path.write_bytes(wrong)
        with pytest.raises(ArtifactError, match=r"damaged|breaks off"):
            read(path)


def test_a_line_without_end_is_given_up_before_it_fills_the_memory(path: Path) -> None:
    path.write_bytes(zstandard.compress(b"short\n" + b"x" * (4 * LONGEST_LINE)))
    assert path.stat().st_size < 10_000
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=r"The artifact filter\.jsonl\.zst holds a record longer than 16 MB"):
            deque(read_blocks(path), maxlen=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LONGEST_LINE


def test_what_stands_before_a_line_without_end_is_read(path: Path) -> None:
    path.write_bytes(zstandard.compress(b"short\n" * CHUNK_BYTES + b"x" * (2 * LONGEST_LINE)))
    blocks = read_blocks(path)
    assert next(next(blocks).lines()) == (b"short", 6)


def test_a_long_record_is_read(path: Path) -> None:
    line = b"x" * (LONGEST_LINE - CHUNK_BYTES)
    path.write_bytes(zstandard.compress(line + b"\n"))
    assert read(path) == [(line, len(line) + 1)]
