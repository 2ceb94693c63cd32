"""A started process never outlives its parent, and a demo does not share its folder."""

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
from local_airflow.folder import held_lock
from local_airflow.guard import session_members
from local_airflow.processes import Command, run_to_end, running, wait_until
from local_airflow.settings import LaunchError
from tests.airflow_home import ROOT

PATIENCE_S = 60.0
#: A process whose grandchild ignores SIGTERM and has its own process group, like Airflow's tasks.
TREE = """
import os, pathlib, signal, sys, time
is_child = os.fork() > 0
if not is_child:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1], "child" if is_child else "grandchild").write_text(str(os.getpid()))
time.sleep(600)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("bye") or 7))
print("up")
time.sleep(600)
"""
DEMO = """
import pathlib, sys, time
from local_airflow.folder import held_lock
from local_airflow.processes import ChildProcess, Command
folder = pathlib.Path(sys.argv[1])
with held_lock(folder):
    argv = (sys.executable, "-c", sys.argv[2], str(folder))
    child = ChildProcess(Command("tree", argv, {}, folder / "logs" / "log", folder, grace_s=0.5))
    time.sleep(600)
"""


def make_command(folder: Path, code: str, *arguments: str, grace_s: float = 0.5) -> Command:
    argv = (sys.executable, "-c", code, *arguments)
    return Command("the thing", argv, base_environment(), folder / "thing.log", folder, grace_s=grace_s)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def wait_for_tree(folder: Path) -> list[int]:
    """Return the ids of child and grandchild after both have started."""
    files = [folder / name for name in ("child", "grandchild")]
    wait_for(lambda: all(file.exists() and file.read_text() for file in files))
    return [int(file.read_text()) for file in files]


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, even if init has not collected it yet."""
    try:
        return pid not in session_members(os.getsid(pid))
    except ProcessLookupError:
        return True


def test_a_second_demo_is_refused_and_waits_for_all_of_a_killed_one(tmp_path: Path) -> None:
    folder, waited = tmp_path / ".demo", list[bool]()
    environment = {**base_environment(), "PYTHONPATH": str(ROOT / "include")}
    command = [sys.executable, "-c", DEMO, str(folder), TREE]
    with subprocess.Popen(command, env=environment) as first:  # noqa: S603 - the test's own code
        pids = wait_for_tree(folder)
        sentence = rf"^A demo is already running in {tmp_path} \(process {first.pid}\)"
        with pytest.raises(LaunchError, match=sentence), held_lock(folder):
            pass
        with held_lock(tmp_path / "other", lambda: pytest.fail("it waited for the processes of another folder")):
            first.kill()
    for _ in range(2):
        with held_lock(folder, lambda: waited.append(True)):
            assert waited == [True]
            assert all(is_gone(pid) for pid in pids)


@pytest.mark.parametrize("is_crash", [True, False])
def test_a_tree_ends_when_its_process_is_asked_to_end_or_crashes(tmp_path: Path, is_crash: bool) -> None:
    with running(make_command(tmp_path, TREE, str(tmp_path))) as child:
        pids = wait_for_tree(tmp_path)
        if is_crash:
            os.kill(pids[0], signal.SIGKILL)
            assert child.wait() == 128 + signal.SIGKILL
    assert all(is_gone(pid) for pid in pids)


def test_a_process_may_end_in_its_own_way(tmp_path: Path) -> None:
    with running(make_command(tmp_path, POLITE, grace_s=PATIENCE_S)) as child:
        wait_for(lambda: child.tail() == "up")
    assert child.wait() == 7
    assert child.tail() == "up\nbye"


def test_a_process_that_ends_or_is_never_ready_is_reported_with_its_last_words(tmp_path: Path) -> None:
    run_to_end(make_command(tmp_path, "pass"))
    failing = make_command(tmp_path, "print('the disk is full'); raise SystemExit(3)")
    with pytest.raises(LaunchError, match=r"(?s)^the thing failed \(status 3\); .*the disk is full$"):
        run_to_end(failing)
    with running(failing) as child, pytest.raises(LaunchError, match=r"(?s)ended unexpectedly.*the disk is full$"):
        wait_until(lambda: False, [child], PATIENCE_S)
    with running(make_command(tmp_path, POLITE)) as child, pytest.raises(LaunchError, match="was not ready after 0 s"):
        wait_until(lambda: False, [child], 0)
