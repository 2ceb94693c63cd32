"""The simulated token endpoint is as strict as the reference: a single error, and there is no token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests
from tests.simulator.caller import Caller, Start

from simulator import ManualClock, Simulator, Tokens
from simulator.oauth_tokens import ASSERTION_TYPE
from simulator.okta.service_app import CLIENT_ID, KeyPair, ServiceApp, make_key_pair

Ask = Callable[..., requests.Response]
NO_ROLE = "0oaNoRole"
DPOP = "0oaDpop"


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return make_key_pair()


@pytest.fixture
def org(start: Start, pair: KeyPair) -> tuple[Simulator, Caller]:
    apps = (
        ServiceApp(CLIENT_ID, pair.public_key, scopes=("okta.logs.read", "okta.users.read")),
        ServiceApp(NO_ROLE, pair.public_key, has_role=False),
        ServiceApp(DPOP, pair.public_key, demands_dpop=True),
    )
    return start(tokens=Tokens(okta_apps=apps))


@pytest.fixture
def ask(org: tuple[Simulator, Caller], pair: KeyPair, clock: ManualClock) -> Ask:
    """Return a function that requests a token; each argument changes one part of a valid request."""
    simulator, _ = org
    url = f"{simulator.url}/oauth2/v1/token"

    def send(
        claims: dict[str, Any] | None = None,
        form: dict[str, Any] | None = None,
        key: str = "",
        headers: dict[str, Any] | None = None,
        **options: Any,
    ) -> requests.Response:
        good = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": url, "exp": int(clock().timestamp()) + 300}
        said = {**good, "jti": uuid4().hex, **(claims or {})}
        said = {name: value for name, value in said.items() if value is not None}
        assertion = jwt.encode(said, key or pair.private_pem, "RS256", headers=headers)
        body = {
            "grant_type": "client_credentials",
            "scope": "okta.logs.read",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            **(form or {}),
        }
        sent = {"data": {name: value for name, value in body.items() if value is not None}, "timeout": 30, **options}
        return requests.post(url, **sent)  # noqa: S113 - it has one

    return send


def test_a_token_reads_the_log_for_an_hour(org: tuple[Simulator, Caller], ask: Ask, clock: ManualClock) -> None:
    simulator, caller = org
    answer = ask()
    assert answer.status_code == 200
    given = answer.json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 3600, "okta.logs.read")
    authorization = f"Bearer {given['access_token']}"
    assert caller.okta(authorization=authorization).status_code == 200
    assert caller.okta(authorization=f"SSWS {given['access_token']}").status_code == 401
    clock.advance(seconds=3600)
    assert caller.okta(authorization=authorization).status_code == 401
    assert [entry.path for entry in simulator.requests][:1] == ["/oauth2/v1/token"]


def test_a_token_can_be_revoked(org: tuple[Simulator, Caller], ask: Ask) -> None:
    simulator, caller = org
    authorization = f"Bearer {ask().json()['access_token']}"
    simulator.revoke_okta_access()
    assert caller.okta(authorization=authorization).status_code == 401


def test_a_token_without_scope_or_role_reads_nothing(org: tuple[Simulator, Caller], ask: Ask) -> None:
    _, caller = org
    for wrong in ({"form": {"scope": "okta.users.read"}}, {"claims": {"iss": NO_ROLE, "sub": NO_ROLE}}):
        answer = ask(**wrong)
        assert answer.status_code == 200
        assert caller.okta(authorization=f"Bearer {answer.json()['access_token']}").status_code == 403


@pytest.mark.parametrize(
    ("status", "error", "wrong"),
    [
        (401, "invalid_client", {"claims": {"iss": "0oaNobody", "sub": "0oaNobody"}}),
        (401, "invalid_client", {"claims": {"sub": "0oaNobody"}}),
        (401, "invalid_client", {"claims": {"sub": None}}),
        (401, "invalid_client", {"claims": {"aud": "https://acme.okta.com/oauth2/v1/token"}}),
        (401, "invalid_client", {"claims": {"aud": None}}),
        (401, "invalid_client", {"claims": {"exp": None}}),
        (401, "invalid_client", {"claims": {"exp": 1}}),
        (401, "invalid_client", {"claims": {"exp": 4_102_444_800}}),
        (401, "invalid_client", {"headers": {"kid": "another"}}),
        (401, "invalid_client", {"form": {"client_assertion": "no.jwt.atall"}}),
        (400, "invalid_dpop_proof", {"claims": {"iss": DPOP, "sub": DPOP}}),
        (400, "invalid_scope", {"form": {"scope": "okta.logs.read okta.apps.manage"}}),
        (400, "invalid_request", {"form": {"scope": None}}),
        (400, "invalid_request", {"form": {"client_assertion_type": "jwt"}}),
        (400, "invalid_request", {"form": {"client_assertion": None}}),
        (400, "unsupported_grant_type", {"form": {"grant_type": "password"}}),
        (400, "invalid_request", {"params": {"scope": "okta.logs.read"}}),
        (400, "invalid_request", {"data": "{}"}),
        (400, "invalid_request", {"form": {"scope": ["okta.logs.read", "okta.logs.read"]}}),
    ],
    ids=str,
)
def test_one_wrong_thing_and_there_is_no_token(ask: Ask, status: int, error: str, wrong: dict[str, Any]) -> None:
    answer = ask(**wrong)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}


def test_another_key_s_signature_is_refused(ask: Ask) -> None:
    assert ask(key=make_key_pair().private_pem).json()["error"] == "invalid_client"


def test_an_unsigned_assertion_is_refused(ask: Ask) -> None:
    unsigned = jwt.encode({"iss": CLIENT_ID, "sub": CLIENT_ID, "exp": 4_102_444_800}, "", "none")
    assert ask(form={"client_assertion": unsigned}).json()["error"] == "invalid_client"


def test_an_assertion_is_good_for_one_token(ask: Ask) -> None:
    again = {"claims": {"jti": "once"}}
    assert [ask(**again).status_code for _ in range(2)] == [200, 401]


def test_other_methods_are_refused(org: tuple[Simulator, Caller]) -> None:
    simulator, _ = org
    assert requests.get(f"{simulator.url}/oauth2/v1/token", timeout=30).status_code == 405


def test_an_org_without_apps_gives_no_token(start: Start, pair: KeyPair) -> None:
    simulator, _ = start()
    assertion = jwt.encode({"iss": CLIENT_ID, "sub": CLIENT_ID}, pair.private_pem, "RS256")
    form = {
        "grant_type": "client_credentials",
        "scope": "okta.logs.read",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    answer = requests.post(f"{simulator.url}/oauth2/v1/token", data=form, timeout=30)
    assert answer.json()["error"] == "invalid_client"
    assert pair.private_pem not in repr(pair)
