"""Addresses, domains and hashes."""

from __future__ import annotations

import hashlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.indicator import (
    TRIVIAL_HASHES,
    is_hash,
    is_private_ip,
    is_trivial_hash,
    read_domain,
    read_hash,
    read_ip,
    read_url,
)

SHA1 = "a9993e364706816aba3e25717850c26c9cd0d89d"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.mark.parametrize(
    ("text", "ip"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7\n", "198.51.100.7"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:c633:6407", "198.51.100.7"),
        ("198.51.100.256", None),
        ("198.51.100.07", None),
        ("198.51.100", None),
        ("198.51.100.7/24", None),
        ("198.51.100.7:443", None),
        ("[2001:db8::1]", None),
        ("fe80::1%eth0", None),
        ("2001:db8::g", None),
        ("::" * 30, None),
        ("unknown", None),
        ("", None),
    ],
)
def test_ip_is_read_in_its_canonical_form(text: str, ip: str | None) -> None:
    assert read_ip(text) == ip


@given(st.ip_addresses())
def test_every_address_is_read_as_the_library_writes_it(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert read_ip(str(address)) == str(mapped or address)
    assert read_ip(address.exploded) == str(mapped or address)


@given(st.text(alphabet="0123456789abcdefABCDEF:.%/[] ", max_size=50) | st.text())
def test_what_is_read_is_an_address_and_stays_the_same(text: str) -> None:
    ip = read_ip(text)
    if ip is None:
        return
    assert read_ip(ip) == ip
    assert str(ipaddress.ip_address(ip)) == ip


@pytest.mark.parametrize(
    ("ip", "is_private"),
    [("10.0.0.1", True), ("127.0.0.1", True), ("198.51.100.7", True), ("fe80::1", True), ("192.88.99.1", False)],
)
def test_private_means_not_globally_reachable(ip: str, is_private: bool) -> None:
    assert is_private_ip(ip) is is_private


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("proxy.example.com", "proxy.example.com"),
        ("Proxy.Example.COM.", "proxy.example.com"),
        ("b\u00fccher.example.org", "xn--bcher-kva.example.org"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("a.xn--p1ai", "a.xn--p1ai"),
        ("unknown", None),
        ("10.0.0.300", None),
        ("-a.example.org", None),
        ("a-.example.org", None),
        ("a..example.org", None),
        ("two words.example.org", None),
        ("alice@example.org", None),
        ("https://example.org", None),
        ("a" * 64 + ".example.org", None),
        ("a." * 130 + "org", None),
        ("\u00fc" * 70 + ".example.org", None),
        ("", None),
    ],
)
def test_domain_is_read_in_ascii(text: str, domain: str | None) -> None:
    assert read_domain(text) == domain


@given(st.text())
def test_what_is_read_as_a_domain_stays_the_same(text: str) -> None:
    domain = read_domain(text)
    assert domain is None or read_domain(domain) == domain


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://files.example.net/a?b=c#d ", "https://files.example.net/a?b=c#d"),
        ("HTTP://bob@Files.Example.NET:8080", "HTTP://bob@Files.Example.NET:8080"),
        ("ftp://[2620:4f:8000::7]/x", "ftp://[2620:4f:8000::7]/x"),
        ("https://b\u00fccher.example.org/", "https://b\u00fccher.example.org/"),
        ("https://example.net/" + "a" * 2028, "https://example.net/" + "a" * 2028),
        ("https://example.net/" + "a" * 2029, None),
        ("https://example.net/a b", None),
        ("https://example.net/a\nb", None),
        ("https://[::1/", None),
        ("https:///path", None),
        ("mailto:alice@example.org", None),
        ("files.example.net/a", None),
        ("", None),
    ],
)
def test_only_urls_of_a_host_are_read(text: str, url: str | None) -> None:
    assert read_url(text) == url


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("sha256", SHA256, SHA256),
        ("sha256", SHA256.upper(), SHA256),
        ("sha1", f" {SHA1} ", SHA1),
        ("md5", MD5, MD5),
        ("sha1", SHA256, None),
        ("md5", MD5[:-1], None),
        ("md5", MD5[:-1] + "g", None),
        ("sha1", "", None),
        ("sha1", None, None),
        ("sha1", "string", None),
    ],
)
def test_only_well_formed_hashes_are_read(kind: str, text: str | None, found: str | None) -> None:
    assert read_hash(kind, text) == found


def test_hashes_are_distinguished_from_other_texts() -> None:
    assert all(is_hash(text) for text in (MD5, SHA1, SHA256))
    assert not any(is_hash(text) for text in ("", MD5.upper(), MD5 + "0", SHA1[:-1] + "\n"))


def test_trivial_hashes_are_those_of_empty_input_and_a_line_break() -> None:
    computed = {
        digest(content, usedforsecurity=False).hexdigest()
        for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256)
        for content in (b"", b"\n")
    }
    assert computed == TRIVIAL_HASHES
    assert all(is_trivial_hash(text) for text in (*computed, "0" * 64, "f" * 32))
    assert not is_trivial_hash(SHA1)
