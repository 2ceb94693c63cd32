"""A vendor's declarations for the client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_operators.core.errors import RequestRefusedError
from ci_operators.transport.vendor import Vendor, read_error, read_text_error
from simulator import Simulator
from tests.noting_session import NotingSession
from tests.vendor_cases import OKTA
from tests.virtual_time import VirtualTime


def test_a_vendor_names_no_remedy_unless_it_has_one() -> None:
    vendor = Vendor("Acme", lambda _: "", lambda _headers, _now: None, "", "")
    assert vendor.fix(400, b'{"error": "x"}') == ""


def test_words_are_picked_from_an_error_of_the_right_shape_alone() -> None:
    def pick(error: Any) -> list[object]:
        return [error["code"], error.get("title"), *error.get("more", ())]

    assert read_error(b'{"code": 4, "title": "No"}', pick) == "4: No"
    assert read_error(b'{"code": null, "title": "", "more": ["a", [], "b"]}', pick) == "a: b"
    for body in (b"", b"{}", b"[]", b"7", b'{"code": 1, "more": 7}', b"\xff", b"[" * 100_000):
        assert read_error(body, pick) == ""


def test_a_vendor_names_the_statuses_of_an_answer_that_is_read(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    client = OKTA.connect(vendors.url, session, virtual_time)
    vendors.add_fault("okta", "status", status=207, body=[], count=2)
    with pytest.raises(RequestRefusedError, match="answered 207"):
        client.get("/api/v1/logs")
    client.vendor = replace(client.vendor, success=frozenset({200, 207}))
    assert client.get("/api/v1/logs").status == 207


def test_a_plain_text_error_is_distinguished_from_a_page() -> None:
    assert read_text_error(b" The start is too far into the past.\n") == "The start is too far into the past."
    assert read_text_error(b" <!doctype html><html>Sign in</html>") == ""
    assert read_text_error(b"") == ""
    assert read_text_error(b"\xff") == "\ufffd"
