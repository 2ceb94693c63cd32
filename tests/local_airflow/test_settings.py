"""The variables of `make demo`, and the environment of its processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from local_airflow.__main__ import demo
from local_airflow.environment import airflow_environment, base_environment, load_keys
from local_airflow.settings import AirflowSettings, LaunchError


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "x"}, "(env var: 'PORT'): 'x' is not a valid integer range."),
        ({"SIMULATOR_PORT": "65536"}, "(env var: 'SIMULATOR_PORT'): 65536 is not in the range 1<=x<=65535."),
        ({"ONCE": "perhaps"}, "(env var: 'ONCE'): 'perhaps' is not a valid boolean."),
        ({"PORT": "8099", "ONCE": "0"}, "PORT and SIMULATOR_PORT are both 8099: choose two different ports."),
    ],
)
def test_a_wrong_variable_is_a_sentence(variables: dict[str, str], sentence: str) -> None:
    assert sentence in CliRunner().invoke(demo, env=variables).output


def test_the_callers_environment_does_not_affect_the_processes() -> None:
    hostile = {
        "PATH": "/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/elsewhere",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_CONN_OKTA_DEFAULT": "http://real-tenant",
        "COLLECTIVE_INSIGHTS_CONFIG": "/elsewhere.yaml",
        "PGHOST": "real-database",
        "https_proxy": "http://proxy",
    }
    made = base_environment(hostile)
    assert set(hostile) & set(made) == {"PATH"}
    assert made["NO_PROXY"] == "*"


def test_airflow_listens_on_loopback_only_and_its_keys_come_from_the_environment(tmp_path: Path) -> None:
    settings = AirflowSettings(folder=tmp_path, port=1234, connectors=tmp_path / "connectors.yaml")
    keys = load_keys(tmp_path / "keys.json")
    made = airflow_environment(settings, keys, "postgresql+psycopg2://x")
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1234/execution/"
    assert made["AIRFLOW__CORE__FERNET_KEY"] == keys.fernet_key
    assert len(made["AIRFLOW__API_AUTH__JWT_SECRET"].encode()) >= 64
    assert made["COLLECTIVE_INSIGHTS_STAGING"] == f"file://{tmp_path}/staging"


def test_keys_are_created_once(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys.json"
    first = load_keys(path)
    assert load_keys(path) == first
    assert load_keys(tmp_path / "other.json") != first
    assert first.admin_password not in repr(first)
    path.write_text("{}")
    with pytest.raises(LaunchError, match=r"has no valid keys. Run `make clean`"):
        load_keys(path)
