"""The embedded PostgreSQL: a real server on a socket, which starts after any end of the previous one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_airflow.folder import remove_temporary_folder, temporary_folder
from local_airflow.postgres import prepare_home, running_postgres


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    # A path too long for a socket.
    made = tmp_path / ("long" * 30) / "postgres"
    yield made
    remove_temporary_folder(made)


def test_it_keeps_its_data_and_survives_a_stale_pid_file(folder: Path, tmp_path: Path) -> None:
    note = prepare_home(folder).data / "postmaster.pid"
    with running_postgres(folder, tmp_path / "log") as postgres:
        assert postgres.socket.is_relative_to(temporary_folder(folder))
        postgres.ensure_database("kept")
        postgres.ensure_database("kept")
        postgres.query("CREATE TABLE t AS SELECT 42 AS answer", database="kept")
        assert postgres.query("SHOW listen_addresses") == ""
        text = note.read_text()
    assert not note.exists()
    # A power cut: the file remains, and its number now belongs to another process.
    note.write_text(text.replace(text.split("\n", 1)[0], str(os.getppid()), 1))
    with running_postgres(folder, tmp_path / "log", keep=False) as postgres:
        assert postgres.query("SELECT answer FROM t", database="kept") == 42
    assert not postgres.is_ready()
    assert not temporary_folder(folder).exists()


def test_a_server_whose_guard_was_killed_is_ended_by_the_next_start(folder: Path, tmp_path: Path) -> None:
    with running_postgres(folder, tmp_path / "log") as first:
        (server,) = psutil.Process(first.process.pid).children()
        os.kill(first.process.pid, signal.SIGKILL)
        with running_postgres(folder, tmp_path / "log") as second:
            assert second.query("SELECT 1") == 1
            assert not server.is_running()
