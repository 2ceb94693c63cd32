"""The settings of one Airflow, and where its files are. Standard library only: `install.py` imports it."""

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


class LaunchError(Exception):
    """An error that ends a start. The text is the one sentence that the user reads: the cause, and what to do."""


@dataclass(frozen=True)
class Connection:
    """An Airflow Connection that is stored before the first task runs."""

    conn_id: str
    host: str
    password: str | None = field(default=None, repr=False)
    conn_type: str = "http"
    login: str | None = None
    schema: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class AirflowSettings:
    """One Airflow: where its files are and where it listens. Everything that it writes is below `folder`."""

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
        """Return the address of the UI and the REST API, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def logs(self) -> Path:
        """Return the folder of the processes' logs. The tasks' logs are below `airflow`."""
        return self.folder / "logs"

    @property
    def staging(self) -> Path:
        """Return the folder of the stages' artifacts."""
        return self.folder / "staging"
