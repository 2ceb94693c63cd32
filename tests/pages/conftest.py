"""The pages' application with Airflow's real tables, login and permissions, but without its servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow import settings
from airflow.api_fastapi import app as api_app
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.models import import_all_models
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import DagRunState
from fastapi.testclient import TestClient
from sqlalchemy import URL, Connection, Engine, create_engine, delete, update
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from ci_operators.core.connector import DAG_PREFIX
from ci_operators.ledger.access import make_engine
from ci_operators.pages.application import make_application
from tests.ledger_database import airflow_connection, new_database
from tests.restricted_access import RestrictedAccess

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
CONNECTORS = """
connectors:
  - {name: okta, source: okta, debug: false}
  - {name: sentinelone, source: sentinelone, debug: false}
  - {name: trial, source: okta, debug: true}
"""
NAMES = ("okta", "sentinelone", "trial")


@pytest.fixture(scope="session")
def metadata_database(postgres_url: URL) -> Iterator[Engine]:
    """Airflow's tables in a PostgreSQL."""
    import_all_models()  # type: ignore[no-untyped-call]  # so in Airflow 3.3
    with new_database(postgres_url) as url:
        engine = create_engine(url, poolclass=NullPool)
        Base.metadata.create_all(engine)
        yield engine


@pytest.fixture
def metadata(metadata_database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session of Airflow's database, which has the DAGs of all connectors and nothing else."""
    maker = sessionmaker(metadata_database)
    monkeypatch.setattr(settings, "Session", maker, raising=False)
    monkeypatch.setattr(settings, "NonScopedSession", maker, raising=False)
    with maker() as session:
        for model in (XComModel, TaskInstance, DagRun, DagModel, DagBundleModel):
            session.execute(delete(model))
        session.add(DagBundleModel(name="dags"))
        session.flush()
        for name in NAMES:
            dag = DagModel(dag_id=f"{DAG_PREFIX}{name}", bundle_name="dags", is_paused=False)  # type: ignore[no-untyped-call]
            session.add(dag)
        session.commit()
        yield session


@pytest.fixture
def connectors_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of three connectors."""
    path = tmp_path / "connectors.yaml"
    path.write_text(CONNECTORS)
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_CONFIG", str(path))
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", f"file://{tmp_path / 'staging'}")
    return path


@pytest.fixture
def ledger(ledger_url: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """The connectors' ledger, without rows, behind its Airflow Connection."""
    monkeypatch.setenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER", airflow_connection(ledger_url))
    with make_engine(ledger_url).connect() as connection:
        yield connection


#: Returns a client that is logged in as a user of this name; "" is not logged in.
LogIn = Callable[[str], TestClient]


@pytest.fixture
def log_in(metadata: Session, connectors_file: Path, monkeypatch: pytest.MonkeyPatch) -> LogIn:
    """A function that returns clients of the pages."""
    del metadata, connectors_file
    monkeypatch.setattr(api_app._AuthManagerState, "instance", RestrictedAccess())  # type: ignore[no-untyped-call]

    def become(username: str) -> TestClient:
        application = make_application()
        if username:
            user = SimpleAuthManagerUser(username=username, role="viewer")
            application.dependency_overrides[get_user] = lambda: user
        return TestClient(application, raise_server_exceptions=False)

    return become


@pytest.fixture
def client(log_in: LogIn) -> TestClient:
    """A client of a user who can read everything."""
    return log_in("reader")


def add_run(session: Session, name: str, run_id: str, state: str = "success", **more: Any) -> DagRun:
    """Store a run of a connector in Airflow's database."""
    values = {"run_type": "scheduled", "run_after": NOW, "logical_date": None, "start_date": NOW}
    run = DagRun(dag_id=f"{DAG_PREFIX}{name}", run_id=run_id, state=DagRunState(state), **{**values, **more})
    run.end_date = NOW + timedelta(seconds=5)
    session.add(run)
    session.commit()
    return run


def set_paused(session: Session, name: str) -> None:
    """Pause a connector's DAG."""
    session.execute(update(DagModel).where(DagModel.dag_id == f"{DAG_PREFIX}{name}").values(is_paused=True))
    session.commit()
