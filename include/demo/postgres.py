"""An embedded PostgreSQL on a Unix socket, without any TCP port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2

from demo.environment import base_environment
from demo.errors import DemoError
from demo.guard import session_members
from demo.postgres_home import PostgresHome
from demo.processes import ChildProcess, Command, running, wait_until

READY_S: Final = 60.0
POSTGRES_USER: Final = "postgres"


@dataclass(frozen=True)
class PostgresAddress:
    """How to reach a running server."""

    socket: Path

    def url(self, database: str) -> str:
        """Returns the SQLAlchemy address of one of its databases."""
        return f"postgresql+psycopg2://{POSTGRES_USER}:@/{database}?host={self.socket}"

    def connect(self, database: str = "postgres") -> Any:
        """Returns a psycopg2 connection that commits each statement."""
        # psycopg2 has no types; the port is named because PGPORT would change the socket's name.
        connection = psycopg2.connect(  # type: ignore[no-untyped-call]
            host=str(self.socket), port=5432, user=POSTGRES_USER, dbname=database, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def query(self, sql: str, parameters: Sequence[object] = (), database: str = "postgres") -> Any:
        """Returns the first value of the first row, or None."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def is_ready(self) -> bool:
        """Returns whether the server answers."""
        try:
            return bool(self.query("SELECT 1") == 1)
        except psycopg2.Error:  # type: ignore[attr-defined]  # psycopg2 has no types
            return False

    def ensure_database(self, name: str) -> None:
        """Create the database if it is not there. The name must be a plain identifier."""
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no plain database name")
        if self.query("SELECT 1 FROM pg_database WHERE datname = %s", (name,)) is None:
            self.query(f'CREATE DATABASE "{name}"')


@contextmanager
def running_postgres(
    home: PostgresHome, log: Path, hold: Sequence[int] = ()
) -> Iterator[tuple[PostgresAddress, ChildProcess]]:
    """Start PostgreSQL in `home` (initialised at first), yield its address, shut it down cleanly."""
    _initialise(home)
    _end_orphan(home)
    address = PostgresAddress(home.socket)
    with running(_server_command(home, log), hold) as child:
        wait_until(address.is_ready, [child], READY_S)
        yield address, child


def _initialise(home: PostgresHome) -> None:
    if (home.data / "PG_VERSION").exists():
        return
    draft = home.data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    home.make_own(draft)
    options = [f"--username={POSTGRES_USER}", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    account = home.account
    made = subprocess.run(  # noqa: S603 - fixed command
        [home.program("initdb"), "-D", str(draft), *options],
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        capture_output=True,
        text=True,
        env=base_environment(),
        check=False,
    )
    if made.returncode != 0:
        raise DemoError(f"PostgreSQL could not make its data folder {home.data}: {made.stderr.strip()}")
    draft.rename(home.data)


def _server_command(home: PostgresHome, log: Path) -> Command:
    return Command(
        name="PostgreSQL",
        argv=(
            home.program("postgres"),
            "-D",
            str(home.data),
            "-k",
            str(home.socket),
            "-c",
            "listen_addresses=",
        ),
        environment=base_environment(),
        log=log,
        cwd=Path("/"),
        stop_signal=signal.SIGINT,  # "fast": ends the connections, writes everything, leaves
        grace_s=30,
        account=home.account,
    )


def _end_orphan(home: PostgresHome) -> None:
    """End a server whose guard was killed too, and forget a pid file that a power cut left.

    PostgreSQL itself takes any living process with the noted id for a server and refuses to start.
    """
    note = home.data / "postmaster.pid"
    if not note.exists():
        return
    pid = int(note.read_text().split("\n", 1)[0])
    if pid not in session_members(pid) or not _is_server_of(pid, home):
        note.unlink()
        return
    for number, patience_s in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if _wait_gone(pid, patience_s):
            break
    note.unlink(missing_ok=True)


def _is_server_of(pid: int, home: PostgresHome) -> bool:
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.exists():
        return os.fsencode(home.data) in listing.read_bytes().split(b"\0")
    shown = subprocess.run(  # noqa: S603 - fixed command
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return str(home.data) in shown.stdout


def _wait_gone(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while pid in session_members(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
