"""The application as a whole: a login is required, errors have no technical details, and modules are served."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.api_fastapi.app import get_auth_manager
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from ci_operators.pages.application import STATIC, make_application
from tests.pages.conftest import LogIn

ROUTES = [route.path for route in make_application().routes if isinstance(route, APIRoute)]


def test_there_are_routes() -> None:
    assert len(ROUTES) > 8


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_requires_a_login(log_in: LogIn, path: str) -> None:
    path = path.replace("{what}", "days").replace("{form}", "csv")
    answer = log_in("").get(f"{path}?dag_id=collective_insights_okta&run_id=r&event_id=e&q=x")
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_application_has_no_pages_about_itself(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_modules_are_served_and_revalidated(log_in: LogIn) -> None:
    client = log_in("")
    answer = client.get("/static/main.js")
    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/static/../application.py").status_code == 404


def test_versioned_libraries_are_cached_by_the_browser(log_in: LogIn) -> None:
    for library in (STATIC / "vendor").glob("*.js"):
        answer = log_in("").get(f"/static/vendor/{library.name}")
        assert "immutable" in answer.headers["cache-control"]


def test_defect_is_a_sentence_without_its_trace(log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("the secret of the stack")

    client = log_in("reader")
    monkeypatch.setattr(get_auth_manager(), "get_authorized_dag_ids", fail)
    answer = client.get("/api/connectors")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "This page failed. The API server's log shows the error."}
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize(
    "path",
    [
        "run?dag_id=collective_insights_okta&run_id=a%00b",
        "run?dag_id=a%00b&run_id=r",
        "explain?q=%00",
        "run",
        "explain",
    ],
)
def test_wrong_request_is_one_sentence(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/{path}")
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert answer.json()["detail"].endswith(".")
