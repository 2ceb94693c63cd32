"""The variables of `make demo`, and the environment of what it starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from local_airflow.environment import airflow_environment, base_environment, load_keys
from local_airflow.settings import AirflowSettings, DemoSettings, LaunchError


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (8080, 8099, False)),
        ({"PORT": "9000", "SIMULATOR_PORT": "9001", "ONCE": "1"}, (9000, 9001, True)),
        *(({"ONCE": text}, (8080, 8099, False)) for text in ("", "0", "no", "False")),
    ],
)
def test_variables_are_read(variables: dict[str, str], expected: tuple[int, int, bool]) -> None:
    settings = DemoSettings.from_environment(variables)
    assert (settings.port, settings.simulator_port, settings.once) == expected


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "80.0", "\u0663"])
def test_a_wrong_port_is_named(text: str) -> None:
    with pytest.raises(LaunchError, match=rf"^SIMULATOR_PORT={re.escape(text)} is not a port"):
        DemoSettings.from_environment({"SIMULATOR_PORT": text})


def test_a_wrong_switch_is_named() -> None:
    with pytest.raises(LaunchError, match=r"^ONCE=perhaps is neither on nor off"):
        DemoSettings.from_environment({"ONCE": "perhaps"})


def test_equal_ports_are_refused() -> None:
    with pytest.raises(LaunchError, match="both 9000"):
        DemoSettings.from_environment({"PORT": "9000", "SIMULATOR_PORT": "9000"})


def test_the_persons_environment_cannot_change_what_is_started() -> None:
    hostile = {
        "PATH": "/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/elsewhere",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW_CONN_OKTA_DEFAULT": "http://real-tenant",
        "COLLECTIVE_INSIGHTS_CONFIG": "/elsewhere.yaml",
        "PGHOST": "real-database",
        "https_proxy": "http://proxy",
    }
    made = base_environment(hostile)
    assert made["PATH"] == "/bin"
    assert not (set(hostile) - {"PATH"}) & set(made)
    assert made["NO_PROXY"] == "*"


def test_airflow_listens_on_loopback_only_and_its_keys_come_from_the_environment(tmp_path: Path) -> None:
    settings = AirflowSettings(folder=tmp_path, port=1234, connectors=tmp_path / "connectors.yaml")
    keys = load_keys(tmp_path / "keys.json")
    made = airflow_environment(settings, keys, "postgresql+psycopg2://x")
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:1234"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1234/execution/"
    assert made["AIRFLOW__CORE__FERNET_KEY"] == keys.fernet_key
    assert len(made["AIRFLOW__API_AUTH__JWT_SECRET"].encode()) >= 64
    assert made["COLLECTIVE_INSIGHTS_STAGING"] == f"file://{tmp_path}/staging"


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys.json"
    first = load_keys(path)
    assert load_keys(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_keys(tmp_path / "other.json") != first
    assert first.admin_password not in repr(first)
    path.write_text("{}")
    with pytest.raises(LaunchError, match=r"does not hold keys: `make clean` deletes it"):
        load_keys(path)
