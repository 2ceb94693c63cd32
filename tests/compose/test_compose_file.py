"""docker-compose.yaml against the Compose Specification, and the rules of this project for it."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from tests.compose.compose_file import (
    FILE,
    ROOT,
    MissingVariableError,
    Service,
    interpolate,
    load,
    required,
    seconds,
    services,
)
from tests.compose.new_variables import new_variables, read_variables, write_env

IMAGES = {"postgres:17", "redis:7.2-bookworm"}
OWN = "collective-insights-airflow:"
ONCE = {"init", "demo-connections"}
SECRETS = {
    "FERNET_KEY",
    "JWT_SECRET",
    "API_SECRET_KEY",
    "POSTGRES_PASSWORD",
    "AIRFLOW_DB_PASSWORD",
    "CELERY_DB_PASSWORD",
    "LEDGER_DB_PASSWORD",
    "REDIS_PASSWORD",
}


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    """The file with the variables of a new deployment."""
    return load(new_variables())


@pytest.fixture(scope="module")
def entries(file: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Its services as written."""
    found: dict[str, dict[str, Any]] = file["services"]
    return found


@pytest.fixture(scope="module")
def read() -> dict[str, Service]:
    """Its services as this test reads them."""
    return services(new_variables())


def test_it_follows_the_compose_specification(file: dict[str, Any]) -> None:
    """Merge keys are part of YAML, not of Compose, so the check gets the resolved file."""
    parsed = compose_spec.PyCompose.from_yaml(yaml.safe_dump(file))
    parsed.validate()
    assert set(parsed.service_names()) == set(file["services"])
    assert "version" not in file


@pytest.mark.parametrize(("broken", "error"), [("commnd", "commnd"), ("healthcheck", "healthcheck")])
def test_the_specification_refuses_what_it_does_not_know(file: dict[str, Any], broken: str, error: str) -> None:
    entry = {"image": "postgres:17", broken: ["true"]}
    with pytest.raises(ValueError, match=error):
        compose_spec.PyCompose.from_yaml(yaml.safe_dump({"services": {"one": entry}}))


def test_every_service_of_celery_is_there(read: dict[str, Service]) -> None:
    always = {name for name, service in read.items() if not service.profiles}
    airflow = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert always == {"postgres", "redis", *airflow}
    assert {name for name in read if name not in always} == {"simulator", "demo-connections"}


def test_there_are_few_images_and_each_is_pinned(read: dict[str, Service]) -> None:
    others = {service.image for service in read.values() if not service.image.startswith(OWN)}
    assert others == IMAGES
    assert len({service.image for service in read.values()} - others) == 1
    assert not any("latest" in service.image for service in read.values())


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_missing_secret_is_named_with_the_script_that_creates_it(name: str) -> None:
    with pytest.raises(MissingVariableError, match=rf"^required variable {name} .*sh deploy/new-env\.sh"):
        load({key: value for key, value in new_variables().items() if key != name})


def test_no_secret_has_a_default() -> None:
    assert required() == SECRETS
    defaults = re.findall(r"\$\{(\w+):-", FILE.read_text(encoding="utf-8"))
    assert not [name for name in defaults if re.search("PASSWORD|SECRET|KEY|TOKEN", name)]
    with pytest.raises(MissingVariableError):
        load({})


def test_the_secrets_file_is_private_and_keeps_its_values(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("REDIS_PASSWORD=mine\nJWT_SECRET=\n# and no end of line")
    env.chmod(0o644)
    written = read_variables(write_env(tmp_path))
    assert written["REDIS_PASSWORD"] == "mine"
    assert env.stat().st_mode & 0o777 == 0o600
    assert set(written) == SECRETS
    assert all(written.values())
    assert read_variables(write_env(tmp_path)) == written


def test_a_new_secrets_file_is_private(tmp_path: Path) -> None:
    assert write_env(tmp_path).stat().st_mode & 0o777 == 0o600


def test_new_secrets_are_long_and_distinct() -> None:
    first, second = new_variables(), new_variables()
    assert set(first) == SECRETS
    assert not {first[name] for name in SECRETS} & {second[name] for name in SECRETS}
    assert len(base64.urlsafe_b64decode(first["FERNET_KEY"])) == 32
    assert len(first["JWT_SECRET"]) >= 64
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{40,}=?", value) for value in first.values())


def test_each_secret_goes_only_to_services_that_need_it() -> None:
    variables = new_variables()
    who = {
        secret: {name for name, entry in load(variables)["services"].items() if variables[secret] in str(entry)}
        for secret in SECRETS
    }
    database = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "demo-connections"}
    assert who["POSTGRES_PASSWORD"] == {"postgres"}
    assert who["AIRFLOW_DB_PASSWORD"] == {"postgres", *database}
    assert who["FERNET_KEY"] == database
    assert who["JWT_SECRET"] == {"api-server", "scheduler"}
    assert who["API_SECRET_KEY"] == {"api-server"}
    # init checks the passwords.
    assert who["LEDGER_DB_PASSWORD"] == {"postgres", "init", "api-server", "worker"}
    assert who["CELERY_DB_PASSWORD"] == {"postgres", "init", "scheduler", "worker"}
    assert who["REDIS_PASSWORD"] == {"redis", "init", "scheduler", "worker"}


def test_each_service_has_a_health_check(read: dict[str, Service]) -> None:
    assert {name for name, service in read.items() if service.health is None} == ONCE
    for service in read.values():
        if service.health is not None:
            assert service.health.timeout_s <= service.health.interval_s * service.health.retries
            assert service.health.interval_s >= 5


def test_each_service_waits_for_its_healthy_dependencies(read: dict[str, Service]) -> None:
    for service in read.values():
        for other, condition in service.conditions.items():
            expected = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert condition == expected, f"{service.name} waits for {other}"
    assert read["init"].conditions.keys() == {"postgres"}
    assert read["api-server"].conditions.keys() == {"init", "postgres"}
    for name in ("scheduler", "worker"):
        assert read[name].conditions.keys() == {"api-server", "redis"}
    for name in ("dag-processor", "triggerer"):
        assert read[name].conditions.keys() == {"api-server"}


def test_services_that_end_by_themselves_are_waited_for(read: dict[str, Service]) -> None:
    """Otherwise, `docker compose up --wait` treats the end of a service as a failure."""
    awaited = {other for service in read.values() for other, what in service.conditions.items() if "completed" in what}
    assert awaited == ONCE


def test_services_that_end_are_restarted(read: dict[str, Service]) -> None:
    assert {name for name, service in read.items() if service.restart != "unless-stopped"} == ONCE
    assert read["worker"].grace_s >= 120


def test_no_service_is_root_or_can_become_root(entries: dict[str, dict[str, Any]]) -> None:
    for name, entry in entries.items():
        assert str(entry["user"]).split(":")[0] not in ("", "0", "root"), name
        assert entry["cap_drop"] == ["ALL"], name
        assert entry["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & entry.keys(), name


def test_only_the_ui_is_published_on_loopback(entries: dict[str, dict[str, Any]]) -> None:
    published = {name: entry["ports"] for name, entry in entries.items() if "ports" in entry}
    assert published == {"api-server": ["127.0.0.1:8080:8080"]}


def test_workers_can_be_scaled(entries: dict[str, dict[str, Any]]) -> None:
    assert not [name for name, entry in entries.items() if {"container_name", "hostname"} & entry.keys()]
    assert "ports" not in entries["worker"]


def test_no_log_server_runs(read: dict[str, Service]) -> None:
    for name in ("scheduler", "triggerer", "worker"):
        assert "--skip-serve-logs" in read[name].argv


def test_open_files_stay_below_what_hosts_allow(entries: dict[str, dict[str, Any]]) -> None:
    assert not [name for name, entry in entries.items() if "ulimits" in entry]


def test_nothing_is_installed_at_the_start(entries: dict[str, dict[str, Any]]) -> None:
    assert "_PIP_ADDITIONAL_REQUIREMENTS" not in str(entries)


def test_project_mounts_exist_and_are_read_only(entries: dict[str, dict[str, Any]]) -> None:
    mounts = {volume for entry in entries.values() for volume in entry["volumes"] if volume.startswith(".")}
    for mount in mounts:
        source, _target, mode = mount.split(":")
        assert (ROOT / source).exists(), mount
        assert mode == "ro", mount
    assert os.access(ROOT / "deploy" / "postgres" / "databases.sh", os.X_OK)


def test_each_named_volume_is_declared(file: dict[str, Any]) -> None:
    named = {volume.split(":")[0] for entry in file["services"].values() for volume in entry["volumes"]}
    assert {name for name in named if not name.startswith(".")} == set(file["volumes"])


def test_one_variable_selects_object_storage() -> None:
    url = "s3://staging@acme-detections/airflow"
    worker = services({**new_variables(), "COLLECTIVE_INSIGHTS_STAGING": url})["worker"]
    assert worker.environment["COLLECTIVE_INSIGHTS_STAGING"] == url


def test_the_demo_is_live_against_the_simulator(read: dict[str, Service]) -> None:
    variables = new_variables("demo")
    assert variables["COMPOSE_PROFILES"] == "demo"
    assert (ROOT / variables["CONNECTORS_FOLDER"] / "connectors.yaml").is_file()
    name = "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"
    assert services(variables)["dag-processor"].environment[name] == "False"
    assert read["dag-processor"].environment[name] == "True"


def test_the_image_is_built_once_and_never_pulled(entries: dict[str, dict[str, Any]]) -> None:
    own = {name: entry for name, entry in entries.items() if entry["image"].startswith(OWN)}
    assert [name for name, entry in own.items() if "build" in entry] == ["init"]
    assert {entry["pull_policy"] for entry in own.values()} == {"never"}


def test_a_wrong_secret_is_reported_before_the_database_is_awaited(read: dict[str, Service]) -> None:
    """The image's entrypoint would try the database first, twenty times."""
    assert read["init"].environment["CONNECTION_CHECK_MAX_COUNT"] == "0"
    assert read["init"].argv[-1].startswith("python deploy/check_secrets.py && ")


def test_the_number_of_workers_is_a_variable() -> None:
    found = [load({**new_variables(), **more})["services"]["worker"]["deploy"] for more in ({}, {"WORKERS": "3"})]
    assert found == [{"replicas": 1}, {"replicas": 3}]


def test_the_simulator_stores_its_data_on_its_volume(entries: dict[str, dict[str, Any]]) -> None:
    simulator = entries["simulator"]
    folder = simulator["command"][simulator["command"].index("--state") + 1]
    (volume,) = [volume for volume in simulator["volumes"] if folder.startswith(volume.split(":")[1] + "/")]
    assert volume == "demo:/opt/airflow/demo"


def test_settings_that_celery_and_the_connectors_need(read: dict[str, Service]) -> None:
    settings = read["worker"].environment
    assert settings["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert settings["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"] == "1"
    assert settings["AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER"] == "1"
    assert settings["AIRFLOW__CELERY__TASK_ACKS_LATE"] == "True"
    assert settings["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"] == "20"
    assert "simple" not in settings["AIRFLOW__CORE__AUTH_MANAGER"].lower()


def test_the_database_takes_two_connections_of_every_slot_and_the_rest(read: dict[str, Service]) -> None:
    """Celery keeps one for the results, a stage one to the ledger: docs/capacity.md."""
    slots = int(read["scheduler"].environment["AIRFLOW__CORE__PARALLELISM"])
    (setting,) = [word for word in read["postgres"].argv if word.startswith("max_connections=")]
    assert int(setting.partition("=")[2]) >= 2 * slots + 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a${X}b", "a1b"), ("${Y:-2}", "2"), ("${X:-2}", "1"), ("$$X", "$X"), ("${Y}", ""), ("${X:?must}", "1")],
)
def test_variables_are_filled_in(text: str, expected: str) -> None:
    assert interpolate(text, {"X": "1"}) == expected


@pytest.mark.parametrize("text", ["$X", "${X-2}", "${X:+2}", "${X:-${Y}}"])
def test_unsupported_syntax_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="begins no variable"):
        interpolate(text, {"X": "1"})


def test_durations_are_read_in_seconds() -> None:
    assert [seconds(text) for text in ("5s", "3m", "1m30s")] == [5, 180, 90]
