"""A vendor as the client asks it."""

from __future__ import annotations

from typing import Any

from ci_operators.transport.vendor import Vendor, read_error


def test_a_vendor_names_no_remedy_unless_it_has_one() -> None:
    vendor = Vendor("Acme", lambda _: "", lambda _headers, _now: None, "", "")
    assert vendor.mend(400, b'{"error": "x"}') == ""


def test_words_are_picked_from_an_error_of_the_right_shape_alone() -> None:
    def pick(error: Any) -> list[object]:
        return [error["code"], error.get("title"), *error.get("more", ())]

    assert read_error(b'{"code": 4, "title": "No"}', pick) == "4: No"
    assert read_error(b'{"code": null, "title": "", "more": ["a", [], "b"]}', pick) == "a: b"
    for body in (b"", b"{}", b"[]", b"7", b'{"code": 1, "more": 7}', b"\xff", b"[" * 100_000):
        assert read_error(body, pick) == ""
