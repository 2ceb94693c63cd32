"""Artifacts: written whole or not at all, read as they were written."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.staging.artifact import CHUNK_BYTES, read_artifact, write_artifact

RECORDS = st.lists(st.binary(max_size=50).filter(lambda record: b"\n" not in record), max_size=30)


def read_all(path: Path) -> list[bytes]:
    return [record for chunk in read_artifact(path) for record in chunk]


def write_and_raise(path: Path, record: bytes, error: type[BaseException]) -> None:
    with write_artifact(path) as out:
        out.write_all([record])
        raise error


@given(RECORDS, st.lists(st.integers(0, 30), max_size=3), st.booleans())
def test_records_are_read_as_written_in_any_portions(records: list[bytes], cuts: list[int], is_single: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "deep", "map.jsonl.zst")
        with write_artifact(path) as out:
            places = [0, *sorted(cut for cut in cuts if cut <= len(records)), len(records)]
            for begin, end in pairwise(places):
                out.write_all(records[begin:end])
            if is_single:
                for record in records:
                    out.write(record)
        assert read_all(path) == records * (1 + is_single)
        assert out.records == len(records) * (1 + is_single)


@pytest.mark.parametrize("length", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
def test_records_longer_than_a_chunk_stay_whole(length: int, tmp_path: Path) -> None:
    records = [b"a", b"x" * length, b"", b"y" * length, b"b"]
    with write_artifact(tmp_path / "map.jsonl.zst") as out:
        for record in records:
            out.write(record)
    assert read_all(tmp_path / "map.jsonl.zst") == records


def test_many_records_come_in_chunks(tmp_path: Path) -> None:
    records = [b'{"number": %d}' % number for number in range(100_000)]
    with write_artifact(tmp_path / "map.jsonl.zst") as out:
        out.write_all(records)
    chunks = list(read_artifact(tmp_path / "map.jsonl.zst"))
    assert [record for chunk in chunks for record in chunk] == records
    assert len(chunks) > 1
    assert max(sum(map(len, chunk)) for chunk in chunks) <= 2 * CHUNK_BYTES


def test_an_artifact_without_records_is_there_and_empty(tmp_path: Path) -> None:
    with write_artifact(tmp_path / "map.jsonl.zst"):
        pass
    assert read_all(tmp_path / "map.jsonl.zst") == []


def test_a_person_reads_it_with_standard_tools(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write_all([b'{"a":1}', b'{"a":2}'])
    assert zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()) == b'{"a":1}\n{"a":2}\n'


def test_lines_of_another_tool_without_a_last_line_break_are_read(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    path.write_bytes(
        zstandard.ZstdCompressor().compress(b'{"a":1}\n') + zstandard.ZstdCompressor().compress(b'{"a":2}')
    )
    assert read_all(path) == [b'{"a":1}', b'{"a":2}']


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_stands_at_the_path_when_the_block_raises(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error):
        write_and_raise(tmp_path / "map.jsonl.zst", b"x" * CHUNK_BYTES, error)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_artifact_stays_when_a_retry_fails_and_goes_when_it_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write(b"first")
    with pytest.raises(RuntimeError):
        write_and_raise(path, b"second", RuntimeError)
    assert read_all(path) == [b"first"]
    with write_artifact(path) as out:
        out.write(b"third")
    assert read_all(path) == [b"third"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_nothing_of_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write(b"record")
        assert not path.exists()
    assert path.exists()


def test_a_damaged_artifact_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write_all([b"%d" % number for number in range(1000)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    with pytest.raises(zstandard.ZstdError):
        read_all(path)


def test_others_of_the_machine_see_nothing(tmp_path: Path) -> None:
    with write_artifact(tmp_path / "run" / "map.jsonl.zst"):
        pass
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0
