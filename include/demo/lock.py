"""One demo per folder. Standard library only: `make clean` asks here without the requirements."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from demo.errors import AlreadyRunningError
from demo.places import make_folder

#: How long the processes of a killed demo may take to end.
ENDING_S: Final = 60.0
_POLL_S: Final = 0.2


@contextmanager
def held_lock(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold the folder's lock and yield its file descriptor; AlreadyRunningError if another demo runs.

    The guards of the demo's processes inherit the descriptor, so the lock is free only when all of them have
    ended: a start right after a kill calls `on_wait` and waits for them.
    """
    make_folder(folder)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, folder, on_wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield handle
    finally:
        os.close(handle)


def _acquire(handle: int, folder: Path, on_wait: Callable[[], None]) -> None:
    deadline = time.monotonic() + ENDING_S
    waiting = False
    while not _try_lock(handle):
        owner = _read_owner(handle)
        if owner is not None and _is_alive(owner):
            raise AlreadyRunningError(f"A demo already runs in {folder.parent} (process {owner}): end it first.")
        if time.monotonic() > deadline:
            raise AlreadyRunningError(f"The processes of an earlier demo in {folder.parent} have not ended yet.")
        if not waiting:
            on_wait()
            waiting = True
        time.sleep(_POLL_S)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(handle: int) -> int | None:
    with suppress(ValueError):
        return int(os.pread(handle, 32, 0))
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
