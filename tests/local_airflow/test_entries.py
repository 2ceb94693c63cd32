"""The demo, its Connections and the shipped files match the registries of sources and vendors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from ci_operators.connectors_file import load_connectors
from ci_operators.hooks import load_vendors
from ci_operators.recorded_future.api import API as RECORDED_FUTURE
from ci_operators.sources import SOURCES
from ci_operators.sources.registry import load_source
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.pacing import Pacer
from local_airflow.entries import demo_connections, make_files
from simulator import Simulator, serve
from tests.airflow_home import ROOT


@pytest.mark.parametrize("path", make_files())
def test_the_shipped_files_match_the_registries(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == make_files()[path]


@pytest.mark.parametrize("path", [path for path in make_files() if path.endswith("connectors.yaml")])
def test_every_source_has_a_connector(path: str, tmp_path: Path) -> None:
    (tmp_path / "connectors.yaml").write_text(make_files()[path], encoding="utf-8")
    found = load_connectors(tmp_path / "connectors.yaml")
    assert found.problems == []
    assert [each.source for each in found.connectors] == list(SOURCES)


def test_every_vendor_accepts_the_demo_credentials() -> None:
    with serve(Simulator(scenario=False)) as simulator:
        connections = demo_connections(simulator.url)
        for each in connections:
            api = load_source(each.conn_type).api if each.conn_type in SOURCES else RECORDED_FUTURE
            credentials = Credentials(each.conn_id, each.host, each.password or "", each.extra)
            assert api.check(open_client(api, credentials, requests.Session(), Pacer()))
    assert {each.conn_type for each in connections} == set(load_vendors())


def test_an_example_has_a_placeholder_for_each_field() -> None:
    examples = json.loads(make_files()["include/connections.example.json"])
    assert {each["conn_type"] for each in examples.values()} == {*load_vendors(), "collective_insights_ledger"}
    assert examples["okta_default"] == {
        "conn_type": "okta",
        "host": "https://acme.okta.com",
        "password": "<Okta API Token>",
    }
    app = {"auth": "oauth2", "client_id": "<Client ID>", "private_key": "<Private key>"}
    assert examples["okta_by_oauth2"]["extra"] == app
