"""A vendor as the client asks it."""

from __future__ import annotations

from ci_operators.transport.vendor import Vendor


def test_a_vendor_names_no_remedy_unless_it_has_one() -> None:
    vendor = Vendor("Acme", lambda _: "", lambda _headers, _now: None, "", "")
    assert vendor.mend(400, b'{"error": "x"}') == ""
