"""Runs one command in its own session, and ends the whole session when the process that started the guard is gone.

Standard input is the reading end of a pipe. Only the starter holds the writing end, so the pipe ends when the starter
closes it or dies from any signal. It is started by its path, with `python -I`, and imports nothing from this project.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import psutil

_POLL_S: Final = 0.2
_LAST_WORDS_S: Final = 2.0


def main(options: str, *command: str) -> int:
    """Run the command and return its exit status, or 128 + n if signal n ended it. Options: see `ChildProcess`."""
    chosen = json.loads(options)
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: asked.append(received))
    child = subprocess.Popen(  # noqa: S603 - the launcher's own command
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,  # its files have personal data and secrets, which other users must not read
        user=chosen["user"],
        group=chosen["group"],
        extra_groups=None if chosen["user"] is None else [],
    )
    while child.poll() is None and not asked and not _is_starter_gone():
        pass
    end_session(child, chosen["signal"], chosen["grace_s"])
    code = 1 if child.returncode is None else child.returncode
    return code if code >= 0 else 128 - code


def end_session(child: subprocess.Popen[bytes], number: int, grace_s: float) -> None:
    """End `child` with signal `number`, then the rest of its session with SIGTERM, then with SIGKILL."""
    if child.poll() is None:
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)
    for last in (signal.SIGTERM, signal.SIGKILL):
        left = list(_members(child.pid))
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(last)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LAST_WORDS_S if left else 0)
        psutil.wait_procs([process for process in left if process.pid != child.pid], _LAST_WORDS_S)


def session_members(session: int) -> list[int]:
    """Return the processes of a session that are not zombies, in any process group.

    Airflow puts each task into its own process group, which a signal to the scheduler's group does not reach.
    """
    return [process.pid for process in _members(session)]


def _members(session: int) -> Iterator[psutil.Process]:
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(pid) == session and (process := psutil.Process(pid)).status() != psutil.STATUS_ZOMBIE:
                yield process


def _is_starter_gone() -> bool:
    readable, _, _ = select.select([0], [], [], _POLL_S)
    return bool(readable) and os.read(0, 1) == b""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
