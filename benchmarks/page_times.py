"""Times of the pages: milliseconds of requests to a real Airflow, with ledgers of three sizes."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import requests
from sqlalchemy import text

from benchmarks.filled_ledger import CONNECTORS, fill_ledger
from benchmarks.fresh_ledger import make_ledger
from benchmarks.page_queries import QUICK_SIZES, SIZES, compare_sizes
from benchmarks.row import Options, Row, show_count
from local_airflow.airflow_api import AirflowApi
from local_airflow.airflow_server import AirflowAddress, running_airflow
from local_airflow.ports import find_free_port
from local_airflow.postgres import POSTGRES_USER, PostgresAddress
from local_airflow.settings import AirflowSettings, Connection

REPETITIONS = 9
PATIENCE_S = 180.0
LEDGER = "collective_insights_ledger"

_NAMES = [f"{'okta' if number % 2 else 'sentinelone'}-{number}" for number in range(1, CONNECTORS + 1)]
_SAMPLES = text(
    """
    SELECT (SELECT event_id FROM dropped_event LIMIT 1), (SELECT event_id FROM detection LIMIT 1),
           (SELECT indicator FROM detection WHERE indicator_type = 'ip' LIMIT 1)
    """
)


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who is logged in and opens pages."""

    session: requests.Session
    url: str

    def time(self, path: str, parameters: Mapping[str, str]) -> float:
        """Return the milliseconds of one request, until the answer is complete."""
        started = time.perf_counter()
        answer = self.session.get(f"{self.url}/collective-insights/api/{path}", params=parameters, timeout=60)
        taken = (time.perf_counter() - started) * 1000
        assert answer.status_code == 200, answer.text
        return taken


def run(options: Options) -> Iterator[Row]:
    """Yield a row for each request: with the largest ledger, compared with the smaller ones."""
    sizes, now = QUICK_SIZES if options.quick else SIZES, datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="benchmark-pages-") as folder:
        settings = _make_settings(Path(folder))
        options.say("starting Airflow")
        with running_airflow(settings) as airflow:
            _wait_for_dags(airflow.api())
            found = [_measure(airflow, settings, size, now, options) for size in sizes]
    for what, case in found[0]:
        yield compare_sizes(f"page: {what}", case, sizes, [each[what, case] for each in found])


def _make_settings(folder: Path) -> AirflowSettings:
    entries = [{"name": name, "source": name.partition("-")[0], "debug": False} for name in _NAMES]
    connectors = folder / "connectors.yaml"
    connectors.write_text(json.dumps({"connectors": entries}), encoding="utf-8")
    home = folder / "airflow"
    home.mkdir()
    return AirflowSettings(folder=home, port=find_free_port(), connectors=connectors, keep_database=False)


def _wait_for_dags(api: AirflowApi) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(api.list_all("/dags", "dags")) < CONNECTORS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Airflow did not find {CONNECTORS} DAGs within {PATIENCE_S:.0f} s")
        time.sleep(0.5)


def _measure(
    airflow: AirflowAddress, settings: AirflowSettings, size: int, now: datetime, options: Options
) -> dict[tuple[str, str], float]:
    options.say(f"{show_count(size)} detections")
    samples = _fill(airflow.postgres, f"ledger_{size}", size, now)
    airflow.api().put_connection(_ledger(airflow.postgres, f"ledger_{size}"))
    reader = _log_in(airflow)
    times = {}
    for what, case, path, parameters in _list_requests(samples, now):
        reader.time(path, parameters)  # the first one opens connections and fills the database's memory
        times[what, case] = median(reader.time(path, parameters) for _ in range(REPETITIONS))
    return times


def _fill(postgres: PostgresAddress, database: str, size: int, now: datetime) -> Sequence[str]:
    engine = make_ledger(postgres, database)
    fill_ledger(engine, size, now)
    with engine.connect() as connection:
        return list(connection.execute(_SAMPLES).one())


def _ledger(postgres: PostgresAddress, database: str) -> Connection:
    return Connection(LEDGER, str(postgres.socket), conn_type="postgres", login=POSTGRES_USER, schema=database)


def _log_in(airflow: AirflowAddress) -> Reader:
    session = requests.Session()
    session.trust_env = False
    login = {"username": airflow.user, "password": airflow.password}
    token = session.post(f"{airflow.url}/auth/token", json=login, timeout=60).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return Reader(session, airflow.url)


def _list_requests(samples: Sequence[str], now: datetime) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    yield "connectors", f"{CONNECTORS} of them", "connectors", {}
    for days in (7, 30, 4000):
        span = {"since": (now - timedelta(days=days)).isoformat(), "until": now.isoformat()}
        case = f"{days} days" if days < 4000 else "whole ledger"
        for what in ("days", "reasons", "indicators", "techniques"):
            yield what, case, f"trends/{what}", span
    for case, sample in zip(("a dropped event", "a detected event", "a frequent indicator"), samples, strict=True):
        yield "explain", case, "explain", {"q": sample, "connector": _NAMES[0]} if "event" in case else {"q": sample}
