"""What can be set: by the variables given to make, or by a test that starts an Airflow of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from demo.errors import SettingsError

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".demo"
LOOPBACK: Final = "127.0.0.1"
USER: Final = "admin"
STAGES: Final = ("extract", "filter", "map", "validate", "submit")

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True)
class Connector:
    """A connector the demo shows; `source_type` is what its stored detections carry in `ioc.source_type`."""

    name: str
    source_type: str

    @property
    def dag_id(self) -> str:
        """The id of the connector's DAG."""
        return f"collective_insights_{self.name}"


CONNECTORS: Final = (Connector("okta", "Okta"), Connector("sentinelone", "SentinelOne"))


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
    root: Path = ROOT
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
        """The folder of the processes' logs (the tasks' logs are Airflow's own, below `airflow`)."""
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
    folder: Path = FOLDER
    dags: Path = ROOT / "dags"
    connectors: Path = ROOT / "include" / "demo" / "connectors.yaml"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DemoSettings:
        """Returns the settings of `PORT`, `SIMULATOR_PORT` and `ONCE`; SettingsError names a wrong value."""
        port = _read_port(environment, "PORT", cls.port)
        simulator_port = _read_port(environment, "SIMULATOR_PORT", cls.simulator_port)
        if port == simulator_port:
            raise SettingsError(f"PORT and SIMULATOR_PORT are both {port}: choose two different ports.")
        return cls(port=port, simulator_port=simulator_port, once=_read_switch(environment, "ONCE"))


def _read_port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingsError(f"{name}={text} is no port: use a number from 1 to 65535.")
    return int(text)


def _read_switch(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text not in _TRUE | _FALSE:
        raise SettingsError(f"{name}={text} is neither on nor off: use {name}=1, or leave it out.")
    return text in _TRUE
