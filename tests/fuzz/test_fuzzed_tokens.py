"""Any answers of a token endpoint: the access token is masked and not shown, and its expiry is a time."""

from __future__ import annotations

import math
from typing import Any

import requests

from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.sources.okta.api import API, LOGS_PATH
from ci_operators.sources.okta.oauth import TOKEN_PATH
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.client import Client
from ci_operators.transport.oauth import ClientCredentials
from simulator.settings import OKTA_TOKEN
from tests.fuzz.answering import URL, Reply, open_session, spoil
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.damage import damage, damage_text, encode
from tests.fuzz.errors import check_error, expect_own_errors
from tests.fuzz.odd import odd_text
from tests.sources.okta.key_pairs import ec_key, pem
from tests.virtual_time import VirtualTime

OPTIONS = {"auth": "oauth2", "client_id": "0oa1", "private_key": pem(ec_key())}


def test_tokens(fuzz: Fuzz) -> None:
    fuzz("tokens", run_tokens, 0.5)


def run_tokens(choices: Choices) -> str:
    """Return the outcome of three calls by a service app."""
    masked: list[str] = []
    with open_session(lambda request: _answer(request, choices)) as session:
        time = VirtualTime()
        client = open_client(API, Credentials("conn", URL, "", OPTIONS, masked.append), session, time.pacer())
        errors = []
        for _ in range(3):
            errors.append(expect_own_errors(lambda: _ask(client, masked)))
            time.sleep(choices.pick((0.0, 100.0, 10_000.0)))
        bearer = client.auth
        assert isinstance(bearer, ClientCredentials)
        assert not math.isnan(bearer._expires_at)
        assert not bearer._token or bearer._token in masked, "a token that no log hides"
    return str(sorted(map(str, errors)))


def _ask(client: Client, masked: list[str]) -> None:
    """Ask once. The token is a secret after the endpoint has returned it; before that it is an odd text."""
    try:
        client.get(LOGS_PATH)
    except CollectiveInsightsError as err:
        check_error(err, OKTA_TOKEN if OKTA_TOKEN in masked else "")
        raise


def _answer(request: requests.PreparedRequest, choices: Choices) -> Reply:
    is_token = TOKEN_PATH in (request.url or "")
    if not is_token:
        asked = str(request.headers["Authorization"]).removeprefix("Bearer ")
        body: Any = {
            "errorCode": "E0000011",
            "errorSummary": asked,
            "errorCauses": [{"errorSummary": odd_text(choices)}],
        }
        return Reply(choices.pick((200, 401, 403, 500)), encode(damage(body, choices), choices))
    body = {"access_token": OKTA_TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "okta.logs.read"}
    if choices.happens(4):
        body = {"error": choices.pick(("invalid_client", "invalid_scope", "x")), "error_description": odd_text(choices)}
    return spoil(damage_text(encode(damage(body, choices), choices), choices), {}, choices)
