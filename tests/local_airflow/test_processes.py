"""Nothing that was started outlives its starter, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_airflow.environment import base_environment
from local_airflow.guard import session_members
from local_airflow.processes import ChildProcess, Command, check_alive, run_to_end, running, wait_until
from local_airflow.settings import LaunchError
from tests.airflow_home import ROOT

PATIENCE_S = 60.0

#: A process whose grandchild ignores SIGTERM, in a process group of its own, as Airflow's tasks are.
TREE = """
import os, pathlib, signal, sys, time
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path(sys.argv[1], "grandchild.new").write_text(str(os.getpid()))
    os.rename(sys.argv[1] + "/grandchild.new", sys.argv[1] + "/grandchild")
    time.sleep(600)
pathlib.Path(sys.argv[1], "child").write_text(str(os.getpid()))
time.sleep(600)
"""

POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("bye") or 7))
print("up")
time.sleep(600)
"""

STARTER = """
import pathlib, sys, time
from local_airflow.processes import ChildProcess, Command
folder = pathlib.Path(sys.argv[1])
argv = (sys.executable, "-c", sys.argv[2], str(folder))
child = ChildProcess(Command("tree", argv, {}, folder / "log", folder, grace_s=0.5))
time.sleep(600)
"""


def make_command(folder: Path, code: str, *arguments: str, grace_s: float = 5.0) -> Command:
    argv = (sys.executable, "-c", code, *arguments)
    return Command("the thing", argv, base_environment(), folder / "thing.log", folder, grace_s=grace_s)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Returns whether a process is no more, or only waits for init to collect it."""
    try:
        return pid not in session_members(os.getsid(pid))
    except ProcessLookupError:
        return True


def test_a_tree_ends_when_its_starter_is_killed_outright(tmp_path: Path) -> None:
    environment = {**base_environment(), "PYTHONPATH": str(ROOT / "include")}
    starter = subprocess.Popen(  # noqa: S603 - the test's own code
        [sys.executable, "-c", STARTER, str(tmp_path), TREE], env=environment
    )
    wait_for(lambda: (tmp_path / "grandchild").exists() and (tmp_path / "child").exists())
    pids = [int((tmp_path / name).read_text()) for name in ("child", "grandchild")]
    assert not any(is_gone(pid) for pid in pids)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_for(lambda: all(is_gone(pid) for pid in pids))


def test_a_tree_ends_when_asked(tmp_path: Path) -> None:
    with running(make_command(tmp_path, TREE, str(tmp_path), grace_s=0.5)):
        wait_for(lambda: (tmp_path / "grandchild").exists() and (tmp_path / "child").exists())
    assert all(is_gone(int((tmp_path / name).read_text())) for name in ("child", "grandchild"))


def test_what_a_crashed_process_leaves_ends_too(tmp_path: Path) -> None:
    with running(make_command(tmp_path, TREE, str(tmp_path))) as child:
        wait_for(lambda: (tmp_path / "grandchild").exists() and (tmp_path / "child").exists())
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
        assert child.wait() == 128 + signal.SIGKILL
        assert is_gone(int((tmp_path / "grandchild").read_text()))


def test_a_process_may_end_in_its_own_way(tmp_path: Path) -> None:
    child = ChildProcess(make_command(tmp_path, POLITE))
    wait_for(lambda: child.tail() == "up")
    child.ask_to_end()
    assert child.wait() == 7
    assert child.tail() == "up\nbye"


def test_a_process_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    with running(make_command(tmp_path, "print('the disk is full'); raise SystemExit(3)")) as child:
        wait_for(lambda: child.poll() is not None)
        with pytest.raises(LaunchError, match=r"(?s)^the thing ended unexpectedly \(status 3\).*the disk is full$"):
            check_alive([child])
        with pytest.raises(LaunchError):
            wait_until(lambda: False, [child], PATIENCE_S)


def test_a_process_that_never_becomes_ready_is_named(tmp_path: Path) -> None:
    with (
        running(make_command(tmp_path, "import time; time.sleep(600)", grace_s=0.5)) as child,
        pytest.raises(LaunchError, match=r"^the thing was not ready after 0 s"),
    ):
        wait_until(lambda: False, [child], 0)


def test_a_command_that_fails_raises_and_one_that_succeeds_does_not(tmp_path: Path) -> None:
    run_to_end(make_command(tmp_path, "pass"))
    with pytest.raises(LaunchError, match=r"^the thing failed \(status 1\)"):
        run_to_end(make_command(tmp_path, "raise SystemExit(1)"))
