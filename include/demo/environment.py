"""The environment of the started processes: the person's own, without what would change the demo."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

from demo.keys import Keys
from demo.settings import LOOPBACK, USER, AirflowSettings

_DROPPED: Final = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONWARNINGS",
        "PYTHONOPTIMIZE",
    }
)
_DROPPED_PREFIXES: Final = ("AIRFLOW", "COLLECTIVE_INSIGHTS", "PG")
#: Airflow names a pattern class of pathspec by its old name and would fill every task log with the warning.
_WARNINGS: Final = "ignore:GitWildMatchPattern:DeprecationWarning"
#: Measured or required, see each section of Airflow's configuration reference; the same for every Airflow here.
_FIXED: Final[Mapping[str, str]] = {
    "core.load_examples": "False",
    "core.executor": "LocalExecutor",
    "core.mp_start_method": "fork",
    "core.test_connection": "Enabled",
    "core.sensitive_var_conn_names": "x-rftoken",
    "core.simple_auth_manager_users": f"{USER}:admin",
    "api.host": LOOPBACK,
    "workers.min_heartbeat_interval": "1",
    # Airflow opens its tasks' logs to the group by itself, whatever the umask.
    "logging.file_task_handler_new_folder_permissions": "0o700",
    "logging.file_task_handler_new_file_permissions": "0o600",
    # After a kill, tasks that were running are taken up again within a minute instead of five.
    "scheduler.orphaned_tasks_check_interval": "30",
    "scheduler.create_cron_data_intervals": "True",
    "scheduler.enable_health_check": "False",
    "dag_processor.refresh_interval": "15",
    "dag_processor.bundle_refresh_check_interval": "1",
    "dag_processor.min_file_process_interval": "15",
}


def base_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment every process gets.

    Without PYTHONDONTWRITEBYTECODE, which makes Airflow start twice as slow, without settings meant for
    another Airflow, and without proxies: everything here is on loopback.
    """
    source = os.environ if environment is None else environment
    kept = {k: v for k, v in source.items() if k not in _DROPPED and not k.startswith(_DROPPED_PREFIXES)}
    kept = {k: v for k, v in kept.items() if not k.lower().endswith("_proxy")}
    kept |= {"NO_PROXY": "*", "no_proxy": "*", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": _WARNINGS}
    if sys.platform == "darwin":
        kept["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return kept


def airflow_environment(settings: AirflowSettings, keys: Keys, database_url: str) -> dict[str, str]:
    """Returns the environment of all of one Airflow's processes."""
    return {
        **base_environment(),
        **_folders(settings),
        **_sections(settings, keys, database_url),
        **settings.environment,
    }


def passwords_file(settings: AirflowSettings) -> str:
    """Returns the path of the file in which Airflow looks up the login's password."""
    return str(settings.folder / "airflow" / "passwords.json")


def _folders(settings: AirflowSettings) -> dict[str, str]:
    plugins = settings.root / "plugins"
    return {
        "AIRFLOW_HOME": str(settings.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "PYTHONPATH": os.pathsep.join((str(plugins), str(settings.root / "include"))),
        "COLLECTIVE_INSIGHTS_CONFIG": str(settings.connectors),
        "COLLECTIVE_INSIGHTS_STAGING": f"file://{settings.staging}",
    }


def _sections(settings: AirflowSettings, keys: Keys, database_url: str) -> dict[str, str]:
    values = {
        **_FIXED,
        "core.parallelism": str(settings.parallelism),
        "core.fernet_key": keys.fernet_key,
        "core.execution_api_server_url": f"{settings.url}/execution/",
        "core.simple_auth_manager_passwords_file": passwords_file(settings),
        "database.sql_alchemy_conn": database_url,
        "api.port": str(settings.port),
        "api.base_url": settings.url,
        "api.secret_key": keys.api_secret,
        "api_auth.jwt_secret": keys.jwt_secret,
        "scheduler.scheduler_idle_sleep_time": str(settings.idle_sleep_s),
    }
    return {f"AIRFLOW__{name.upper().replace('.', '__')}": value for name, value in values.items()}
