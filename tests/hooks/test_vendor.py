"""An Airflow Connection becomes a client in every form in which it is entered."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from airflow.models.connection import Connection
from airflow.sdk._shared.secrets_masker import redact

from ci_operators.core.errors import ConfigurationError, CredentialsError
from ci_operators.hooks.okta import OktaHook
from ci_operators.hooks.recorded_future import RecordedFutureHook
from ci_operators.hooks.sentinelone import SentinelOneHook
from ci_operators.hooks.vendor import BUTTON_TIMEOUT_S, TypedHook, VendorHook
from ci_operators.recorded_future.api import API as RECORDED_FUTURE
from ci_operators.sources.okta.api import API as OKTA
from ci_operators.sources.sentinelone.api import API as SENTINELONE
from ci_operators.transport.api import Api
from ci_operators.transport.auth import Request, TokenAuth
from ci_operators.transport.client import ATTEMPTS, TIMEOUT_S, Client
from simulator import Simulator, Tokens, serve
from simulator.okta.service_app import CLIENT_ID, ServiceApp
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN
from tests.airflow_home import on_3_2
from tests.sources.okta.key_pairs import pem, rsa_key

Hook = type[TypedHook]
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
        {"conn_type": "claimed_by_another_provider", "host": "https://acme.okta.com", "password": TOKEN},
        {"conn_type": "http", "host": "https://acme-admin.okta.com/admin/dashboard", "password": TOKEN},
        {"conn_type": "http", "schema": "https", "host": "acme.okta.com", "password": TOKEN},
        {"conn_type": "http", "schema": "https", "host": "acme.okta.com", "port": 443, "password": TOKEN},
        {"conn_type": "http", "host": "https://acme.okta.com", "port": 443, "password": f" SSWS {TOKEN}\n"},
        {"conn_type": "http", "host": "'https://acme.okta.com'", "password": TOKEN},
        {"conn_type": "okta", "host": "acme.okta.com", "login": "somebody", "password": TOKEN},
        {"conn_type": "okta", "host": "https://acme.okta.com", "password": TOKEN, "extra": {"auth": "ssws"}},
        # Airflow 3.1 itself refuses it.
        pytest.param(
            {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN, "extra": "{not json"}, marks=on_3_2
        ),
        {"conn_type": "okta", "host": "https://acme.okta.com", "password": TOKEN, "extra": {"auth": None, "kid": ""}},
        f"okta://https://:{TOKEN}@acme.okta.com:443/?auth=ssws",
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
    assert client.auth == TokenAuth("Authorization", f"SSWS {TOKEN}")


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
def test_schema_and_port_have_fields(monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], url: str) -> None:
    assert connect(monkeypatch, {"conn_type": "http", "password": TOKEN, **connection}).base_url == url


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        ({"host": "acme.okta.com"}, r"Connection okta_test: password is empty\. Create one in the Okta Admin Console"),
        ({"host": "acme.okta.com", "password": "{token}"}, "okta_test: password is still a placeholder"),
        ({"password": TOKEN}, r"okta_test: host is empty\. Enter it like https://acme\.okta\.com\."),
        ({"host": "http://acme.okta.com", "password": TOKEN}, "okta_test: host .* sends the token unencrypted"),
        ({"host": "acme.okta.com", "schema": "http", "password": TOKEN}, "okta_test: host .* the token unencrypted"),
        ({"host": "https://yourdomain.okta.com", "password": TOKEN}, "okta_test: host .* is still a placeholder"),
        ({"host": "https://[acme.okta.com", "password": TOKEN}, "okta_test: host .* is not a valid URL"),
        ({"host": "://acme.okta.com", "password": TOKEN}, "okta_test: host .* is not the URL of a web server"),
    ],
)
def test_a_connection_that_cannot_be_right_is_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        connect(monkeypatch, {"conn_type": "http", **connection})
    assert TOKEN not in str(refusal.value)


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


@pytest.mark.parametrize(("verify", "is_told"), [(False, True), (0, True), (None, False), ("/etc/ssl/acme.pem", False)])
def test_unverified_certificates_are_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verify: object, is_told: bool
) -> None:
    extra = {"verify": verify}
    connect(monkeypatch, {"conn_type": "okta", "host": "acme.okta.com", "password": TOKEN, "extra": extra})
    told = "Connection okta_test: verify is false, so anybody between here and Okta can read the token"
    assert (told in capsys.readouterr().out) == is_told


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect(monkeypatch, {"conn_type": "http", "host": "acme.okta.com", "password": TOKEN})
    hook = VendorHook(OKTA, "okta_test")
    for shown in (client, hook, hook.get_credentials()):
        assert TOKEN not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    ("extra", "proxies", "verify"),
    [
        ({"proxy": "http://proxy.acme.org:3128"}, "http://proxy.acme.org:3128", True),
        ({"proxy": None, "verify": None}, None, True),
        ({"proxy": "", "verify": ""}, None, True),
        ({"proxies": {"https": "http://other.acme.org"}, "proxy": None}, "http://other.acme.org", True),
        ({"proxies": {"https": "http://other.acme.org"}, "proxy": "http://a"}, "http://other.acme.org", True),
        ({"proxy": {"https": "http://other.acme.org"}}, "http://other.acme.org", True),
        ({"verify": "/etc/ssl/acme.pem"}, None, "/etc/ssl/acme.pem"),
        ({"verify": False}, None, False),
    ],
)
def test_the_form_s_network_fields_reach_the_session(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], proxies: str | None, verify: object
) -> None:
    connection = {"conn_type": "okta", "host": "acme.okta.com", "password": TOKEN, "extra": extra}
    session = connect(monkeypatch, connection).session
    assert session.proxies.get("https") == proxies
    assert session.verify == verify


def test_credentials_of_the_extra_never_become_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"auth": "oauth2", "client_id": "0oa1", "private_key": pem(rsa_key()), "kid": "key-1", "X-Tenant": "emea"}
    connection = {"conn_type": "okta", "host": "acme.okta.com", "extra": extra}
    client = connect(monkeypatch, connection)
    assert set(client.session.headers) - set(requests.Session().headers) == {"X-Tenant"}
    assert client.session.auth is None


HOOKS = [
    (OktaHook, OKTA, OKTA_TOKEN, "Okta: the token can read the System Log."),
    (SentinelOneHook, SENTINELONE, SENTINELONE_TOKEN, "SentinelOne: the token may read threats and unified alerts."),
    (
        RecordedFutureHook,
        RECORDED_FUTURE,
        RECORDED_FUTURE_TOKEN,
        "Recorded Future: the token can submit detections.",
    ),
]
every_hook = pytest.mark.parametrize(("hook", "api", "token", "sentence"), HOOKS, ids=["okta", "s1", "rf"])


@every_hook
def test_connection_test_makes_an_authenticated_call_of_each_kind(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, hook: Hook, api: Api, token: str, sentence: str
) -> None:
    text = json.dumps({"conn_type": "http", "host": simulator.url, "password": token})
    monkeypatch.setenv("AIRFLOW_CONN_VENDOR_TEST", text)
    for asked in (VendorHook(api, "vendor_test"), hook("vendor_test")):
        simulator.clear_requests()
        assert asked.test_connection() == (True, sentence)
        assert [entry.status for entry in simulator.requests] == [200] * (2 if api is SENTINELONE else 1)
        assert asked.check() == sentence
    assert not simulator.detections


@every_hook
def test_connection_test_gives_the_sentence_of_an_error_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, hook: Hook, api: Api, token: str, sentence: str
) -> None:
    wrong = "0123456789abcdef0123456789abcdef"
    connection = {"conn_type": "http", "host": simulator.url, "password": wrong}
    monkeypatch.setenv("AIRFLOW_CONN_VENDOR_TEST", json.dumps(connection))
    works, words = hook("vendor_test").test_connection()
    assert not works
    assert words.startswith(f"{api.vendor.title} answered 401")
    assert wrong not in words
    with pytest.raises(CredentialsError) as caught:
        hook("vendor_test").check()
    assert str(caught.value) == words


@every_hook
def test_connection_test_does_not_wait_for_retries(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator, hook: Hook, api: Api, token: str, sentence: str
) -> None:
    connection = {"conn_type": "http", "host": simulator.url, "password": token}
    monkeypatch.setenv("AIRFLOW_CONN_VENDOR_TEST", json.dumps(connection))
    simulator.clear_requests()
    simulator.add_fault(api.vendor.title.lower().replace(" ", "_"), "status", status=503)
    timeouts: list[Any] = []
    send = requests.Session.request

    def note(*args: Any, **named: Any) -> Any:
        timeouts.append(named["timeout"])
        return send(*args, **named)

    monkeypatch.setattr(requests.Session, "request", note)
    works, words = hook("vendor_test").test_connection()
    assert not works
    assert words.startswith(f"{sentence.partition(':')[0]} answered 503")
    assert [entry.status for entry in simulator.requests] == [503]
    assert timeouts == [BUTTON_TIMEOUT_S]


def test_connection_test_does_not_show_the_button_s_random_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_XK3J2Q", json.dumps({"conn_type": "okta", "host": "acme.okta.com"}))
    works, words = OktaHook("xk3j2q").test_connection()
    assert not works
    assert words.startswith("This Connection: password is empty. Create one in the Okta Admin Console")


def test_a_missing_connection_does_not_raise_in_the_button() -> None:
    assert OktaHook("nowhere").test_connection()[0] is False


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # Airflow's own, in Connection.get_hook
def test_airflow_tests_a_connection_of_our_types_by_our_hooks(
    monkeypatch: pytest.MonkeyPatch, simulator: Simulator
) -> None:
    """As Airflow's API does: the Connection is in the environment as a URI, under a random id."""
    extra = {"auth": "oauth2", "client_id": "0oaNobody", "private_key": pem(rsa_key()), "kid": None}
    for kind, token, says in (
        ("okta", OKTA_TOKEN, (True, "Okta: the token can read the System Log.")),
        ("sentinelone", SENTINELONE_TOKEN, (True, "SentinelOne: the token may read threats and unified alerts.")),
        ("recorded_future", RECORDED_FUTURE_TOKEN, (True, "Recorded Future: the token can submit detections.")),
    ):
        stored: Any = Connection(conn_id="xk3j2q", conn_type=kind, host=simulator.url, password=token)
        monkeypatch.setenv("AIRFLOW_CONN_XK3J2Q", stored.get_uri())
        assert stored.test_connection() == says
    stored = Connection(conn_id="xk3j2q", conn_type="okta", host=simulator.url, extra=json.dumps(extra))
    monkeypatch.setenv("AIRFLOW_CONN_XK3J2Q", stored.get_uri())
    works, words = stored.test_connection()
    assert not works
    assert "invalid_client" in words


def test_an_access_token_is_masked_in_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ServiceApp(CLIENT_ID, rsa_key().public_key())
    with serve(Simulator(scenario=False, tokens=Tokens(okta_apps=(app,)))) as org:
        extra = {"auth": "oauth2", "client_id": CLIENT_ID, "private_key": pem(rsa_key())}
        client = connect(monkeypatch, {"conn_type": "okta", "host": org.url, "extra": extra})
        assert OKTA.check(client) == "the token can read the System Log"
    flow = client.auth.flow(Request("GET", "/"), time.time())
    header = next(flow).header
    assert header is not None
    assert redact(f"sent {header[1]}") == "sent Bearer ***"


def test_a_waiting_person_gets_a_client_without_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"auth": "oauth2", "client_id": CLIENT_ID, "private_key": pem(rsa_key())}
    connection = {"conn_type": "okta", "host": "acme.okta.com", "extra": extra}
    for given in (connection, {"conn_type": "okta", "host": "acme.okta.com", "password": TOKEN}):
        patient = connect(monkeypatch, given)
        client: Any = VendorHook(OKTA, "okta_test").get_hasty_client((3.0, 8.0))
        assert (client.attempts, client.timeout_s) == (1, (3.0, 8.0))
        assert (patient.attempts, patient.timeout_s) == (ATTEMPTS, TIMEOUT_S)


def test_a_connection_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a task, each look-up is a request to Airflow's API server."""
    monkeypatch.setenv("AIRFLOW_CONN_OKTA_TEST", json.dumps({"host": "https://acme.okta.com", "password": TOKEN}))
    hook = VendorHook(OKTA, "okta_test")
    assert hook.get_credentials().token == TOKEN
    monkeypatch.delenv("AIRFLOW_CONN_OKTA_TEST")
    assert hook.get_client().base_url == "https://acme.okta.com"
