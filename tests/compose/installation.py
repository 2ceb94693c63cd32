"""docker-compose.yaml as processes of this machine: its commands, environments, conditions, health checks, restarts.

What differs from containers: hosts and ports (all on loopback, free ports; the addresses of the simulator stay, and
`held/sitecustomize.py` resolves them), /opt/airflow (a temporary folder), and this project's virtual environment in the
place of the image.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis

from local_airflow.environment import base_environment
from local_airflow.guard import session_members
from local_airflow.ports import find_free_port
from local_airflow.processes import ChildProcess, Command, end_all, run_to_end
from tests.compose.compose_file import ROOT, Service, services
from tests.compose.servers import Postgres, RedisAtHand, has_redis_server

HOME = "/opt/airflow"
_POLL_S = 0.2
#: Between two health checks of a service that starts: some take seconds of CPU.
_HEALTH_POLL_S = 3.0
#: Holds stages back when a test asks for it.
_HELD = Path(__file__).with_name("held")
#: A start on a busy machine takes longer than on the one that the file is meant for.
_PATIENCE_S = 120.0


@dataclass
class Installation:
    """All services of the file. `keeper` starts again what ended, as an engine does by the restart policy."""

    folder: Path
    variables: Mapping[str, str]
    ports: dict[str, int] = field(
        default_factory=lambda: {name: find_free_port() for name in ("postgres", "redis", "api-server", "simulator")}
    )
    children: dict[str, ChildProcess] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    _stopped: set[str] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.home = self.folder / "airflow"
        self.redis = None if has_redis_server() else RedisAtHand.find()
        self.services = {name: self._adapt(service) for name, service in services(self.variables).items()}
        self.postgres = Postgres.make(self.folder / "postgres", self.services["postgres"], self.ports["postgres"])
        self._make_home()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def url(self) -> str:
        """The address of the UI and the REST API."""
        return f"http://127.0.0.1:{self.ports['api-server']}"

    def up(self, names: Iterable[str]) -> None:
        """Start services, each once its conditions hold; those without any between them at the same time."""
        waiting = list(names)
        self._keeper.start()
        while waiting:
            ready = [name for name in waiting if not set(self.services[name].conditions) & set(waiting)]
            for name in ready:
                self._begin(name)
            for name in ready:
                self.wait_healthy(name)
            waiting = [name for name in waiting if name not in ready]

    def down(self) -> None:
        """End all, what depends on others first."""
        self._ending.set()
        self._keeper.join()
        servers = ("postgres", "redis")
        end_all(child for name, child in self.children.items() if name not in servers)
        end_all(child for name, child in self.children.items() if name in servers)
        self.postgres.forget()
        if self.redis is not None:
            self.redis.forget()

    def kill(self, name: str) -> None:
        """Kill all processes of a service at once, as a power cut does."""
        for pid in sorted(self.processes(name)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """End a service as its grace allows, and leave it ended."""
        with self._lock:
            self._stopped.add(name)
            end_all([self.children[name]])

    def start(self, name: str) -> None:
        """Start a service that was stopped."""
        with self._lock:
            self._stopped.discard(name)
            self.children[name] = ChildProcess(self._command(name))

    def restart(self, name: str) -> None:
        """Do as `docker compose restart`."""
        self.stop(name)
        self.start(name)
        self.wait_healthy(name)

    def set_variables(self, **changed: str) -> None:
        """Give other values to variables, in all services that have them."""
        for name, service in self.services.items():
            known = {key: value for key, value in changed.items() if key in service.environment}
            self.services[name] = replace(service, environment={**service.environment, **known})

    def change(self, name: str, **changed: str) -> None:
        """Start a service that was stopped, with other variables."""
        service = self.services[name]
        self.services[name] = replace(service, environment={**service.environment, **changed})
        self.start(name)

    def read_log(self, name: str) -> str:
        """Return what a service has printed since its start."""
        return self._command(name).log.read_text(encoding="utf-8", errors="replace")

    def processes(self, name: str) -> list[int]:
        """Return the ids of a service's processes."""
        guard = self.children[name].pid
        leaders = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(pid) == guard]  # noqa: PTH208
        return [pid for leader in leaders for pid in session_members(leader)]

    def connect_queue(self) -> redis.Redis:
        """Return a client of the queue."""
        return redis.Redis.from_url(self.services["worker"].environment["AIRFLOW__CELERY__BROKER_URL"])

    @property
    def checked(self) -> list[str]:
        """The services that have a health check; a Redis at hand is not one of this composition."""
        ours = [name for name, service in self.services.items() if service.health is not None]
        return [name for name in ours if name != "redis" or self.redis is None]

    def is_healthy(self, name: str) -> bool:
        """Return what the service's own health check says."""
        health = self.services[name].health
        assert health is not None, f"{name} has no health check"
        return self.ask(name, health.argv, health.timeout_s).returncode == 0

    def wait_healthy(self, name: str) -> None:
        """Wait until a service is well, or has ended well if it has no check."""
        health = self.services[name].health
        if health is None or name not in self.checked:
            return
        deadline = time.monotonic() + health.start_period_s + _PATIENCE_S
        while (answer := self.ask(name, health.argv, health.timeout_s)).returncode != 0:
            tail = self.children[name].tail(40)
            assert time.monotonic() < deadline, f"{name} is not healthy: {answer.stdout}\n{tail}"
            time.sleep(_POLL_S if name == "postgres" else _HEALTH_POLL_S)

    def ask(
        self, name: str, argv: tuple[str, ...], timeout_s: float = 30, **changed: str
    ) -> subprocess.CompletedProcess[str]:
        """Return how a command ends in the environment of a service, of which some may be changed."""
        try:
            return subprocess.run(  # noqa: S603 - the file's own command
                argv,
                env=self._environment(self.services[name]) | changed,
                cwd=self.home,
                timeout=timeout_s,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(argv, 124, "no answer in time")

    def run(self, *argv: str, name: str = "init") -> None:
        """Run a command to its end in the environment of a service."""
        run_to_end(replace(self._command(name), name=argv[0], argv=argv, log=self.folder / "logs" / "run.log"))

    def _begin(self, name: str) -> None:
        if name == "redis" and self.redis is not None:
            return
        if self.services[name].health is None:
            run_to_end(self._command(name))
            return
        self.children[name] = ChildProcess(self._command(name))
        if name == "postgres":
            self._initialise()

    def _initialise(self) -> None:
        self.wait_healthy("postgres")
        self.postgres.initialize()

    def _command(self, name: str) -> Command:
        if name == "postgres":
            return self.postgres.command()
        service = self.services[name]
        return Command(
            name=name,
            argv=service.argv,
            environment=self._environment(service),
            log=self.folder / "logs" / f"{name}-{self.restarts.get(name, 0)}.log",
            cwd=self.home,
            grace_s=min(service.grace_s, 20.0),
        )

    def _environment(self, service: Service) -> dict[str, str]:
        paths = [str(ROOT / "plugins"), str(_HELD), *service.environment.get("PYTHONPATH", "").split(os.pathsep)]
        programs = os.pathsep.join((str(Path(sys.executable).parent), str(self.postgres.home.binaries)))
        return {
            **base_environment(),
            **service.environment,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "TEST_SIMULATOR_PORT": str(self.ports["simulator"]),
        }

    def _keep(self) -> None:
        while not self._ending.wait(_POLL_S):
            with self._lock:
                for name, child in self.children.items():
                    wanted = self.services[name].restart == "unless-stopped" and name not in self._stopped
                    if wanted and child.poll() is not None:
                        self.restarts[name] = self.restarts.get(name, 0) + 1
                        child.ask_to_end()  # it has ended; its pipe is still open
                        self.children[name] = ChildProcess(self._command(name))

    def _adapt(self, service: Service) -> Service:
        """Return the service with the hosts, ports and folders of this machine."""
        own = {"PGPORT": "postgres", "REDIS_PORT": "redis", "AIRFLOW__API__PORT": "api-server"}
        environment = {key: self._localise(value) for key, value in service.environment.items()}
        environment |= {key: str(self.ports[name]) for key, name in own.items() if key in environment}
        health = service.health
        if health is not None:
            health = replace(health, argv=tuple(map(self._localise, health.argv)))
        return replace(service, environment=environment, health=health, argv=tuple(map(self._localise, service.argv)))

    def _localise(self, text: str) -> str:
        ports = self.ports
        known = {
            "postgres:5432": f"127.0.0.1:{ports['postgres']}",
            '"host": "postgres", "port": 5432': f'"host": "127.0.0.1", "port": {ports["postgres"]}',
            "redis:6379/0": f"127.0.0.1:{ports['redis']}/0",
            "redis-server -": "redis-server - --bind 127.0.0.1",
            "dir /data": f"dir {self.folder}",
            "api-server:8080": f"127.0.0.1:{ports['api-server']}",
            "localhost:8099": f"localhost:{ports['simulator']}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - it is what is replaced
            HOME: str(self.home),
        }
        for theirs, ours in known.items():
            text = text.replace(theirs, ours)
        if self.redis is not None and text.startswith("redis://"):
            return self.redis.url
        return str(ports["simulator"]) if text == "8099" else text

    def _make_home(self) -> None:
        for name in ("logs", "staging", "demo", "connectors"):
            (self.home / name).mkdir(parents=True)
        for name in ("dags", "plugins", "include"):
            (self.home / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "deploy", self.home / "deploy")
        connections = self.home / "deploy" / "demo" / "connections.json"
        connections.write_text(connections.read_text().replace(HOME, str(self.home)))


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return 0
