"""What proves who asks, and what a client makes of a 401 that another header may mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ci_operators.core.errors import CredentialsError
from ci_operators.transport.authoriser import FixedHeader, NoHeader
from ci_operators.transport.client import Client
from simulator import Simulator
from simulator.settings import OKTA_TOKEN
from tests.noting_session import NotingSession
from tests.vendor_cases import OKTA
from tests.virtual_time import VirtualTime


@dataclass
class Headers:
    """Gives the tokens in turn."""

    tokens: Iterator[str]
    current: str = field(default="", repr=False)

    def header(self) -> tuple[str, str]:
        self.current = self.current or next(self.tokens)
        return "Authorization", f"SSWS {self.current}"

    def renew(self) -> bool:
        self.current = ""
        return True

    def hide(self, words: str) -> str:
        return words.replace(self.current, "***")


def connect(vendors: Simulator, session: NotingSession, time: VirtualTime, *tokens: str) -> Client:
    return Client(OKTA.api.vendor, vendors.url, Headers(iter(tokens)), session, time.pacer())


def test_a_fixed_header_is_always_the_same_and_never_shown() -> None:
    fixed = FixedHeader("Authorization", "SSWS 00secret")
    assert fixed.header() == fixed.header() == ("Authorization", "SSWS 00secret")
    assert not fixed.renew()
    assert "00secret" not in repr(fixed)
    assert fixed.hide("the token 00secret is unknown") == "the token *** is unknown"


def test_no_header_sets_none_and_keeps_a_netrc_away(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = Client(OKTA.api.vendor, vendors.url, NoHeader(), session, virtual_time.pacer())
    session.auth = ("somebody", "else")
    with pytest.raises(CredentialsError, match="answered 401"):
        client.get("/api/v1/logs")
    assert [request.headers.get("Authorization") for request in session.sent] == [None]


def test_without_a_header_the_secret_may_stand_in_the_body() -> None:
    assert NoHeader().hide("words") == "words"
    assert NoHeader("ey.secret").hide("you sent ey.secret") == "you sent ***"
    assert "ey.secret" not in repr(NoHeader("ey.secret"))


def test_after_a_401_a_renewed_header_gets_one_more_try(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = connect(vendors, session, virtual_time, "revoked", OKTA_TOKEN)
    assert client.get("/api/v1/logs").status == 200
    assert [request.headers["Authorization"] for request in session.sent] == ["SSWS revoked", f"SSWS {OKTA_TOKEN}"]


def test_a_second_401_is_an_error(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    client = connect(vendors, session, virtual_time, "revoked", "revoked-too", OKTA_TOKEN)
    with pytest.raises(CredentialsError, match="answered 401"):
        client.get("/api/v1/logs")
    assert len(session.sent) == 2


def test_a_fixed_header_gets_no_second_try(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with pytest.raises(CredentialsError, match="answered 401"):
        OKTA.connect(vendors.url, session, virtual_time, "00unknown").get("/api/v1/logs")
    assert len(session.sent) == 1
