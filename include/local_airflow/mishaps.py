"""Sentences for problems of a newcomer's machine: files of another user, a full disk."""

from __future__ import annotations

import errno
import pwd
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg2
from sqlalchemy.exc import DBAPIError

#: With less, PostgreSQL cannot add a segment to its log.
_LITTLE_MB: Final = 64
_FULL: Final = "No space left on device"


def explain_failure(error: Exception, folder: Path) -> str | None:
    """Return a sentence with the cause and what to do, or None for an error that is not a problem of this machine."""
    if _is_full(error, folder):
        free = f"{_free_mb(folder)} MB are free for {folder}"
        return f"The disk is full ({free}). Free some space, then run `make demo` again."
    if isinstance(error, PermissionError):
        return _explain_closed(Path(error.filename or folder), folder)
    if isinstance(error, psycopg2.Error | DBAPIError):  # type: ignore[attr-defined]  # psycopg2 has no types
        first = str(error).strip().partition("\n")[0]
        return f"PostgreSQL failed ({first}). Read its log, {_log(folder)}."
    return None


def _is_full(error: Exception, folder: Path) -> bool:
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or _FULL in str(error):
        return True
    if not isinstance(error, psycopg2.Error | DBAPIError):  # type: ignore[attr-defined]  # psycopg2 has no types
        return False
    # PostgreSQL ends without a message to its clients, and may have deleted the file that did not fit.
    text = ""
    with suppress(OSError):
        text = _log(folder).read_text(errors="replace")
    return _FULL in text or _free_mb(folder) < _LITTLE_MB


def _explain_closed(path: Path, folder: Path) -> str:
    owner = "another user"
    with suppress(OSError, KeyError):
        owner = f"the user {pwd.getpwuid(path.stat().st_uid).pw_name}"
    return (
        f"{path} belongs to {owner} and you cannot read it. Run `make` as that user, or delete {folder}, with the "
        "demo's data, as that user or as root."
    )


def _free_mb(folder: Path) -> int:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(existing).free // 2**20


def _log(folder: Path) -> Path:
    return folder / "logs" / "postgres.log"
