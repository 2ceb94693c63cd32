"""Client credentials: the flow asks for tokens and never does I/O itself. Signing in to a real API: tests/sources."""

from __future__ import annotations

import json

from ci_operators.sources.okta.auth import TOKEN_VENDOR
from ci_operators.transport.auth import Request
from ci_operators.transport.oauth import ClientCredentials, Grant
from ci_operators.transport.vendor import Answer

REQUEST = Request("GET", "/alerts")


def by_secret(masked: list[str]) -> ClientCredentials:
    """Return what signs in with a client secret, at another host than the API's."""
    grant = Grant({"client_id": "app", "client_secret": "hush&hush"}, "hush&hush")
    return ClientCredentials(
        TOKEN_VENDOR, "/token", lambda _now: grant, masked.append, base_url="https://login.example"
    )


def issued(token: str, expires_in: float = 1799) -> Answer:
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
        TOKEN_VENDOR,
    )
    assert asked.body == b"grant_type=client_credentials&client_id=app&client_secret=hush%26hush"
    assert flow.send(issued("token-1")) == Request("GET", "/alerts", header=("Authorization", "Bearer token-1"))
    assert masked == ["hush&hush", "token-1"]
    assert next(auth.flow(REQUEST, 1738.0)).path == "/alerts"
    assert next(auth.flow(REQUEST, 1739.0)).path == "/token"


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
