"""One demo per folder, also while the processes of a killed one are still ending."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.errors import AlreadyRunningError
from demo.lock import held_lock


def test_a_second_demo_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    folder = tmp_path / ".demo"
    with (
        held_lock(folder),
        pytest.raises(AlreadyRunningError, match=rf"^A demo already runs in {tmp_path} \(process {os.getpid()}\)"),
        held_lock(folder),
    ):
        pass


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with held_lock(tmp_path):
            pass


def test_a_start_waits_for_what_a_killed_demo_left(tmp_path: Path) -> None:
    holder = "import sys; sys.stdin.read()"
    with held_lock(tmp_path) as handle:
        guard = subprocess.Popen(  # noqa: S603 - the test's own code
            [sys.executable, "-c", holder], stdin=subprocess.PIPE, pass_fds=(handle,)
        )
        starter = subprocess.Popen([sys.executable, "-c", "pass"])
        starter.wait()
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(starter.pid).encode(), 0)
    waited: list[bool] = []

    def end_guard() -> None:
        waited.append(True)
        guard.communicate()

    with held_lock(tmp_path, end_guard):
        assert waited == [True]
