"""The embedded PostgreSQL: a real one, on a socket, whatever the last one left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.places import remove_temporary_folder, temporary_folder
from demo.postgres import running_postgres
from demo.postgres_home import prepare_home


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    # A path too long for a socket.
    made = tmp_path / ("long" * 30) / "postgres"
    yield made
    remove_temporary_folder(made)


def test_it_keeps_its_data_and_survives_a_stale_pid_file(folder: Path, tmp_path: Path) -> None:
    home = prepare_home(folder)
    assert home.socket.is_relative_to(temporary_folder(folder))
    with running_postgres(home, tmp_path / "log") as (address, _child):
        address.ensure_database("kept")
        address.ensure_database("kept")
        address.query("CREATE TABLE t AS SELECT 42 AS answer", database="kept")
        assert address.query("SHOW listen_addresses") == ""
        note = (home.data / "postmaster.pid").read_text()
    assert not (home.data / "postmaster.pid").exists()
    # A power cut: the file stays, and by now its number is that of some other process.
    (home.data / "postmaster.pid").write_text(note.replace(note.split("\n", 1)[0], str(os.getppid()), 1))
    with running_postgres(prepare_home(folder), tmp_path / "log") as (address, _child):
        assert address.query("SELECT answer FROM t", database="kept") == 42
    assert not address.is_ready()
