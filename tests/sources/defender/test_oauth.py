"""Signing in to Graph by secret and by certificate, in each cloud, against a token endpoint as strict as Entra ID's."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests

from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError, CredentialsError
from ci_operators.sources.defender.api import ALERTS_PATH, API
from ci_operators.sources.defender.oauth import CLOUDS, CONSENT, ENDPOINT, FIXES, LOGINS
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.auth import Request
from ci_operators.transport.client import Client
from simulator import Limits, Simulator, serve
from simulator.defender.api import TOKEN_PATH, MicrosoftDefenderXDRTenant
from simulator.defender.tokens import AUDIENCE, CLIENT_ID, SECRET, SECRET_EXPIRED, TENANT_ID
from tests.noting_session import NotingSession
from tests.sources.okta.key_pairs import ec_key, pem, rsa_key
from tests.virtual_time import VirtualTime

KEY = rsa_key()
SHA1_THUMBPRINT, SHA256_THUMBPRINT = "a1" * 20, "b2" * 32
APP = {"tenant_id": TENANT_ID, "client_id": CLIENT_ID}
CERTIFICATE = {**APP, "auth": "certificate", "private_key": pem(KEY), "thumbprint": SHA1_THUMBPRINT}


class Desk:
    """A served tenant, its own session and time, and the masked values."""

    def __init__(self, simulator: Simulator, session: NotingSession, time: VirtualTime) -> None:
        self.simulator, self.session, self.time = simulator, session, time
        self.masked: list[str] = []

    def connect(self, secret: str = "", **options: Any) -> Client:
        """Return a client from a Connection with these extra fields."""
        credentials = Credentials("defender_acme", self.simulator.url, secret, options, self.masked.append)
        return open_client(API, credentials, self.session, self.time.pacer())

    def refuse(self, error: type[CollectiveInsightsError], sentence: str, secret: str = "", **options: Any) -> None:
        """Check the message of the connection check."""
        with pytest.raises(error, match=sentence) as caught:
            API.check(self.connect(secret, **options))
        told = "".join(traceback.format_exception(caught.value))
        for hidden in (*self.masked, pem(KEY)[40:80]):
            assert hidden not in told


@pytest.fixture
def desk(session: NotingSession, virtual_time: VirtualTime) -> Iterator[Desk]:
    """Serve a tenant whose app has a certificate under both of its thumbprints."""
    simulator = Simulator(clock=virtual_time, scenario=False, limits=Limits.off())
    with serve(simulator) as running:
        certificates = running.find(MicrosoftDefenderXDRTenant).entra.certificates
        for digits in (SHA1_THUMBPRINT, SHA256_THUMBPRINT):
            certificates[_base64url(digits)] = KEY.public_key()
        yield Desk(running, session, virtual_time)


def test_a_secret_gets_a_token_for_its_life(desk: Desk) -> None:
    client = desk.connect(SECRET, **APP)
    assert [API.check(client) for _ in range(2)] == ["the app can read alerts"] * 2
    desk.time.sleep(3539.0)
    API.check(client)
    assert [path for _, path in desk.session.asked] == [TOKEN_PATH, ALERTS_PATH, ALERTS_PATH, TOKEN_PATH, ALERTS_PATH]
    assert _form_of(desk) == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }
    assert "Prefer" not in desk.session.sent[0].headers


@pytest.mark.parametrize(
    ("thumbprint", "header"),
    [
        (SHA1_THUMBPRINT, {"alg": "RS256", "x5t": "oaGhoaGhoaGhoaGhoaGhoaGhoaE"}),
        (SHA256_THUMBPRINT, {"alg": "PS256", "x5t#S256": "srKysrKysrKysrKysrKysrKysrKysrKysrKysrKysrI"}),
    ],
)
def test_a_certificate_signs_for_the_clouds_own_endpoint(desk: Desk, thumbprint: str, header: dict[str, str]) -> None:
    API.check(desk.connect(**{**CERTIFICATE, "thumbprint": thumbprint}))
    form = _form_of(desk)
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "scope": "https://graph.microsoft.com/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert jwt.get_unverified_header(assertion) == {"typ": "JWT", **header}
    claims, now = jwt.decode(assertion, options={"verify_signature": False}), int(desk.time.instant.timestamp())
    assert claims.pop("jti")
    times = {"nbf": now, "iat": now, "exp": now + 300}
    assert claims == {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": AUDIENCE, **times}


@pytest.mark.parametrize(
    ("sentence", "secret", "options"),
    [
        (r"AADSTS7000222.*the client secret has expired\. Create a new one", SECRET_EXPIRED, APP),
        (r"AADSTS7000215.*the client secret is wrong\. Copy a secret's Value", "another-secret", APP),
        (r"AADSTS700016.*compare tenant_id and client_id", SECRET, {**APP, "client_id": "another"}),
        (r"AADSTS500011.*select the tenant's cloud", SECRET, {**APP, "cloud": "gcc_high"}),
        (r"AADSTS700027.*compare private_key and thumbprint", "", {**CERTIFICATE, "thumbprint": "c3" * 20}),
        (r"AADSTS700027.*compare private_key and thumbprint", "", {**CERTIFICATE, "private_key": pem(rsa_key(3072))}),
    ],
)
def test_errors_of_entra_id_have_a_remedy(desk: Desk, sentence: str, secret: str, options: dict[str, str]) -> None:
    desk.refuse(CredentialsError, f"Microsoft Entra ID answered .*{sentence}", secret, **options)
    assert ALERTS_PATH not in [path for _, path in desk.session.asked]


def test_a_clock_that_is_far_off_is_reported(desk: Desk) -> None:
    client = desk.connect(**CERTIFICATE)
    client.pacer.now = lambda: desk.time.instant.timestamp() - 7200
    with pytest.raises(CredentialsError, match=r"AADSTS700024.*correct the worker's clock"):
        API.check(client)


@pytest.mark.parametrize("number", sorted(FIXES))
def test_every_error_number_has_its_remedy(number: str) -> None:
    body = json.dumps({"error": "invalid_client", "error_description": f"AADSTS{number}: No. Trace ID: 1"}).encode()
    assert ENDPOINT.fix(401, body) == FIXES[number]


def test_other_answers_have_no_remedy() -> None:
    for body in (b"", b"[]", b"<html>", b'{"error":[7]}', b'{"error":"x","error_description":"AADSTS1: new"}'):
        assert ENDPOINT.fix(400, body) == ""
    assert ENDPOINT.fix(400, b'{"error":"unauthorized_client","error_description":"AADSTS7000229: No."}') == CONSENT
    assert ENDPOINT.explain(b'{"error":"x","error_description":"AADSTS1: new"}') == "x: AADSTS1: new"


@pytest.mark.parametrize(
    ("sentence", "secret", "options"),
    [
        ("tenant_id is '', which is not the ID of a tenant. Copy the Directory", SECRET, {"client_id": CLIENT_ID}),
        ("tenant_id is 'common', which is not", SECRET, {**APP, "tenant_id": "common"}),
        ("tenant_id is 'a/../b', which is not", SECRET, {**APP, "tenant_id": "a/../b"}),
        ("client_id is empty. Copy it from the app's Overview page", SECRET, {"tenant_id": TENANT_ID}),
        ("password is empty. Copy it from the app's Certificates & secrets page", "", APP),
        ("cloud is 'mars'; allowed are global, gcc_high, dod, china", SECRET, {**APP, "cloud": "mars"}),
        ("auth is 'password'; allowed are secret, certificate", SECRET, {**APP, "auth": "password"}),
        ("Client secret is empty, but private_key has a value. Set auth", "", {**CERTIFICATE, "auth": "secret"}),
        ("private_key is empty", "", {**CERTIFICATE, "private_key": ""}),
        ("thumbprint is not a thumbprint of 40 or 64", "", {**CERTIFICATE, "thumbprint": ""}),
        ("thumbprint needs an RSA key", "", {**CERTIFICATE, "private_key": pem(ec_key())}),
    ],
)
def test_missing_fields_are_named_before_anything_is_sent(
    desk: Desk, sentence: str, secret: str, options: dict[str, str]
) -> None:
    desk.refuse(ConfigurationError, f"^Connection defender_acme: {sentence}", secret, **options)
    assert desk.session.sent == []


@pytest.mark.parametrize(
    ("cloud", "url", "graph", "login"),
    [
        ("", "", "graph.microsoft.com", "login.microsoftonline.com"),
        ("global", "", "graph.microsoft.com", "login.microsoftonline.com"),
        ("gcc_high", "", "graph.microsoft.us", "login.microsoftonline.us"),
        ("dod", "", "dod-graph.microsoft.us", "login.microsoftonline.us"),
        ("china", "", "microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"),
        ("global", "https://graph.microsoft.us/v1.0/", "graph.microsoft.us", "login.microsoftonline.us"),
        (" DoD ", "https://gateway.acme.com", "gateway.acme.com", "gateway.acme.com"),
    ],
)
def test_each_cloud_has_its_hosts(cloud: str, url: str, graph: str, login: str) -> None:
    masked: list[str] = []
    credentials = Credentials("c", url, SECRET, {**APP, **({"cloud": cloud} if cloud else {})}, masked.append)
    client = open_client(API, credentials, requests.Session(), VirtualTime().pacer())
    assert client.base_url == f"https://{graph}"
    asked = next(client.auth.flow(Request("GET", ALERTS_PATH), 0.0))
    assert (asked.base_url or client.base_url, asked.path) == (f"https://{login}", TOKEN_PATH)
    scope = parse_qs((asked.body or b"").decode())["scope"]
    assert scope == [
        f"{CLOUDS[cloud.strip().lower() or 'global'] if graph.startswith('gateway') else f'https://{graph}'}/.default"
    ]


def test_every_cloud_has_a_choice_and_a_login() -> None:
    assert list(API.about.fields["cloud"].choices) == list(CLOUDS)
    assert list(LOGINS) == list(CLOUDS.values())


def _form_of(desk: Desk) -> dict[str, str]:
    body = desk.session.sent[0].body
    assert isinstance(body, bytes)
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def _base64url(digits: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digits)).decode().rstrip("=")
