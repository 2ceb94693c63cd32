"""Signing in as a service app to the simulated org, which is as strict as Okta's reference."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import traceback
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests

from ci_operators.core.errors import (
    CollectiveInsightsError,
    ConfigurationError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from ci_operators.sources.okta.api import API, LOGS_PATH, VENDOR
from ci_operators.sources.okta.oauth import FIXES, TOKEN_PATH, token_endpoint
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.client import ATTEMPTS, Client
from simulator import Limits, Simulator, Tokens, serve
from simulator.okta.service_app import CLIENT_ID, ServiceApp
from tests.fuzz.answering import URL, Reply, open_session
from tests.noting_session import NotingSession
from tests.sources.okta.key_pairs import ec_key, jwk, pem, public_pem, rsa_key
from tests.virtual_time import VirtualTime

KEY = rsa_key()
OPTIONS = {"auth": "oauth2", "client_id": CLIENT_ID, "private_key": pem(KEY)}
APPS = (
    ServiceApp(CLIENT_ID, KEY.public_key()),
    ServiceApp("0oaEc", ec_key().public_key()),
    ServiceApp("0oaNoScope", KEY.public_key(), scopes=("okta.users.read",)),
    ServiceApp("0oaNoRole", KEY.public_key(), has_role=False),
    ServiceApp("0oaDpop", KEY.public_key(), demands_dpop=True),
)


@pytest.fixture
def org(virtual_time: VirtualTime) -> Any:
    """Serve an org with service apps."""
    simulator = Simulator(clock=virtual_time, scenario=False, limits=Limits.off(), tokens=Tokens(okta_apps=APPS))
    with serve(simulator) as running:
        yield running


class Desk:
    """Its own session and time, and the masked values."""

    def __init__(self, org: Simulator, session: NotingSession, time: VirtualTime) -> None:
        self.org, self.session, self.time = org, session, time
        self.masked: list[str] = []

    def connect(self, **options: Any) -> Client:
        """Return a client from a Connection with these extra fields."""
        credentials = Credentials("okta_acme", self.org.url, "", {**OPTIONS, **options}, self.masked.append)
        return open_client(API, credentials, self.session, self.time.pacer())

    def refuse(self, error: type[CollectiveInsightsError], sentence: str, **options: Any) -> None:
        """Check the message of the connection check."""
        with pytest.raises(error, match=sentence) as caught:
            API.check(self.connect(**options))
        told = "".join(traceback.format_exception(caught.value))
        for secret in (*self.masked, pem(KEY)[40:80]):
            assert secret not in told

    @property
    def paths(self) -> list[str]:
        """The paths of the requests so far."""
        return [entry.path for entry in self.org.requests]


@pytest.fixture
def desk(org: Simulator, session: NotingSession, virtual_time: VirtualTime) -> Desk:
    """Return a desk."""
    return Desk(org, session, virtual_time)


def test_an_app_reads_the_log_with_one_token_for_its_life(desk: Desk) -> None:
    client = desk.connect()
    assert [API.check(client) for _ in range(3)] == ["the token can read the System Log"] * 3
    assert desk.paths == [TOKEN_PATH, LOGS_PATH, LOGS_PATH, LOGS_PATH]
    assert {entry.status for entry in desk.org.requests} == {200}
    assert desk.session.hosts == {desk.org.url.removeprefix("http://")}


def test_the_request_for_a_token_is_a_form_with_a_signed_assertion_alone(desk: Desk) -> None:
    API.check(desk.connect(kid="simulator-key"))
    request = desk.session.sent[0]
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert isinstance(request.body, bytes)
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "scope": "okta.logs.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert claims.pop("jti")
    now = int(desk.time.instant.timestamp())
    audience = f"{desk.org.url}/oauth2/v1/token"
    assert claims == {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": audience, "exp": now + 300}
    assert desk.org.okta_assertions == [assertion]
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "simulator-key"}


@pytest.mark.parametrize(
    "options",
    [
        {"private_key": pem(KEY).replace("\n", "")},
        {"private_key": json.dumps(jwk(KEY, kid="simulator-key"))},
        {"private_key": jwk(KEY)},
        {"client_id": "0oaEc", "private_key": pem(ec_key())},
        {"auth": " OAuth2 ", "client_id": f" {CLIENT_ID}\n"},
    ],
    ids=["one line", "jwk", "jwk object", "ec", "spaces"],
)
def test_keys_and_words_in_every_form(desk: Desk, options: dict[str, Any]) -> None:
    API.check(desk.connect(**options))
    assert desk.paths == [TOKEN_PATH, LOGS_PATH]


def test_a_token_is_replaced_before_it_ends(desk: Desk) -> None:
    client = desk.connect()
    API.check(client)
    desk.time.sleep(3539.0)
    API.check(client)
    assert desk.paths.count(TOKEN_PATH) == 1
    desk.time.sleep(1.0)
    API.check(client)
    assert desk.paths == [TOKEN_PATH, LOGS_PATH, LOGS_PATH, TOKEN_PATH, LOGS_PATH]
    assert len(set(desk.masked)) == 4


def test_a_token_revoked_before_its_end_is_replaced_once(desk: Desk) -> None:
    client = desk.connect()
    API.check(client)
    desk.org.revoke_okta_access()
    API.check(client)
    assert [(entry.path, entry.status) for entry in desk.org.requests[2:]] == [
        (LOGS_PATH, 401),
        (TOKEN_PATH, 200),
        (LOGS_PATH, 200),
    ]


def test_a_log_that_takes_no_token_is_an_error_after_the_second_try(desk: Desk) -> None:
    desk.org.add_fault("okta", "status", status=401, count=9, path=LOGS_PATH)
    desk.refuse(CredentialsError, "Okta answered 401 .*rejected the service app's access token")
    assert desk.paths == [TOKEN_PATH, LOGS_PATH, TOKEN_PATH, LOGS_PATH]


@pytest.mark.parametrize(
    ("sentence", "options"),
    [
        (r"answered 401 \(invalid_client: .*compare client_id", {"client_id": "0oaUnknown"}),
        (r"answered 401 \(invalid_client: .*public half of private_key", {"private_key": pem(ec_key())}),
        (r"answered 401 \(invalid_client: .*public half of private_key", {"kid": "another-key"}),
        (r"answered 400 \(invalid_scope: .*grant okta\.logs\.read to the app", {"client_id": "0oaNoScope"}),
        (r"answered 403 .*Read-only Administrator role", {"client_id": "0oaNoRole"}),
        (r"answered 400 \(invalid_dpop_proof: .*turn off \"Require Demonstrating", {"client_id": "0oaDpop"}),
    ],
)
def test_errors_of_the_org_have_a_fix(desk: Desk, sentence: str, options: dict[str, Any]) -> None:
    desk.refuse(CredentialsError, sentence, **options)


@pytest.mark.parametrize(
    ("sentence", "options"),
    [
        ("^Connection okta_acme: client_id is empty", {"client_id": " "}),
        ("^Connection okta_acme: private_key is empty", {"private_key": None}),
        ("^Connection okta_acme: private_key is a public key", {"private_key": public_pem(KEY)}),
        ("^Connection okta_acme: auth is 'saml'; allowed are ssws, oauth2", {"auth": "saml"}),
        (r"^Connection okta_acme: API Token is empty, but private_key has a value\. Set auth", {"auth": "ssws"}),
        (r"^Connection okta_acme: API Token is empty, but private_key has a value\. Set auth", {"auth": ""}),
    ],
)
def test_missing_fields_are_named_before_anything_is_sent(desk: Desk, sentence: str, options: dict[str, Any]) -> None:
    desk.refuse(ConfigurationError, sentence, **options)
    assert desk.session.sent == []


def test_a_clock_that_is_far_off_is_reported(desk: Desk) -> None:
    client = desk.connect()
    client.pacer.now = lambda: desk.time.instant.timestamp() - 7200
    with pytest.raises(CredentialsError, match=r"expired.*correct the worker's clock"):
        API.check(client)


def test_an_unavailable_endpoint_is_retried(desk: Desk) -> None:
    desk.org.add_fault("okta", "status", status=503, path=TOKEN_PATH, count=ATTEMPTS - 2)
    desk.org.add_fault("okta", "drop_connection", path=TOKEN_PATH)
    API.check(desk.connect())
    assert desk.paths == [TOKEN_PATH] * ATTEMPTS + [LOGS_PATH]


def test_a_rate_limit_is_waited_out_or_raised(desk: Desk) -> None:
    headers = {"Retry-After": "7", "X-Rate-Limit-Reset": ""}
    desk.org.add_fault("okta", "status", status=429, path=TOKEN_PATH, headers=headers)
    API.check(desk.connect())
    assert desk.time.slept == [7.0]
    desk.org.add_fault("okta", "status", status=429, path=TOKEN_PATH, headers={**headers, "Retry-After": "600"})
    desk.refuse(RateLimitedError, "Okta's token endpoint answered 429")


def test_a_slow_endpoint_has_the_usual_timeout(desk: Desk) -> None:
    desk.org.add_fault("okta", "slow", seconds=30.0, path=TOKEN_PATH)
    client = desk.connect()
    client.attempts, client.timeout_s = 1, (5.0, 0.1)
    with pytest.raises(UnavailableError, match=r"did not answer in 0\.1 s"):
        API.check(client)


UNREADABLE, UNUSABLE = "Okta's token endpoint answered 200 with", "without a usable access token"


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        *(({"status": status}, UnavailableError, f"endpoint answered {status}") for status in (500, 502, 503)),
        *(({"kind": kind}, UnreadableAnswerError, UNREADABLE) for kind in ("html_200", "empty_body", "truncated_json")),
        *(
            (
                {"status": status, "headers": {"Location": "https://elsewhere.example.net/"}},
                RequestRefusedError,
                "Okta's",
            )
            for status in (302, 404)
        ),
        *(
            ({"body": {"access_token": token}}, UnreadableAnswerError, UNUSABLE)
            for token in ("", "a b", "x\r\nHost: y")
        ),
        ({"body": {"access_token": 7}}, UnreadableAnswerError, "not the expected JSON"),
        ({"body": []}, UnreadableAnswerError, "not the expected JSON"),
        ({"body": {"access_token": "abc", "token_type": "DPoP"}}, CredentialsError, "token of type 'DPoP': turn off"),
    ],
)
def test_a_bad_answer_of_an_endpoint_is_an_error_of_the_tree(
    desk: Desk, fault: dict[str, Any], error: type[CollectiveInsightsError], sentence: str
) -> None:
    desk.org.add_fault("okta", **{"kind": "status", "status": 200, **fault}, path=TOKEN_PATH, count=ATTEMPTS)
    desk.refuse(error, sentence)
    assert set(desk.paths) == {TOKEN_PATH}


def test_a_token_of_a_short_life_is_used_for_half_of_it(desk: Desk) -> None:
    desk.org.add_fault("okta", "status", status=200, body={"access_token": "brief", "expires_in": 30}, path=TOKEN_PATH)
    desk.org.add_fault("okta", "status", status=200, body=[], path=LOGS_PATH, count=3)
    client = desk.connect()
    for wait_s in (0.0, 14.0, 1.0):
        desk.time.sleep(wait_s)
        API.check(client)
    assert desk.paths == [TOKEN_PATH, LOGS_PATH, LOGS_PATH, TOKEN_PATH, LOGS_PATH]
    asked = [request.headers["Authorization"] for request in desk.session.sent if LOGS_PATH in str(request.url)]
    assert [header == "Bearer brief" for header in asked] == [True, True, False]


def test_no_log_and_no_representation_shows_a_secret(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = desk.connect()
    API.check(client)
    desk.org.add_fault("okta", "status", status=403, body={"errorSummary": f"no {desk.masked[1]}"}, path=LOGS_PATH)
    with pytest.raises(CredentialsError, match=r"no \*\*\*") as caught:
        API.check(client)
    shown = f"{caplog.text} {client!r} {client.auth!r} {caught.value!r}"
    assert "urllib3" in caplog.text
    assert len(desk.masked) == 2
    for secret in (*desk.masked, pem(KEY)[40:80], "client_assertion"):
        assert secret not in shown


def test_a_replaced_token_stays_secret(desk: Desk) -> None:
    """Found by fuzzing."""
    client = desk.connect()
    API.check(client)
    desk.time.sleep(3550.0)
    API.check(client)
    first, second = (token for token in desk.masked if token not in desk.org.okta_assertions)
    desk.org.add_fault("okta", "status", status=403, body={"errorSummary": f"{first} {second}"}, path=LOGS_PATH)
    with pytest.raises(CredentialsError, match=r"\(\*\*\* \*\*\*\)"):
        API.check(client)


def test_an_error_that_repeats_the_form_does_not_show_the_assertion(virtual_time: VirtualTime) -> None:
    masked: list[str] = []

    def repeat(request: requests.PreparedRequest) -> Reply:
        assert isinstance(request.body, bytes)
        return Reply(400, json.dumps({"error": "invalid_request", "error_description": request.body.decode()}).encode())

    with open_session(repeat) as session:
        client = open_client(API, Credentials("c", URL, "", OPTIONS, masked.append), session, virtual_time.pacer())
        with pytest.raises(RequestRefusedError, match=r"client_assertion=\*\*\*\)") as caught:
            API.check(client)
    (assertion,) = masked
    assert jwt.get_unverified_header(assertion)["alg"] == "RS256"
    assert assertion not in "".join(traceback.format_exception(caught.value))


def test_error_bodies_of_any_shape_are_explained_or_ignored() -> None:
    endpoint = token_endpoint(VENDOR)
    assert endpoint.explain(b'{"error":"invalid_client","error_description":"No."}') == "invalid_client: No."
    assert endpoint.explain(b'{"errorCode":"E0000047","errorSummary":"Slow down."}') == "E0000047: Slow down."
    for body in (b"", b"[]", b"null", b"<html>", b'{"error":[7]}', b"[" * 100_000):
        assert (endpoint.explain(body), endpoint.fix(400, body)) == ("", "")
    assert endpoint.fix(400, b'{"error":"use_dpop_nonce"}') == FIXES["use_dpop_nonce"]


def test_an_api_token_imports_no_oauth_code() -> None:
    code = (
        "import sys, requests\n"
        "from ci_operators.sources.okta.api import API\n"
        "from ci_operators.transport.api import Credentials, open_client\n"
        "from ci_operators.transport.pacing import Pacer\n"
        "open_client(API, Credentials('c', 'https://acme.okta.com', '00abc'), requests.Session(), Pacer())\n"
        "print([name for name in ('jwt', 'cryptography') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.run(  # noqa: S603 - this Python, that code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert printed.stdout.strip() == "[]"
