"""What only a local disk can do: folders and files that only their owner can read, drafts, writing through.

fsspec drops the mode it is given, and a umask of 022 leaves folders open to everybody. Object storage has no modes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_LOCAL = ("", "file", "local")
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_private_folder(folder: Any) -> None:
    """Make the folder and those above it that are missing; the mode of those that are there is their owner's choice."""
    local = _find_local(folder)
    if local is None:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        return
    missing = [each for each in (local, *local.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER_MODE, exist_ok=True)  # another stage may be faster


def make_private_file(path: Any) -> None:
    """Make an empty file in place of whatever is there: who opens it then to write into it finds it closed to others.

    Made with its mode, never changed to it: a file that was open for a moment stays open for who has opened it.
    Does nothing on object storage, where a file is there once it is written.
    """
    local = _find_local(path)
    if local is not None:
        local.unlink(missing_ok=True)
        os.close(os.open(local, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE))


def remove_drafts(path: Any) -> None:
    """Remove the drafts of an artifact that other processes have begun, on a local disk: they publish no more."""
    local = _find_local(path)
    for draft in local.parent.glob(f".{local.name}.*draft") if local is not None else ():
        draft.unlink(missing_ok=True)


def sync(path: Any) -> None:
    """Write a file, or the names in a folder, through to a local disk: a power cut then leaves what was there."""
    local = _find_local(path)
    if local is None:
        return
    descriptor = os.open(local, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _find_local(path: Any) -> Path | None:
    """Return the path on this machine's disk, None if it is elsewhere."""
    if getattr(path, "protocol", "") not in _LOCAL:  # asked first: Airflow 3.1's ObjectStoragePath is always a Path
        return None
    return Path(getattr(path, "path", path))
