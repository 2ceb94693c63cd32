"""The launcher's child processes: started under a guard, watched, and ended together with the launcher."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from local_airflow.settings import LaunchError

_GUARD: Final = Path(__file__).with_name("guard.py")
_POLL_S: Final = 0.1
#: What the guard needs after the grace period: two rounds of final signals.
_GUARD_EXTRA_S: Final = 10.0


@dataclass(frozen=True)
class Account:
    """The numeric user and group that run a command."""

    user: int
    group: int


@dataclass(frozen=True)
class Command:
    """What to start, and how to end it."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 15.0
    account: Account | None = None


class ChildProcess(subprocess.Popen[bytes]):
    """The guard of a command. The command ends when asked to, or when this process ends in any way."""

    def __init__(self, command: Command) -> None:
        """Start `command`; keep its last log beside the new one."""
        self.command, account = command, command.account
        options = {
            "logs": str(command.log.parent),
            "signal": command.stop_signal,
            "grace_s": command.grace_s,
            "user": account.user if account else None,
            "group": account.group if account else None,
        }
        command.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if command.log.exists():
            command.log.replace(command.log.with_suffix(".previous.log"))
        with open(command.log, "wb", opener=_open_private) as log:
            super().__init__(
                [sys.executable, "-I", str(_GUARD), json.dumps(options), *command.argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=command.cwd,
                env=dict(command.environment),
                start_new_session=True,
            )

    @property
    def name(self) -> str:
        """Return the name for people."""
        return self.command.name

    def ask_to_end(self) -> None:
        """Begin to end it, and return immediately. Can be called twice."""
        if self.stdin is not None:
            self.stdin.close()

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its log."""
        if not self.command.log.exists():
            return ""
        with self.command.log.open(errors="replace") as file:
            return "".join(deque(file, lines)).rstrip()


def find_guards(logs: Path) -> list[psutil.Process]:
    """Return the guards of all processes that log into this folder, including those of a killed launcher."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[2:3] == [str(_GUARD)] and json.loads(words[3])["logs"] == str(logs):
            found.append(process)
    return found


@contextmanager
def running_all(*commands: Command) -> Iterator[list[ChildProcess]]:
    """Start commands, yield their processes, and end them together."""
    children: list[ChildProcess] = []
    try:
        for command in commands:
            children.append(ChildProcess(command))
        yield children
    finally:
        end_all(children)


@contextmanager
def running(command: Command) -> Iterator[ChildProcess]:
    """Start a command, yield its process, and end it."""
    with running_all(command) as (child,):
        yield child


def end_all(children: Iterable[ChildProcess]) -> None:
    """Ask all of them to end, then wait for each."""
    waiting = list(children)
    for child in waiting:
        child.ask_to_end()
    for child in waiting:
        child.wait(child.command.grace_s + _GUARD_EXTRA_S)


def check_alive(children: Iterable[ChildProcess]) -> None:
    """Raise LaunchError, with the last lines of the log, if one of them has ended."""
    for child in children:
        status = child.poll()
        if status is not None:
            raise LaunchError(f"{child.name} ended unexpectedly (status {status}){_quote(child)}")


def wait_until(is_ready: Callable[[], bool], children: Sequence[ChildProcess], timeout_s: float) -> None:
    """Return when `is_ready()`; LaunchError if a child ends first or after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        check_alive(children)
        if time.monotonic() > deadline:
            raise LaunchError(f"{children[-1].name} was not ready after {timeout_s:.0f} s{_quote(children[-1])}")
        time.sleep(_POLL_S)


def run_to_end(command: Command) -> None:
    """Run a command to its end; LaunchError if it fails."""
    with running(command) as child:
        status = child.wait()
        if status != 0:
            raise LaunchError(f"{child.name} failed (status {status}){_quote(child)}")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _quote(child: ChildProcess) -> str:
    return f"; the last lines of {child.command.log}:\n{child.tail()}"
