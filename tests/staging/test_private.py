"""Files of the user who runs the tasks are unreadable for other users, with any umask and any kind of path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]  # fsspec has no types

from ci_operators.staging.artifact import read_artifact, write_artifact
from ci_operators.staging.private import make_private_file, make_private_folder

MakePath = Callable[[Path], Any]
PATHS: dict[str, MakePath] = {
    "pathlib": Path,
    "file URL": lambda path: ObjectStoragePath(f"file://{path}"),
    "local URL": lambda path: ObjectStoragePath(f"local://{path}"),
    "plain text": lambda path: ObjectStoragePath(str(path)),
}


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


@pytest.fixture(params=list(PATHS))
def make_path(request: pytest.FixtureRequest) -> MakePath:
    return PATHS[request.param]


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_folders_and_files_are_closed_to_others_from_their_first_moment(make_path: MakePath, tmp_path: Path) -> None:
    base = tmp_path / "open to everybody"
    base.mkdir()
    base.chmod(0o777)
    target = base / "dag" / "run" / "map.jsonl.zst"
    with write_artifact(make_path(target)) as out:
        out.write_all([b"record"])
        (draft,) = target.parent.iterdir()
        assert mode(draft) == 0o600
    assert [mode(path) for path in (base, base / "dag", target.parent, target)] == [0o777, 0o700, 0o700, 0o600]
    assert list(read_artifact(out.artifact)) == [[b"record"]]


@pytest.mark.usefixtures("umask")
def test_files_left_open_by_an_earlier_version_are_closed_by_the_retry(make_path: MakePath, tmp_path: Path) -> None:
    for name in ("map.jsonl.zst", ".map.jsonl.zst.draft"):
        (tmp_path / name).write_bytes(b"old")
        (tmp_path / name).chmod(0o666)
    with write_artifact(make_path(tmp_path / "map.jsonl.zst")):
        pass
    assert [(path.name, mode(path)) for path in tmp_path.iterdir()] == [("map.jsonl.zst", 0o600)]


def test_a_planted_link_is_not_followed(make_path: MakePath, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("kept")
    (tmp_path / "draft").symlink_to(tmp_path / "other")
    make_private_file(make_path(tmp_path / "draft"))
    assert (tmp_path / "other").read_text() == "kept"
    assert not (tmp_path / "draft").is_symlink()


def test_an_existing_folder_is_reused(make_path: MakePath, tmp_path: Path) -> None:
    make_private_folder(make_path(tmp_path / "run"))
    make_private_folder(make_path(tmp_path / "run"))
    assert mode(tmp_path / "run") == 0o700


def test_a_broken_link_is_named_with_its_path(make_path: MakePath, tmp_path: Path) -> None:
    (tmp_path / "staging").symlink_to(tmp_path / "not mounted")
    with pytest.raises(FileExistsError) as caught:
        make_private_folder(make_path(tmp_path / "staging" / "dag" / "run"))
    assert caught.value.filename == str(tmp_path / "staging")


def test_object_storage_gets_only_the_artifact() -> None:
    attach("memory", fs=MemoryFileSystem())
    path = ObjectStoragePath("memory://staging") / "dag" / "run" / "map.jsonl.zst"
    with write_artifact(path) as out:
        out.write(b"record")
    assert [each.name for each in path.parent.iterdir()] == ["map.jsonl.zst"]
    assert list(read_artifact(out.artifact)) == [[b"record"]]
    assert not Path(path.path).exists()
