"""Client credentials: the flow requests tokens without doing I/O itself. Signing in to a real API: tests/sources."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ci_operators.core.errors import ConfigurationError, CredentialsError, UnreadableAnswerError
from ci_operators.sources.okta.api import VENDOR
from ci_operators.sources.okta.oauth import token_endpoint
from ci_operators.transport.api import Credentials
from ci_operators.transport.auth import Request
from ci_operators.transport.oauth import ClientCredentials, MakeGrant, read_oauth_error, secret_grant
from ci_operators.transport.vendor import Answer

REQUEST = Request("GET", "/alerts")
ENDPOINT = token_endpoint(VENDOR)


def by_secret(masked: list[str]) -> ClientCredentials:
    """Return the authentication with a client secret, at another host than the API's."""
    return ClientCredentials(ENDPOINT, "/token", grant(), masked.append, base_url="https://login.example")


def grant(scope: str = "", secret: str = "hush&hush", **options: str) -> MakeGrant:  # noqa: S107 - not a secret
    credentials = Credentials("acme", "", secret, {"client_id": " app", **options})
    return secret_grant(credentials, scope, where_client_id="the console", where_secret="Create one.")


def issued(token: str, expires_in: float | str = 1799) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": token, "expires_in": expires_in}).encode())


def test_a_secret_gets_a_token_at_the_token_endpoints_own_host() -> None:
    masked: list[str] = []
    auth = by_secret(masked)
    flow = auth.flow(REQUEST, 0.0)
    asked = next(flow)
    assert (asked.method, asked.base_url, asked.path, asked.vendor) == (
        "POST",
        "https://login.example",
        "/token",
        ENDPOINT,
    )
    assert asked.body == b"grant_type=client_credentials&client_id=app&client_secret=hush%26hush"
    assert flow.send(issued("token-1", "1799")) == Request("GET", "/alerts", header=("Authorization", "Bearer token-1"))
    assert masked == ["hush&hush", "token-1"]
    assert next(auth.flow(REQUEST, 1738.0)).path == "/alerts"
    assert next(auth.flow(REQUEST, 1739.0)).path == "/token"


def test_an_answer_with_an_unusable_token_is_refused() -> None:
    def check(answer: Answer) -> None:
        raise CredentialsError(f"the token belongs to {answer.headers['Region']}")

    auth = replace(by_secret([]), check_answer=check)
    flow = auth.flow(REQUEST, 0.0)
    next(flow)
    with pytest.raises(CredentialsError, match="the token belongs to us-2"):
        flow.send(replace(issued("token-1"), headers={"Region": "us-2"}))
    assert next(auth.flow(REQUEST, 0.0)).path == "/token"


def test_a_lifetime_that_is_not_a_number_is_refused() -> None:
    flow = by_secret([]).flow(REQUEST, 0.0)
    next(flow)
    with pytest.raises(UnreadableAnswerError):
        flow.send(issued("token-1", "nan"))


def test_a_token_that_a_401_ends_is_replaced_once() -> None:
    flow = by_secret([]).flow(REQUEST, 0.0)
    next(flow)
    flow.send(issued("token-1"))
    assert flow.send(Answer(401, {}, b"")).path == "/token"
    assert flow.send(issued("token-2")).header == ("Authorization", "Bearer token-2")
    assert next(flow, None) is None


def test_no_words_and_no_representation_hold_a_secret() -> None:
    auth = by_secret([])
    flow = auth.flow(REQUEST, 0.0)
    request = next(flow)
    flow.send(issued("token-1"))
    assert auth.hide("token-1, hush&hush") == "***, ***"
    for secret in ("token-1", "hush"):
        assert secret not in f"{auth!r} {request!r}"


def test_a_missing_field_is_named_before_anything_is_sent() -> None:
    assert grant("a b")(0.0).form["scope"] == "a b"
    with pytest.raises(ConfigurationError, match=r"Connection acme: client_id is empty\. Copy it from the console\."):
        grant(client_id=" ")
    with pytest.raises(ConfigurationError, match=r"Connection acme: password is empty\. Create one\."):
        grant(secret="")


def test_error_bodies_of_any_shape_are_read_or_ignored() -> None:
    body = b'{"error":"invalid_client","error_description":"No."}'
    assert read_oauth_error(body) == ("invalid_client", "invalid_client: No.")
    for body in (b"", b"[]", b"null", b"<html>", b'{"error":[7]}', b"[" * 100_000):
        assert read_oauth_error(body) == ("", "")
