"""The launcher's folder: closed to other users of the machine, held by one demo at a time."""

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
#: The user `nobody` passes through on the way to its database, when root runs this (see `postgres.py`).
_PASSAGE: Final = 0o711
#: How long the processes of a killed demo may take to end.
ENDING_S: Final = 60.0


def make_folder(folder: Path) -> None:
    """Create a folder that other users of the machine cannot list, or close one that exists."""
    folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
    folder.chmod(_PASSAGE if os.geteuid() == 0 else _OWN)


def temporary_folder(folder: Path) -> Path:
    """Return the path in the system's temporary folder for what cannot be in `folder`; create nothing."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"ci-demo-{os.getuid()}-{digest}"


def make_temporary_folder(folder: Path) -> Path:
    """Return `temporary_folder(folder)`, created; LaunchError if another user was there first."""
    place = temporary_folder(folder)
    place.mkdir(mode=_PASSAGE, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise LaunchError(f"{place} belongs to another user: remove it, or set TMPDIR to a folder that is yours.")
    return place


def remove_temporary_folder(folder: Path) -> None:
    """Remove `temporary_folder(folder)` if it exists."""
    place = temporary_folder(folder)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


@contextmanager
def held_lock(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the folder's lock; LaunchError if another demo runs.

    Right after a kill the guards of the killed demo still end its processes: call `on_wait`, and wait for them.
    """
    make_folder(folder)
    path = folder / "lock"
    try:
        holding = FileLock(path, mode=0o600).acquire(timeout=0)
    except Timeout:
        owner = path.read_text()
        raise LaunchError(f"A demo already runs in {folder.parent} (process {owner}): end it first.") from None
    with holding:
        left = find_guards(folder / "logs")
        if left:
            on_wait()
            if psutil.wait_procs(left, ENDING_S)[1]:
                raise LaunchError(f"The processes of an earlier demo in {folder.parent} have not ended yet.")
        path.write_text(str(os.getpid()))
        yield
