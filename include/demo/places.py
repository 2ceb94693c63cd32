"""Folders outside the project, for what cannot live in it. Standard library only, for `make clean`."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from demo.errors import DemoError

_OWN: Final = 0o700
#: What the user `nobody` passes through on the way to its database, when root runs the demo.
_PASSAGE: Final = 0o711


def temporary_folder(folder: Path) -> Path:
    """Returns the path, below the system's temporary folder, that stands for `folder`; creates nothing."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"ci-demo-{os.getuid()}-{digest}"


def make_folder(folder: Path) -> None:
    """Create a folder that other users of the machine cannot look into; also one that an earlier version left open.

    Root's can be passed through by who knows the names in it: its PostgreSQL runs as another user.
    """
    folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
    folder.chmod(_PASSAGE if os.geteuid() == 0 else _OWN)


def make_temporary_folder(folder: Path) -> Path:
    """Returns `temporary_folder(folder)`, created; DemoError if another user was there first."""
    place = temporary_folder(folder)
    place.mkdir(mode=_PASSAGE, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.getuid():
        raise DemoError(f"{place} belongs to another user: remove it, or set TMPDIR to a folder of your own.")
    return place


def remove_temporary_folder(folder: Path) -> None:
    """Remove `temporary_folder(folder)` if it is there."""
    place = temporary_folder(folder)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
