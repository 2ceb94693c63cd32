"""Runs one command in a session of its own and ends all of it when whoever started the guard is gone.

Standard input is the reading end of a pipe whose writing end only the starter holds: it is at its end when
the starter closes it or dies, by whatever signal. Started with `python -I -S`: standard library only.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.2
_LAST_WORDS_S: Final = 2.0
_PROC: Final = Path("/proc/self/stat")


def main(argv: list[str]) -> int:
    """Run the command and return its exit status, 128 + n if signal n ended it."""
    options = _parse(argv)
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: asked.append(received))
    child = _start(options)
    while child.poll() is None and not asked and not _is_starter_gone():
        pass
    end_session(child, options.signal, options.grace)
    code = child.returncode if child.returncode is not None else 1
    return code if code >= 0 else 128 - code


def end_session(child: subprocess.Popen[bytes], number: int, grace_s: float) -> None:
    """End `child` by signal `number`, then whatever is left of its session by SIGTERM, then by SIGKILL."""
    if child.poll() is None:
        child.send_signal(number)
        _wait_until(lambda: child.poll() is not None, grace_s)
    for last in (signal.SIGTERM, signal.SIGKILL):
        for pid in session_members(child.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, last)
        _wait_until(lambda: child.poll() is not None and not session_members(child.pid), _LAST_WORDS_S)


def session_members(session: int) -> list[int]:
    """Returns the processes of a session that are not zombies; process groups do not matter.

    Airflow puts each task into a process group of its own, out of reach of a signal to the scheduler's group.
    """
    return [pid for pid, member_of in _list_sessions() if member_of == session]


def _list_sessions() -> Iterator[tuple[int, int]]:
    if _PROC.exists():
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                    if state not in "ZX":
                        yield int(entry.name), int(session)
        return
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=False)
    for pid, state in (line.split()[:2] for line in listing.stdout.splitlines()):
        if not state.startswith("Z"):
            with suppress(OSError):
                yield int(pid), os.getsid(int(pid))


def _start(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    groups: list[int] | None = None if options.user is None else []
    return subprocess.Popen(  # noqa: S603 - the command is the demo's own
        options.command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,  # what it writes holds personal data and secrets: other users of the machine read none of it
        user=options.user,
        group=options.group,
        extra_groups=groups,
    )


def _is_starter_gone() -> bool:
    readable, _, _ = select.select([0], [], [], _POLL_S)
    return bool(readable) and os.read(0, 1) == b""


def _wait_until(is_so: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a command that must not outlive its starter.")
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM), help="what asks the command to end")
    parser.add_argument("--grace", type=float, default=15.0, help="seconds it may take to end")
    parser.add_argument("--user", type=int, help="numeric user to run the command as")
    parser.add_argument("--group", type=int, help="numeric group to run the command as")
    parser.add_argument("command", nargs="+", help="after --")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
