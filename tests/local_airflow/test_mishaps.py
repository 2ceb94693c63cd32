"""Common problems of a new machine are one sentence with a fix, not a traceback."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from local_airflow import __main__ as launcher
from local_airflow.mishaps import explain_failure
from local_airflow.settings import FOLDER, LaunchError

CLOSED = "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally"
DRIVER_ERROR = psycopg2.OperationalError(CLOSED)  # type: ignore[attr-defined]  # psycopg2 has no types
DATABASE_ERRORS = (DRIVER_ERROR, OperationalError("CREATE TABLE", {}, DRIVER_ERROR))


def set_free(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=megabytes * 2**20))


@pytest.mark.parametrize("error", DATABASE_ERRORS, ids=["psycopg2", "sqlalchemy"])
@pytest.mark.parametrize(
    ("free", "log", "words"),
    [
        (3, "", "The disk is full (3 MB are free"),
        (900, "PANIC:  could not write to file: No space left on device", "The disk is full (900 MB"),
        (900, "LOG:  terminated by signal 9", "PostgreSQL failed ("),
    ],
)
def test_a_closed_connection_is_explained_by_the_disk_and_the_log(
    error: Exception, free: int, log: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_free(monkeypatch, free)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "postgres.log").write_text(log)
    said = explain_failure(error, tmp_path)
    assert said is not None
    assert said.startswith(words)
    assert "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "keys.json"),
        LaunchError("initdb failed (status 1); the last lines of initdb.log:\n… No space left on device"),
    ],
)
def test_a_full_disk_is_reported_before_postgresql_runs(error: Exception, tmp_path: Path) -> None:
    assert str(explain_failure(error, tmp_path / "not yet there")).startswith("The disk is full")


def test_another_user_s_folder_is_named_with_its_owner(tmp_path: Path) -> None:
    said = explain_failure(PermissionError(errno.EPERM, "Operation not permitted", str(tmp_path)), tmp_path)
    owner = pwd.getpwuid(os.getuid()).pw_name
    assert str(said).startswith(f"{tmp_path} belongs to the user {owner} and you cannot read it. Run `make` as that")


@pytest.mark.parametrize("error", [LaunchError("Port 8080 is taken."), OSError(errno.EBUSY, "busy"), ValueError("x")])
def test_other_errors_are_left_alone(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, 0)
    assert explain_failure(error, tmp_path) is None


def test_the_launcher_prints_the_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_options: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(FOLDER / "lock"))

    monkeypatch.setattr(launcher, "demo", fail)
    monkeypatch.setattr(launcher, "end_on_signals", lambda: None)
    before = os.umask(0o077)
    try:
        assert launcher.main() == 1
    finally:
        os.umask(before)
    assert "and you cannot read it" in " ".join(capsys.readouterr().out.split())
