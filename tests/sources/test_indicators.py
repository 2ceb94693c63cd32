"""The indicators among the texts of an event."""

from __future__ import annotations

from typing import Literal

import pytest

from ci_operators.sources.indicators import Indicators, Named, find_indicators, read_indicator
from ci_operators.sources.options import IndicatorPolicies

MD5 = "900150983cd24fb0d6963f7d28e17f72"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def find(*named: Named, policy: Literal["send", "drop"] = "send") -> tuple[Indicators, list[str]]:
    notes: list[str] = []
    policies = IndicatorPolicies(private_addresses=policy, trivial_hashes=policy)
    return find_indicators(named, policies, notes.append), notes


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("hash_md5", f" {MD5.upper()} ", ("hash", MD5)),
        ("md5", MD5, ("hash", MD5)),
        ("sha256", MD5, ("hash", MD5)),
        ("hash_md5", MD5[:27], None),
        ("hash_md5", "198.51.100.7", None),
        ("ipv4", "198.51.100.7", ("ip", "198.51.100.7")),
        ("ipv6", "2001:DB8::7", ("ip", "2001:db8::7")),
        ("ipv4", "198.51.100.7:443", None),
        ("ipv4", "c2.example.org", None),
        ("domain", "C2.Example.org", ("domain", "c2.example.org")),
        ("domain_name", "c2.example.org", ("domain", "c2.example.org")),
        ("domain", "srv.corp", None),
        ("domain", MD5, None),
        ("", MD5, ("hash", MD5)),
        ("", "198.51.100.7", ("ip", "198.51.100.7")),
        ("", "invoice.com", None),
        ("filename", "invoice.com", None),
        ("registry_key", MD5, None),
    ],
)
def test_the_type_decides_what_a_text_can_be(kind: str, text: str, expected: tuple[str, str] | None) -> None:
    assert read_indicator(kind, text) == expected


def test_each_indicator_comes_once_with_the_field_that_names_it_first() -> None:
    found = find(("a", " HASH_MD5 ", MD5), ("b", "md5", MD5.upper()), ("c", "ipv4", "198.51.100.7,, 198.51.100.8"))
    named = {("hash", MD5): "a", ("ip", "198.51.100.7"): "c", ("ip", "198.51.100.8"): "c"}
    assert found == (named, [])


def test_a_left_out_indicator_is_noted() -> None:
    assert find(("a", "filename", "invoice.com"), ("b", None, None), ("c", "", " ")) == ({}, ["unusable_indicator"])
    odd: list[Named] = [("a", "ipv4", "10.0.0.7"), ("b", "md5", EMPTY_MD5), ("c", "domain", "c2.example.org")]
    assert len(find(*odd)[0]) == 3
    assert find(*odd, policy="drop") == ({("domain", "c2.example.org"): "c"}, ["excluded_indicator"] * 2)
    assert len(find(("a", "ipv4", "8.8.8.8"), ("b", "md5", MD5), policy="drop")[0]) == 2
