"""The demo's child processes: started under a guard, watched, ended together with the demo."""

from __future__ import annotations

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

from demo.errors import ChildEndedError

_GUARD: Final = Path(__file__).with_name("guard.py")
_POLL_S: Final = 0.1
#: What the guard needs beyond the grace: two rounds of last signals.
_GUARD_EXTRA_S: Final = 10.0


@dataclass(frozen=True)
class Account:
    """The numeric user and group that a command runs as."""

    user: int
    group: int


@dataclass(frozen=True)
class Command:
    """What to start, and how it likes to be ended."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 15.0
    account: Account | None = None


class ChildProcess:
    """A started command. It ends when asked, or when this process ends in whatever way."""

    def __init__(self, command: Command, hold: Sequence[int] = ()) -> None:
        """Start `command`; its guard keeps the descriptors of `hold` open (the demo's lock)."""
        self.command = command
        self._guard, self._lifeline = _start_guard(command, hold)

    @property
    def name(self) -> str:
        """The name for people."""
        return self.command.name

    @property
    def pid(self) -> int:
        """The process id of the guard."""
        return self._guard.pid

    def poll(self) -> int | None:
        """Returns the exit status, or None while it runs."""
        return self._guard.poll()

    def ask_to_end(self) -> None:
        """Begin its end; returns at once, may be called twice."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def wait(self) -> int:
        """Returns the exit status after it has ended by itself or as asked."""
        return self._guard.wait(self.command.grace_s + _GUARD_EXTRA_S if self._lifeline is None else None)

    def tail(self, lines: int = 15) -> str:
        """Returns the last lines of its log."""
        if not self.command.log.exists():
            return ""
        with self.command.log.open(errors="replace") as file:
            return "".join(deque(file, lines)).rstrip()


def _start_guard(command: Command, hold: Sequence[int]) -> tuple[subprocess.Popen[bytes], int | None]:
    command.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if command.log.exists():
        command.log.replace(command.log.with_suffix(".previous.log"))
    reading, writing = os.pipe()
    try:
        with open(command.log, "wb", opener=_open_private) as log:
            guard = subprocess.Popen(  # noqa: S603 - the command is the demo's own
                [sys.executable, "-I", "-S", str(_GUARD), *_guard_options(command), "--", *command.argv],
                stdin=reading,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=command.cwd,
                env=dict(command.environment),
                start_new_session=True,
                pass_fds=tuple(hold),
            )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return guard, writing


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _guard_options(command: Command) -> list[str]:
    options = ["--signal", str(int(command.stop_signal)), "--grace", str(command.grace_s)]
    if command.account is not None:
        options += ["--user", str(command.account.user), "--group", str(command.account.group)]
    return options


@contextmanager
def running(command: Command, hold: Sequence[int] = ()) -> Iterator[ChildProcess]:
    """Start a command, yield its process, and end it."""
    child = ChildProcess(command, hold)
    try:
        yield child
    finally:
        end_all([child])


def end_all(children: Iterable[ChildProcess]) -> None:
    """Ask all of them to end, then wait for each."""
    waiting = list(children)
    for child in waiting:
        child.ask_to_end()
    for child in waiting:
        child.wait()


def check_alive(children: Iterable[ChildProcess]) -> None:
    """Raise ChildEndedError, with the last lines of its log, if one of them has ended."""
    for child in children:
        status = child.poll()
        if status is not None:
            raise ChildEndedError(f"{child.name} ended unexpectedly (status {status}){_quote(child)}")


def wait_until(is_ready: Callable[[], bool], children: Sequence[ChildProcess], timeout_s: float) -> None:
    """Return once `is_ready()`; ChildEndedError if a child ends first or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        check_alive(children)
        if time.monotonic() > deadline:
            raise ChildEndedError(f"{children[-1].name} was not ready after {timeout_s:.0f} s{_quote(children[-1])}")
        time.sleep(_POLL_S)


def run_to_end(command: Command, hold: Sequence[int] = ()) -> None:
    """Run a command and wait for its end; ChildEndedError unless it succeeds."""
    with running(command, hold) as child:
        status = child.wait()
        if status != 0:
            raise ChildEndedError(f"{child.name} failed (status {status}){_quote(child)}")


def _quote(child: ChildProcess) -> str:
    return f"; the last lines of {child.command.log}:\n{child.tail()}"
