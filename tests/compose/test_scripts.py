"""The command lines and scripts that containers and people run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.models.connection import Connection
from cryptography.fernet import Fernet
from deploy import check_secrets
from sqlalchemy import URL, create_engine

from local_airflow.ports import find_free_port
from tests.compose.compose_file import ROOT, services
from tests.compose.new_variables import new_variables
from tests.end_to_end.tenant import wait_for

needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server on this machine")


@needs_redis
def test_redis_ends_on_a_signal(tmp_path: Path) -> None:
    """The engine signals the process that it started. That has to be the server, not a shell."""
    service, port = services(new_variables())["redis"], str(find_free_port())
    *shell, script = service.argv
    environment = {"PATH": os.environ["PATH"], **service.environment, "REDIS_PORT": port}
    argv = [*shell, script.replace("dir /data", f"dir {tmp_path}\nbind 127.0.0.1")]
    started = subprocess.Popen(argv, env=environment)  # noqa: S603 - the file's own command
    try:
        assert service.health is not None
        health = service.health.argv
        wait_for(lambda: subprocess.run(health, env=environment, check=False).returncode == 0, "Redis")  # noqa: S603
        wrong = {**environment, "REDIS_PASSWORD": "another"}
        assert subprocess.run(health, env=wrong, check=False, capture_output=True).returncode != 0  # noqa: S603
        program = Path(f"/proc/{started.pid}/exe").readlink().name
        started.send_signal(signal.SIGTERM)
        assert started.wait(timeout=60) == 0
        assert program.startswith("redis")
    finally:
        started.kill()


@pytest.fixture
def secrets(empty_database: URL) -> dict[str, str]:
    """The environment of init, with a database in which Airflow keeps three Connections."""
    address = empty_database.render_as_string(hide_password=False)
    key = Fernet.generate_key()
    engine = create_engine(address)
    Connection.metadata.create_all(engine, [Connection.metadata.tables["team"], Connection.__table__])
    with engine.begin() as connection:
        for name, members in (("okta_default", {"password", "extra"}), ("s3", {"extra"}), ("open", set())):
            row = dict.fromkeys(members, Fernet(key).encrypt(b"{}").decode())
            flags = {"is_encrypted": "password" in members, "is_extra_encrypted": "extra" in members}
            connection.execute(Connection.__table__.insert().values(conn_id=name, conn_type="http", **row, **flags))
    return {
        **{name: value for name, value in new_variables().items() if name.endswith("_PASSWORD")},
        "AIRFLOW__CORE__FERNET_KEY": key.decode(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address,
    }


Check = Callable[..., str]


@pytest.fixture
def check(secrets: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Check:
    """Returns the report about the secrets after some are changed."""

    def run(**changed: str) -> str:
        status, said = check_secrets.main({**secrets, **changed}), capsys.readouterr().err
        assert (status == 0) == (not said)
        return said

    return run


def test_valid_secrets_pass(secrets: dict[str, str], check: Check) -> None:
    assert check() == ""
    old = secrets["AIRFLOW__CORE__FERNET_KEY"]
    assert check(AIRFLOW__CORE__FERNET_KEY=f"{Fernet.generate_key().decode()}, {old}") == ""


def test_any_key_will_do_for_a_new_database(secrets: dict[str, str], check: Check) -> None:
    Connection.__table__.drop(create_engine(secrets["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]))
    assert check(AIRFLOW__CORE__FERNET_KEY=Fernet.generate_key().decode()) == ""


def test_a_key_that_cannot_decrypt_the_connections_is_reported(check: Check) -> None:
    said = check(AIRFLOW__CORE__FERNET_KEY=Fernet.generate_key().decode())
    assert said.startswith("FERNET_KEY does not decrypt the Connections okta_default, s3: it is not the key")


@pytest.mark.parametrize("key", ["", "hunter2hunter2", "ä" * 44])
def test_an_invalid_key_is_reported_without_its_value(check: Check, key: str) -> None:
    said = check(AIRFLOW__CORE__FERNET_KEY=key)
    assert said.startswith("FERNET_KEY is not a Fernet key")
    assert not key or key not in said


@pytest.mark.parametrize("name", ["AIRFLOW_DB_PASSWORD", "CELERY_DB_PASSWORD", "LEDGER_DB_PASSWORD", "REDIS_PASSWORD"])
def test_a_password_that_cannot_be_part_of_a_url_is_reported(check: Check, name: str) -> None:
    for character in '@/%:?#"\\ $':
        said = check(**{name: f"hunter{character}2"})
        assert said.startswith(f"{name} has a character that cannot be part of a URL"), character
        assert "hunter" not in said


def test_a_database_that_refuses_the_password_is_reported(check: Check) -> None:
    said = check(AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://a:hunter2@127.0.0.1:1/a")
    assert said.startswith("Airflow's database rejects AIRFLOW_DB_PASSWORD or does not answer: ")
    assert "hunter2" not in said


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A docker that records its calls and refuses those in the file `refused`."""
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n! grep -qx -- "$*" {tmp_path}/refused\n', encoding="utf-8"
    )
    program.chmod(0o755)
    (tmp_path / "refused").touch()
    return tmp_path


def update(docker: Path) -> list[str]:
    """Return the calls that an update makes."""
    environment = {"PATH": f"{docker}:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", ROOT / "deploy" / "update.sh"], env=environment, check=False)  # noqa: S603
    return (docker / "asked").read_text(encoding="utf-8").splitlines()


def test_an_update_stops_workers_before_the_api_server(docker: Path) -> None:
    assert update(docker) == [
        "compose build",
        "compose stop scheduler",
        "compose stop worker",
        "compose up --detach --wait postgres",
        "compose exec -T postgres sh /docker-entrypoint-initdb.d/databases.sh",
        "compose up --detach --wait",
    ]


def test_an_update_that_cannot_be_built_stops_nothing(docker: Path) -> None:
    (docker / "refused").write_text("compose build\n", encoding="utf-8")
    assert update(docker) == ["compose build"]
