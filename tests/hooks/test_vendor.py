"""An Airflow Connection, however it was entered, becomes a client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from airflow.providers.http.hooks.http import HttpHook

from ci_operators.core.errors import ConfigurationError
from ci_operators.hooks.vendor import VendorHook
from ci_operators.recorded_future.api import API as RECORDED_FUTURE
from ci_operators.sources.okta.api import API as OKTA
from ci_operators.sources.sentinelone.api import API as SENTINELONE
from ci_operators.transport.client import Client
from simulator import Simulator, serve
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN

TOKEN = "00aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcd"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with serve(Simulator(scenario=False)) as running:
        yield running


def connect(monkeypatch: pytest.MonkeyPatch, connection: Mapping[str, object] | str) -> Client:
    text = connection if isinstance(connection, str) else json.dumps(connection)
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_TEST", text)
    return VendorHook(OKTA, "okta_test").get_client()


@pytest.mark.parametrize(
    "connection",
    [
        {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN},
        {"conn_type": "http", "host": "https://acme.okta.com/", "password": TOKEN},
        {"conn_type": "http", "host": "https://acme-admin.okta.com/admin/dashboard", "password": TOKEN},
        {"conn_type": "http", "schema": "https", "host": "acme.okta.com", "password": TOKEN},
        {"conn_type": "http", "schema": "https", "host": "acme.okta.com", "port": 443, "password": TOKEN},
        {"conn_type": "http", "host": "https://acme.okta.com", "port": 443, "password": f" SSWS {TOKEN}\n"},
        {"conn_type": "http", "host": "'https://acme.okta.com'", "password": TOKEN},
        {"conn_type": "okta", "host": "acme.okta.com", "login": "somebody", "password": TOKEN},
        f"http://:{TOKEN}@acme.okta.com",
        f"http://:{TOKEN}@acme.okta.com:443/https",
        f"https://:{TOKEN}@acme.okta.com",
        f"http://:{TOKEN}@https%3A%2F%2Facme.okta.com",
    ],
)
def test_every_form_of_a_connection_gives_the_same_client(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object] | str
) -> None:
    client = connect(monkeypatch, connection)
    assert client.base_url == "https://acme.okta.com"
    assert client.auth_header == ("Authorization", f"SSWS {TOKEN}")


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"host": "acme.okta.com", "port": 8443}, "https://acme.okta.com:8443"),
        ({"host": "https://acme.okta.com:8443", "port": 8443}, "https://acme.okta.com:8443"),
        ({"host": "http://127.0.0.1", "port": 8099}, "http://127.0.0.1:8099"),
        ({"host": "127.0.0.1", "schema": "http", "port": 8099}, "http://127.0.0.1:8099"),
        ({"host": "acme.okta.com", "port": 0}, "https://acme.okta.com"),
    ],
)
def test_schema_and_port_have_fields_of_their_own(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], url: str
) -> None:
    assert connect(monkeypatch, {"conn_type": "http", "password": TOKEN, **connection}).base_url == url


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        ({"host": "acme.okta.com"}, r"Connection okta_test: password is empty\. Create one in the Okta Admin Console"),
        ({"host": "acme.okta.com", "password": "{token}"}, "okta_test: password is still a placeholder"),
        ({"password": TOKEN}, r"okta_test: host is empty\. Enter it like https://acme\.okta\.com\."),
        ({"host": "http://acme.okta.com", "password": TOKEN}, "okta_test: host .* in the clear: use https"),
        ({"host": "acme.okta.com", "schema": "http", "password": TOKEN}, "okta_test: host .* in the clear: use https"),
        ({"host": "https://yourdomain.okta.com", "password": TOKEN}, "okta_test: host .* is still a placeholder"),
        ({"host": "https://[acme.okta.com", "password": TOKEN}, "okta_test: host .* is no address"),
        ({"host": "://acme.okta.com", "password": TOKEN}, "okta_test: host .* is no address"),
    ],
)
def test_a_connection_that_cannot_be_right_is_refused_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        connect(monkeypatch, {"conn_type": "http", **connection})
    assert TOKEN not in str(refusal.value)


def test_a_missing_connection_is_named_with_what_to_create() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        VendorHook(SENTINELONE, "sentinelone_emea").get_client()
    assert str(refusal.value) == (
        "Airflow Connection sentinelone_emea does not exist: create it under Admin > Connections with the URL of "
        "SentinelOne as host and the API token as password."
    )


def test_recorded_future_has_a_url_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_RF_TEST", json.dumps({"conn_type": "http", "password": RECORDED_FUTURE_TOKEN}))
    client = VendorHook(RECORDED_FUTURE, "rf_test").get_client()
    assert client.base_url == "https://api.recordedfuture.com"


def test_proxies_certificates_and_headers_of_the_extra_reach_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {
        "proxies": {"https": "http://proxy.acme.org:3128"},
        "verify": "/etc/ssl/acme.pem",
        "cert": "/etc/ssl/client.pem",
        "trust_env": False,
        "X-Tenant": "emea",
    }
    connection = {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN, "extra": extra}
    session = connect(monkeypatch, connection).session
    assert session.proxies == extra["proxies"]
    assert (session.verify, session.cert, session.trust_env) == (extra["verify"], extra["cert"], False)
    assert session.headers["X-Tenant"] == "emea"


def test_by_default_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    session = connect(monkeypatch, {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN}).session
    assert session.verify is True


def test_a_broken_extra_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN, "extra": "{not json"}
    assert connect(monkeypatch, connection).session.verify is True


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect(monkeypatch, {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN})
    hook = VendorHook(OKTA, "okta_test")
    for shown in (client, hook, hook.get_credentials()):
        assert TOKEN not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    ("api", "token", "sentence"),
    [
        (OKTA, OKTA_TOKEN, "Okta: "),
        (SENTINELONE, SENTINELONE_TOKEN, "SentinelOne: the token may read threats."),
        (RECORDED_FUTURE, RECORDED_FUTURE_TOKEN, "Recorded Future: the token may submit detections."),
    ],
    ids=["okta", "sentinelone", "recorded_future"],
)
def test_connection_test_makes_one_authenticated_call(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, api: object, token: str, sentence: str
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_VENDOR_TEST", json.dumps({"conn_type": "http", "host": simulator.url, "password": token})
    )
    simulator.clear_requests()
    works, words = VendorHook(api, "vendor_test").test_connection()  # type: ignore[arg-type]  # one of three Apis
    assert works
    assert words.startswith(sentence)
    assert [entry.status for entry in simulator.requests] == [200]
    assert not simulator.detections


def test_it_is_the_http_providers_hook() -> None:
    assert issubclass(VendorHook, HttpHook)
    assert VendorHook.conn_name_attr == "http_conn_id"
