"""The launcher's folder, which other users cannot read and one demo at a time can lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from filelock import FileLock, Timeout

from local_airflow.processes import find_guards
from local_airflow.settings import LaunchError

_OWN: Final = 0o700
#: The user `nobody` passes through on the way to its database if root runs this (see `postgres.py`).
_PASSAGE: Final = 0o711
#: How long the processes of a killed demo can take to end.
ENDING_S: Final = 60.0


def make_folder(folder: Path) -> None:
    """Create a folder that other users of the machine cannot list, or close one that exists."""
    folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
    folder.chmod(_PASSAGE if os.geteuid() == 0 else _OWN)


def temporary_folder(folder: Path) -> Path:
    """Return the path in the system's temporary folder for what cannot be in `folder`, without creating it."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"ci-demo-{os.getuid()}-{digest}"


def make_temporary_folder(folder: Path) -> Path:
    """Create and return `temporary_folder(folder)`; LaunchError if it belongs to another user."""
    place = temporary_folder(folder)
    place.mkdir(mode=_PASSAGE, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise LaunchError(f"{place} belongs to another user. Remove it, or set TMPDIR to one of your folders.")
    return place


def remove_temporary_folder(folder: Path) -> None:
    """Remove `temporary_folder(folder)` if it exists."""
    place = temporary_folder(folder)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


@contextmanager
def held_lock(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the folder's lock; LaunchError if another demo runs.

    After a kill, the guards of the killed demo still end its processes: call `on_wait`, and wait for them.
    """
    make_folder(folder)
    path = folder / "lock"
    try:
        holding = FileLock(path, mode=0o600).acquire(timeout=0)
    except Timeout:
        owner = path.read_text()
        raise LaunchError(f"A demo is already running in {folder.parent} (process {owner}). Stop it first.") from None
    with holding:
        left = find_guards(folder / "logs")
        if left:
            on_wait()
            if psutil.wait_procs(left, ENDING_S)[1]:
                raise LaunchError(f"The processes of an earlier demo in {folder.parent} have not ended yet. Try again.")
        path.write_text(str(os.getpid()))
        yield
