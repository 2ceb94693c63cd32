"""The environment of the started processes, and its secrets, which are created once and kept."""

from __future__ import annotations

import json
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from local_airflow.settings import LOOPBACK, ROOT, USER, AirflowSettings, LaunchError

#: Variables that would change Python (without bytecode Airflow starts twice as slowly) or are for another Airflow.
_DROPPED: Final = (
    *("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE"),
    *("AIRFLOW", "COLLECTIVE_INSIGHTS", "PG"),
)
#: Airflow uses an old name of a pattern class of pathspec, and would fill every task log with the warning.
_WARNINGS: Final = "ignore:GitWildMatchPattern:DeprecationWarning"
#: Settings that every Airflow here shares.
_CONFIG: Final = Path(__file__).with_name("airflow.cfg")


@dataclass(frozen=True)
class Keys:
    """Secrets that Airflow would otherwise create at each start, and the password of the login; new by default."""

    fernet_key: str = field(default_factory=lambda: urlsafe_b64encode(os.urandom(32)).decode(), repr=False)
    jwt_secret: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)
    api_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)


def base_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of every process: the user's, without what changes Airflow, and no proxy for loopback."""
    source = os.environ if environment is None else environment
    kept = {k: v for k, v in source.items() if not k.startswith(_DROPPED) and not k.lower().endswith("_proxy")}
    kept |= {"NO_PROXY": "*", "no_proxy": "*", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": _WARNINGS}
    if sys.platform == "darwin":
        kept["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return kept


def airflow_environment(settings: AirflowSettings, keys: Keys, database_url: str) -> dict[str, str]:
    """Return the environment of all processes of one Airflow."""
    folders = (str(ROOT / "plugins"), str(ROOT / "include"))
    options = _options(settings, keys, database_url)
    return {
        **base_environment(),
        **{f"AIRFLOW__{name.upper().replace('.', '__')}": value for name, value in options.items()},
        "AIRFLOW_HOME": str(settings.folder / "airflow"),
        "AIRFLOW_CONFIG": str(_CONFIG),
        "PYTHONPATH": os.pathsep.join(folders),
        "COLLECTIVE_INSIGHTS_CONFIG": str(settings.connectors),
        "COLLECTIVE_INSIGHTS_STAGING": f"file://{settings.staging}",
        **settings.environment,
    }


def _options(settings: AirflowSettings, keys: Keys, database_url: str) -> dict[str, str]:
    return {
        "core.dags_folder": str(settings.dags),
        "core.plugins_folder": str(ROOT / "plugins"),
        "core.parallelism": str(settings.parallelism),
        "core.fernet_key": keys.fernet_key,
        "core.execution_api_server_url": f"{settings.url}/execution/",
        "core.simple_auth_manager_users": f"{USER}:admin",
        "core.simple_auth_manager_passwords_file": str(settings.folder / "airflow" / "passwords.json"),
        "database.sql_alchemy_conn": database_url,
        "api.host": LOOPBACK,
        "api.port": str(settings.port),
        "api.base_url": settings.url,
        "api.secret_key": keys.api_secret,
        "api_auth.jwt_secret": keys.jwt_secret,
        "scheduler.scheduler_idle_sleep_time": str(settings.idle_sleep_s),
    }


def load_keys(path: Path) -> Keys:
    """Return the keys stored in `path`; create them first if it does not exist, readable only by its owner."""
    if not path.exists():
        write_secret(path, json.dumps(asdict(Keys()), indent=2))
    try:
        stored = json.loads(path.read_text())
        return Keys(**{name: stored[name] for name in asdict(Keys())})
    except (ValueError, TypeError, KeyError) as err:
        raise LaunchError(f"{path} has no valid keys. Run `make clean`, which also deletes the demo's data.") from err


def write_secret(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600, completely or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)
