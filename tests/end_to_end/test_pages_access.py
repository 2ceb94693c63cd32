"""The permissions of the pages in a complete Airflow."""

from __future__ import annotations

import json

import pytest
import requests

from tests.end_to_end.conftest import READER, Installation
from tests.end_to_end.tenant import Tenant

pytestmark = pytest.mark.airflow

ANY = "?dag_id=collective_insights_{}&run_id=none&event_id=none&q=none"
PATHS = (
    "connectors",
    "trends/days",
    "trends/indicators",
    "run",
    "run/records",
    "run/record",
    "explain",
    "navigator-layer",
)


def log_in(installation: Installation, user: str) -> requests.Session:
    """Return a session that is logged in."""
    passwords = json.loads((installation.settings.folder / "airflow" / "passwords.json").read_text())
    session = requests.Session()
    answer = session.post(
        f"{installation.address.url}/auth/token", json={"username": user, "password": passwords[user]}, timeout=30
    )
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return session


def ask(
    session: requests.Session, installation: Installation, path: str, name: str = "first-okta"
) -> requests.Response:
    """Return the answer to a page's request about a connector."""
    return session.get(f"{installation.address.url}/collective-insights/api/{path}{ANY.format(name)}", timeout=30)


@pytest.mark.parametrize("path", PATHS)
def test_without_login_there_is_nothing(installation: Installation, path: str) -> None:
    assert ask(requests.Session(), installation, path).status_code == 401


@pytest.mark.parametrize("path", ["run", "run/records", "run/record"])
def test_run_of_another_connector_is_forbidden(
    installation: Installation, first_imports: dict[str, Tenant], path: str
) -> None:
    reader = log_in(installation, READER)
    assert ask(reader, installation, path, "first-sentinelone").status_code == 403
    assert ask(reader, installation, path, "first-okta").status_code == 404


def test_reader_of_one_connector_sees_that_one(installation: Installation) -> None:
    mine = ask(log_in(installation, READER), installation, "connectors").json()
    assert [each["name"] for each in mine["connectors"]] == ["first-okta"]
    everything = ask(log_in(installation, "admin"), installation, "connectors").json()
    assert {"first-okta", "first-sentinelone"} <= {each["name"] for each in everything["connectors"]}
