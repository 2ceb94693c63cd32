"""One demo per folder, whose files other users of the machine cannot read, whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_airflow.environment import base_environment, write_secret
from local_airflow.folder import held_lock, make_folder
from local_airflow.processes import ChildProcess, Command, end_all, run_to_end
from local_airflow.settings import LaunchError
from tests.airflow_home import ROOT

#: What a child that does not care for modes writes.
WRITE = "import os; os.mkdir('made'); open('made/file', 'w').write('text'); print('a line of log')"
HOLDER = """
import pathlib, sys, time
from local_airflow.folder import held_lock
from local_airflow.processes import ChildProcess, Command
folder = pathlib.Path(sys.argv[1])
with held_lock(folder):
    waiting = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    command = Command("child", (sys.executable, "-c", waiting), {}, folder / "logs" / "child.log", folder, grace_s=1)
    child = ChildProcess(command)
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture(params=[0o022, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    run_to_end(Command("child", (sys.executable, "-c", WRITE), base_environment(), log, tmp_path))
    assert log.read_text() == "a line of log\n"
    write_secret(tmp_path / "new" / "keys.json", "{}")
    with held_lock(tmp_path / ".demo"):
        folders = (log.parent, tmp_path / "made", tmp_path / "new")
        files = (log, tmp_path / "made" / "file", tmp_path / "new" / "keys.json", tmp_path / ".demo" / "lock")
        assert {mode(folder) for folder in folders} == {0o700}
        assert {mode(file) for file in files} == {0o600}
        assert mode(tmp_path / ".demo") & 0o066 == 0


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(("user", "expected"), [(1000, 0o700), (0, 0o711)])
def test_its_folder_is_closed_even_if_it_was_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool, user: int, expected: int
) -> None:
    """Root's can be passed through: its PostgreSQL runs as another user."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    folder = tmp_path / "demo"
    if is_there:
        folder.mkdir(mode=0o755)
    make_folder(folder)
    assert mode(folder) == expected


def test_a_second_demo_is_refused_and_the_next_one_waits_for_what_a_killed_one_left(tmp_path: Path) -> None:
    folder, waited = tmp_path / ".demo", list[bool]()
    environment = {**base_environment(), "PYTHONPATH": str(ROOT / "include")}
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as first:  # noqa: S603 - the test's own
        assert first.stdout is not None
        assert first.stdout.readline() == b"up\n"
        sentence = rf"^A demo already runs in {tmp_path} \(process {first.pid}\)"
        with pytest.raises(LaunchError, match=sentence), held_lock(folder):
            pass
        first.kill()
    with held_lock(folder, lambda: waited.append(True)):
        assert waited == [True]
    with held_lock(folder, lambda: waited.append(True)):
        assert waited == [True]


def test_processes_of_another_folder_do_not_matter(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    child = ChildProcess(Command("child", argv, {}, tmp_path / "other" / "logs" / "child.log", tmp_path))
    with held_lock(tmp_path / ".demo", lambda: pytest.fail("it waited")):
        assert child.poll() is None
    end_all([child])
