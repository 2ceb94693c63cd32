"""What can be set: by the variables given to make, or by a test that starts its own Airflow. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".demo"
DEMO_CONNECTORS: Final = Path(__file__).with_name("connectors.yaml")
LOOPBACK: Final = "127.0.0.1"
USER: Final = "admin"

_SWITCH: Final = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}


class LaunchError(Exception):
    """What ends a start. The text is the one sentence that the person reads: the cause, and what to do."""


@dataclass(frozen=True)
class Connection:
    """An Airflow Connection that is stored before the first task runs."""

    conn_id: str
    host: str
    password: str | None = field(default=None, repr=False)
    conn_type: str = "http"
    login: str | None = None
    schema: str | None = None


@dataclass(frozen=True)
class AirflowSettings:
    """One Airflow: where its files are and where it listens. Everything it writes is below `folder`."""

    folder: Path
    port: int
    connectors: Path
    dags: Path = ROOT / "dags"
    connections: tuple[Connection, ...] = ()
    idle_sleep_s: float = 0.25
    parallelism: int = 8
    keep_database: bool = True
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def url(self) -> str:
        """The address of the UI and the REST API, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs. The tasks' logs are below `airflow`."""
        return self.folder / "logs"

    @property
    def staging(self) -> Path:
        """The folder of the stages' artifacts."""
        return self.folder / "staging"


@dataclass(frozen=True)
class DemoSettings:
    """The variables of `make demo`."""

    port: int = 8080
    simulator_port: int = 8099
    once: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DemoSettings:
        """Return the settings of `PORT`, `SIMULATOR_PORT` and `ONCE`; LaunchError names a wrong value."""
        port = _read_port(environment, "PORT", cls.port)
        simulator_port = _read_port(environment, "SIMULATOR_PORT", cls.simulator_port)
        if port == simulator_port:
            raise LaunchError(f"PORT and SIMULATOR_PORT are both {port}: choose two different ports.")
        once = environment.get("ONCE", "").strip()
        if once.lower() not in _SWITCH:
            raise LaunchError(f"ONCE={once} is neither on nor off: use ONCE=1, or leave it out.")
        return cls(port, simulator_port, _SWITCH[once.lower()])


def _read_port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise LaunchError(f"{name}={text} is not a port: use a number from 1 to 65535.")
    return int(text)
