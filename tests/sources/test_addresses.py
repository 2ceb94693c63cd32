"""Valid addresses, and texts that only look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.detection import IndicatorType
from ci_operators.core.indicator import LONGEST_URL
from ci_operators.sources.indicators import is_private, read_address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.51.100.7", ("ip", "198.51.100.7")),
        (" 2001:DB8::7 ", ("ip", "2001:db8::7")),
        ("Files.Example.ORG", ("domain", "files.example.org")),
        ("https://example.com", ("url", "https://example.com")),
        ("HTTPS://Example.com/A?b#c", ("url", "HTTPS://Example.com/A?b#c")),
        ("ftp://user:word@example.com:21/", ("url", "ftp://user:word@example.com:21/")),
        ("http://198.51.100.7:8080/", ("url", "http://198.51.100.7:8080/")),
        ("http://[2001:db8::7]/", ("url", "http://[2001:db8::7]/")),
        ("example.com/", ("url", "http://example.com/")),
        ("example.com?id=https://other.example.net", ("url", "http://example.com?id=https://other.example.net")),
        ("198.51.100.7:8080/a", ("url", "http://198.51.100.7:8080/a")),
        ("https://example.com/" + "a" * (LONGEST_URL - 20), ("url", "https://example.com/" + "a" * (LONGEST_URL - 20))),
        ("https://example.com/" + "a" * (LONGEST_URL - 19), None),
        ("example.com/" + "a" * (LONGEST_URL - 18), None),
        ("co.uk", None),
        ("john.doe", None),
        ("intranet", None),
        ("https://intranet/login", None),
        ("https://srv.corp/login", None),
        ("https:///login", None),
        ("https://[::1", None),
        ("https://example.com/a b", None),
        ("https://example.com/a\nb", None),
        ("hxxp://example.com/", None),
        ("mailto:bob@example.com", None),
        ("bob@example.com/x", None),
        ("javascript://example.com/%0aalert(1)", None),
        ("data:text/html,x", None),
        ("N/A", None),
        ("", None),
    ],
)
def test_an_address_is_distinguished_from_other_texts(text: str, found: tuple[str, str] | None) -> None:
    assert read_address(text) == found


@given(st.text())
def test_any_text_is_read_and_what_is_found_is_found_again(text: str) -> None:
    found = read_address(text)
    assert found is None or read_address(found[1]) == found


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        ("ip", "10.0.0.7", True),
        ("ip", "8.8.8.8", False),
        ("url", "http://192.168.1.9:81/a", True),
        ("url", "http://user@[fe80::1]/", True),
        ("url", "http://8.8.8.8/10.0.0.7", False),
        ("url", "https://intranet/", True),
        ("domain", "example.com", False),
        ("url", "https://10.0.0.7.example.com/", False),
    ],
)
def test_an_address_is_private_by_its_host(kind: IndicatorType, address: str, expected: bool) -> None:
    assert is_private(kind, address) is expected
