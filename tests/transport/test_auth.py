"""The authentication header, and a 401 that another header can fix."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from ci_operators.core.errors import CredentialsError
from ci_operators.transport.auth import BasicAuth, Flow, NoAuth, Request, TokenAuth
from ci_operators.transport.client import Client
from simulator import Simulator
from simulator.settings import OKTA_TOKEN
from tests.noting_session import NotingSession
from tests.vendor_cases import OKTA
from tests.virtual_time import VirtualTime

REQUEST = Request("GET", "/api/v1/logs")


@dataclass
class RenewedAuth:
    """Sends the next of its tokens after a 401, as a flow that asks a token endpoint would."""

    tokens: tuple[str, str]

    def flow(self, request: Request, now: float) -> Flow:
        del now
        answer = yield replace(request, header=("Authorization", f"SSWS {self.tokens[0]}"))
        if answer.status == 401:
            yield replace(request, header=("Authorization", f"SSWS {self.tokens[1]}"))

    def hide(self, words: str) -> str:
        return words


def connect(vendors: Simulator, session: NotingSession, time: VirtualTime, *tokens: str) -> Client:
    first, second = tokens
    return Client(OKTA.api.vendor, vendors.url, RenewedAuth((first, second)), session, time.pacer())


def test_a_token_is_always_the_same_and_never_shown() -> None:
    auth = TokenAuth("Authorization", "SSWS 00secret")
    assert [next(auth.flow(REQUEST, 0.0)).header for _ in range(2)] == [("Authorization", "SSWS 00secret")] * 2
    assert "00secret" not in repr(auth)
    assert "00secret" not in repr(next(auth.flow(REQUEST, 0.0)))
    assert auth.hide("the token 00secret is unknown") == "the token *** is unknown"


def test_a_user_and_a_password_are_encoded_and_the_password_is_never_shown() -> None:
    auth = BasicAuth("Aladdin", "open sesame")  # RFC 7617's own example
    header = ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    assert next(auth.flow(REQUEST, 0.0)).header == header
    assert "open sesame" not in repr(auth)
    assert auth.hide("no open sesame, no QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "no ***, no ***"


def test_an_empty_header_disables_netrc(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    client = Client(OKTA.api.vendor, vendors.url, NoAuth(), session, virtual_time.pacer())
    session.auth = ("somebody", "else")
    with pytest.raises(CredentialsError, match="answered 401"):
        client.get("/api/v1/logs")
    assert [request.headers.get("Authorization") for request in session.sent] == [None]


def test_after_a_401_a_renewed_header_gets_one_more_try(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = connect(vendors, session, virtual_time, "revoked", OKTA_TOKEN)
    assert client.get("/api/v1/logs").status == 200
    assert [request.headers["Authorization"] for request in session.sent] == ["SSWS revoked", f"SSWS {OKTA_TOKEN}"]


def test_a_second_401_is_an_error(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    client = connect(vendors, session, virtual_time, "revoked", "revoked-too")
    with pytest.raises(CredentialsError, match="answered 401"):
        client.get("/api/v1/logs")
    assert len(session.sent) == 2


def test_a_fixed_header_gets_no_second_try(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with pytest.raises(CredentialsError, match="answered 401"):
        OKTA.connect(vendors.url, session, virtual_time, "00unknown").get("/api/v1/logs")
    assert len(session.sent) == 1
