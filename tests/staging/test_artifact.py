"""Artifacts: written whole or not at all, read as they were written."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import DamagedArtifactError, StagingError
from ci_operators.staging.artifact import CHUNK_BYTES, Artifact, read_artifact, write_artifact
from tests.artifacts import find_artifact, write_all

RECORDS = st.lists(st.binary(max_size=50).filter(lambda record: b"\n" not in record), max_size=30)


def read(artifact: Artifact) -> list[bytes]:
    return [record for chunk in read_artifact(artifact) for record in chunk]


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
        assert read(out.artifact) == read(find_artifact(path)) == records * (1 + is_single)
        assert out.artifact.digest == sha256(path.read_bytes()).hexdigest()
        assert out.artifact.bytes == path.stat().st_size
        assert out.records == len(records) * (1 + is_single)


@pytest.mark.parametrize("length", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES])
def test_records_longer_than_a_chunk_stay_whole(length: int, tmp_path: Path) -> None:
    records = [b"a", b"x" * length, b"", b"y" * length, b"b"]
    with write_artifact(tmp_path / "map.jsonl.zst") as out:
        for record in records:
            out.write(record)
    assert read(out.artifact) == records


def test_many_records_come_in_chunks(tmp_path: Path) -> None:
    records = [b'{"number": %d}' % number for number in range(100_000)]
    with write_artifact(tmp_path / "map.jsonl.zst") as out:
        out.write_all(records)
    chunks = list(read_artifact(out.artifact))
    assert [record for chunk in chunks for record in chunk] == records
    assert len(chunks) > 1
    assert max(sum(map(len, chunk)) for chunk in chunks) <= 2 * CHUNK_BYTES


def test_an_artifact_without_records_exists_and_is_empty(tmp_path: Path) -> None:
    assert read(write_all(tmp_path / "map.jsonl.zst", [])) == []


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
    assert read(Artifact(path, 2)) == [b'{"a":1}', b'{"a":2}']


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_at_the_path_when_the_block_raises(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error):
        write_and_raise(tmp_path / "map.jsonl.zst", b"x" * CHUNK_BYTES, error)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_artifact_stays_when_a_retry_fails_and_goes_when_it_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    first = write_all(path, [b"first"])
    with pytest.raises(RuntimeError):
        write_and_raise(path, b"second", RuntimeError)
    assert read(first) == [b"first"]
    assert read(write_all(path, [b"third"])) == [b"third"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_nothing_of_a_draft(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write(b"record")
        assert not path.exists()
    assert path.exists()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _whole: b"",
    "cut": lambda whole: whole[: len(whole) // 2],
    "without its checksum": lambda whole: whole[:-4],
    "without its last byte": lambda whole: whole[:-1],
    "flipped": lambda whole: whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
    "of another tool": lambda _whole: b"no frame at all",
    "doubled": lambda whole: whole + whole,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_old", [False, True], ids=["digest", "manifest of an older version"])
def test_an_incomplete_artifact_is_refused_before_its_first_record(damage: str, is_old: bool, tmp_path: Path) -> None:
    path = tmp_path / "run" / "map.jsonl.zst"
    whole = write_all(path, [b"%d" % number for number in range(100_000)])
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(DamagedArtifactError) as refused:
        next(read_artifact(Artifact(path, whole.records) if is_old else whole))
    assert str(refused.value) == (
        "The artifact map.jsonl.zst is not the file of 100000 records that its stage wrote: it was cut or changed in "
        f"{tmp_path / 'run'}. Clear the run from extract on, or let the next scheduled run read the window again."
    )


@pytest.mark.parametrize("records", [999, 1001])
def test_a_wrong_number_of_records_is_refused(records: int, tmp_path: Path) -> None:
    whole = write_all(tmp_path / "map.jsonl.zst", [b"x"] * 1000)
    with pytest.raises(DamagedArtifactError):
        next(read_artifact(replace(whole, records=records, digest=None)))


def test_an_older_artifact_of_as_many_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.jsonl.zst"
    write_all(path, [b"older"])
    older = path.read_bytes()
    newer = write_all(path, [b"newer"])
    path.write_bytes(older)
    with pytest.raises(DamagedArtifactError):
        read(newer)


def test_artifacts_are_joined_byte_by_byte(tmp_path: Path) -> None:
    parts = [write_all(tmp_path / f"{number}", [b"%d" % number, b"x" * number]) for number in range(3)]
    with write_artifact(tmp_path / "joined") as out:
        for part in parts:
            out.append(part)
    assert read(out.artifact) == read(find_artifact(tmp_path / "joined")) == [b"0", b"", b"1", b"x", b"2", b"xx"]
    assert out.artifact.records == 6


class TestTwoProcesses:
    """A process that Airflow has abandoned, and its successor."""

    @pytest.mark.parametrize("ends_first", [False, True], ids=["ends last", "ends first"])
    def test_the_older_process_publishes_nothing(self, ends_first: bool, tmp_path: Path) -> None:
        path = tmp_path / "map.jsonl.zst"
        given_up, successor = write_artifact(path), write_artifact(path)
        given_up.__enter__().write(b"given up")
        out = successor.__enter__()
        out.write(b"successor")
        for each in (given_up, successor) if ends_first else (successor, given_up):
            if each is successor:
                each.__exit__(None, None, None)
                continue
            with pytest.raises(StagingError, match="another process of this task started after this one"):
                each.__exit__(None, None, None)
        assert read(out.artifact) == [b"successor"]
        assert list(tmp_path.iterdir()) == [path]

    def test_drafts_have_different_names(self, tmp_path: Path) -> None:
        names = set()
        for _ in range(2):
            with write_artifact(tmp_path / "map.jsonl.zst"):
                names |= {path.name for path in tmp_path.glob(".*")}
        assert len(names) == 2


class TestDisk:
    def test_a_published_artifact_is_synced_to_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """After the rename, a power cut must not lose the bytes or the name."""
        done: list[str] = []

        def note(call: Callable[..., Any], what: Callable[..., str]) -> Callable[..., Any]:
            def noted(*arguments: Any) -> Any:
                done.append(what(*arguments))
                return call(*arguments)

            return noted

        monkeypatch.setattr(
            os, "fsync", note(os.fsync, lambda fd: f"sync {Path(f'/proc/self/fd/{fd}').readlink().name}")
        )
        monkeypatch.setattr(os, "replace", note(os.replace, lambda *_: "rename"))
        write_all(tmp_path / "run" / "map.jsonl.zst", [b"record"])
        file, rename, folder = done
        assert (file[:-14], rename, folder) == ("sync .map.jsonl.zst.", "rename", "sync run")

    @pytest.mark.parametrize(
        ("number", "sentence"),
        [
            (errno.ENOSPC, r"The staging area is full \(No space left on device\): {folder}\. Free space, or"),
            (errno.EDQUOT, r"The staging area is full \(Disk quota exceeded\): {folder}\. Free space, or"),
            (errno.EACCES, r"cannot write to the staging area \(Permission denied\): {folder}\. Give the user"),
            (errno.EROFS, r"cannot write to the staging area \(Read-only file system\): {folder}\. Give the user"),
            (errno.EIO, r"The artifact map\.jsonl\.zst cannot be written to {folder} \(Input/output error\)\."),
        ],
    )
    @pytest.mark.parametrize("step", ["mkdir", "open", "fsync", "replace"])
    def test_a_failed_write_is_a_sentence_with_the_folder(
        self, number: int, sentence: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise OSError(number, os.strerror(number))

        folder = tmp_path / "run"
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(StagingError, match=sentence.format(folder=re.escape(str(folder)))):
            write_all(folder / "map.jsonl.zst", [b"record"])
        monkeypatch.undo()
        assert not folder.exists() or not list(folder.iterdir())

    def test_errors_of_the_block_keep_their_words(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="of a vendor"), write_artifact(tmp_path / "map.jsonl.zst"):
            raise OSError(errno.ENOSPC, "of a vendor")


def test_other_users_cannot_read_it(tmp_path: Path) -> None:
    write_all(tmp_path / "run" / "map.jsonl.zst", [])
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0
