"""PostgreSQL and Redis as the services of docker-compose.yaml, on ports of loopback, to be stopped and started."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from local_airflow.environment import base_environment
from local_airflow.folder import remove_temporary_folder
from local_airflow.postgres import PostgresHome, prepare_home
from local_airflow.processes import Command
from tests.compose.compose_file import ROOT, Service

#: An available Redis, with the number of an unused database.
VARIABLE = "REDIS_TEST_URL"
_DEFAULT = "redis://127.0.0.1:6379/7"


@dataclass(frozen=True)
class Postgres:
    """The embedded PostgreSQL, reached by TCP and password as in the composition."""

    folder: Path
    home: PostgresHome
    service: Service
    port: int
    log: Path

    @classmethod
    def make(cls, folder: Path, service: Service, port: int) -> Postgres:
        """Return a server on a new, empty volume."""
        home = prepare_home(folder)
        home.make_own(home.data)
        secret = home.socket / "password"  # a folder that PostgreSQL's user may enter
        secret.write_text(service.environment["POSTGRES_PASSWORD"])
        account = home.account
        if account is not None:
            os.chown(secret, account.user, account.group)
        options = ["--username=postgres", f"--pwfile={secret}", "--auth-local=trust", "--auth-host=scram-sha-256"]
        subprocess.run(  # noqa: S603 - fixed command
            [home.program("initdb"), "-D", str(home.data), "--encoding=UTF8", "--no-locale", "--no-sync", *options],
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            env=base_environment(),
            capture_output=True,
            check=True,
        )
        secret.unlink()
        return cls(folder, home, service, port, folder.parent / "logs" / "postgres.log")

    def command(self) -> Command:
        """Return the command that starts it."""
        return Command(
            name="postgres",
            argv=(
                *(self.home.program("postgres"), "-D", str(self.home.data), "-k", str(self.home.socket)),
                *("-p", str(self.port), "-c", "listen_addresses=127.0.0.1"),
            ),
            environment=base_environment(),
            log=self.log,
            cwd=Path("/"),
            stop_signal=signal.SIGINT,
            grace_s=self.service.grace_s,
            account=self.home.account,
        )

    def initialize(self) -> None:
        """Do what the image does on an empty volume: run the script that is mounted for it."""
        environment = {
            **base_environment(),
            **self.service.environment,
            "PATH": f"{self.home.binaries}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": str(self.home.socket),
            "PGPORT": str(self.port),
            "POSTGRES_USER": "postgres",
        }
        script = ROOT / "deploy" / "postgres" / "databases.sh"
        subprocess.run([str(script)], env=environment, capture_output=True, check=True)  # noqa: S603 - the project's own

    def forget(self) -> None:
        """Remove files outside its folder."""
        remove_temporary_folder(self.folder)


@dataclass(frozen=True)
class RedisAtHand:
    """A shared Redis: only this test's keys are changed, and the server is not stopped."""

    url: str

    @classmethod
    def find(cls) -> RedisAtHand:
        """Return a Redis that answers. Without one, a test fails in CI and is skipped elsewhere."""
        url = os.environ.get(VARIABLE, _DEFAULT)
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
                client.ping()
        except redis.RedisError as err:
            reason = f"The queue needs Redis: install redis-server, or name a Redis in {VARIABLE} ({err})."
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return cls(url)

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def cut(self) -> None:
        """End all connections to the database, as far as possible only those of this test."""
        number = urlsplit(self.url).path.strip("/")
        with redis.Redis.from_url(self.url) as client:
            for one in client.client_list():
                if one["db"] == number and one["id"] != str(client.client_id()):
                    client.client_kill_filter(_id=one["id"])

    def forget(self) -> None:
        """Delete the queue's keys."""
        with redis.Redis.from_url(self.url) as client:
            client.delete("default", "unacked", "unacked_index", "unacked_mutex", *client.keys("_kombu.binding.*"))


def has_redis_server() -> bool:
    """Return whether this machine can start a Redis for the test."""
    return shutil.which("redis-server") is not None
