"""Operations for local disks only: private folders and files, drafts, and fsync.

fsspec ignores the mode, and with a umask of 022 everybody can read folders. Object storage has no modes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_LOCAL = ("", "file", "local")
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def make_private_folder(folder: Any) -> None:
    """Create the folder and its missing parents with a private mode; the mode of existing folders is not changed."""
    local = _find_local(folder)
    if local is None:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        return
    missing = [each for each in (local, *local.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER_MODE, exist_ok=True)  # another stage can create it first


def make_private_file(path: Any) -> None:
    """Create an empty file that only its owner can read, in place of an existing one, before data is written to it.

    It is created with its mode, not changed to it: who opens a file while it is public can read it later too.
    Does nothing on object storage, where a file exists only after it is written.
    """
    local = _find_local(path)
    if local is not None:
        local.unlink(missing_ok=True)
        os.close(os.open(local, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE))


def remove_drafts(path: Any) -> None:
    """Remove other processes' drafts of an artifact from a local disk, so that they can no longer publish it."""
    local = _find_local(path)
    for draft in local.parent.glob(f".{local.name}.*draft") if local is not None else ():
        draft.unlink(missing_ok=True)


def sync(path: Any) -> None:
    """Flush a file, or the entries of a folder, to a local disk, so that it survives a power failure."""
    local = _find_local(path)
    if local is None:
        return
    descriptor = os.open(local, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _find_local(path: Any) -> Path | None:
    """Return the path on the local disk, None if it is elsewhere."""
    if getattr(path, "protocol", "") not in _LOCAL:  # no isinstance: Airflow 3.1's ObjectStoragePath is always a Path
        return None
    return Path(getattr(path, "path", path))
