"""For the whole suite: no socket leaves this machine, examples are the same each time, golden files have a switch."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ci_operators.airflow_plugin.versions import HAS_PAGES, HAS_RETRY_POLICIES
from ci_operators.attack import use_edition
from simulator import Limits, Simulator, serve
from tests.airflow_home import prepare_airflow_home
from tests.noting_session import NotingSession
from tests.side_by_side import LoadAirflowScheduling, is_long, rank
from tests.virtual_time import VirtualTime

prepare_airflow_home()

#: What needs a class that older versions of Airflow do not have.
collect_ignore = [
    *([] if HAS_RETRY_POLICIES else ["airflow_plugin/test_retry_policy.py"]),
    *([] if HAS_PAGES else ["airflow_plugin/test_plugin.py", "airflow_plugin/test_preload.py", "dags"]),
]

#: Fixtures for a ledger in a real PostgreSQL, for every folder.
pytest_plugins = ("tests.ledger_database",)

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that rewrites the golden files."""
    parser.addoption(
        "--update-golden", action="store_true", help="write into the golden files what the code gives; review the diff"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Block sockets beyond loopback in every test; pytest-socket reads its options after this hook."""
    config.option.allow_hosts = config.option.allow_hosts or "127.0.0.1,::1"
    config.option.allow_unix_socket = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that take longest and wait most; neither they nor generated examples count for coverage."""
    items.sort(key=lambda item: rank(PurePosixPath(item.path)))
    for item in items:
        if is_long(PurePosixPath(item.path)) or item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported, and run it rarely: it took an eighth of the unit tests' CPU."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadAirflowScheduling:
    """Share the tests out by file, and by Airflow."""
    return LoadAirflowScheduling(config, log)


@pytest.fixture
def virtual_time() -> VirtualTime:
    """Return a clock at noon that moves only when somebody sleeps."""
    return VirtualTime()


@pytest.fixture
def session() -> Iterator[NotingSession]:
    """Give a session that remembers what it sent."""
    with NotingSession() as open_session:
        yield open_session


@pytest.fixture
def vendors(virtual_time: VirtualTime) -> Iterator[Simulator]:
    """Serve the three vendors on loopback, empty and without rate limits, in virtual time."""
    with serve(Simulator(clock=virtual_time, scenario=False, limits=Limits.off())) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def shipped_attack_edition() -> Iterator[None]:
    """Bring the shipped edition of ATT&CK back after a test that uses another one."""
    yield
    use_edition(None)
