"""The Test button of Airflow's UI works for Connections without a port."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from ci_operators.airflow_plugin.connection_ports import MOST_BYTES, PATH, PortlessTest

BODY = {"connection_id": "okta_acme", "conn_type": "okta", "host": "https://acme.okta.com", "password": "***"}


@pytest.fixture
def api() -> TestClient:
    """Return a client of an application that gives back what it was sent."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["POST", "PATCH"])
    async def echo(request: Request) -> dict[str, Any]:
        body = await request.body()
        return {"length": request.headers.get("content-length"), "size": len(body), "text": body[:500].decode()}

    app.add_middleware(PortlessTest)
    return TestClient(app)


@pytest.mark.parametrize("kind", ["okta", "sentinelone", "recorded_future", "collective_insights_ledger"])
def test_port_0_arrives_as_null(api: TestClient, kind: str) -> None:
    echoed = api.post(PATH, json={**BODY, "conn_type": kind, "port": 0}).json()
    assert json.loads(echoed["text"]) == {**BODY, "conn_type": kind, "port": None}
    assert int(echoed["length"]) == echoed["size"]


def test_port_0_arrives_as_null_below_a_path_and_in_chunks(api: TestClient) -> None:
    text = json.dumps({**BODY, "port": 0}).encode()
    echoed = api.post(f"/airflow{PATH}", content=iter([text[:20], text[20:]])).json()
    assert json.loads(echoed["text"])["port"] is None


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({**BODY, "port": 443}),
        json.dumps({**BODY, "port": False}),
        json.dumps({**BODY, "port": None}),
        json.dumps(BODY),
        json.dumps({**BODY, "conn_type": "http", "port": 0}),
        json.dumps({**BODY, "conn_type": "postgres", "port": 0}),
        json.dumps({**BODY, "conn_type": "collective_insights_ledger", "port": 5432}),
        json.dumps({**BODY, "conn_type": ["okta"], "port": 0}),
        "[]",
        "",
        "{no json",
        "[" * 100_000,
    ],
)
def test_everything_else_arrives_as_it_was_sent(api: TestClient, body: str) -> None:
    echoed = api.post(PATH, content=body).json()
    assert (echoed["size"], echoed["text"]) == (len(body), body[:500])


def test_other_requests_are_not_read(api: TestClient) -> None:
    text = json.dumps({**BODY, "port": 0})
    assert api.post("/api/v2/connections", content=text).json()["text"] == text
    assert api.patch(PATH, content=text).json()["text"] == text


def test_a_body_too_large_for_a_form_passes_unchanged(api: TestClient) -> None:
    body = json.dumps({**BODY, "extra": "x" * (MOST_BYTES + 5)})
    assert api.post(PATH, content=iter([body[:700_000].encode(), body[700_000:].encode()])).json()["size"] == len(body)
