"""Reads indicators (IP addresses, domains, URLs, file hashes), and recognizes those that identify nothing."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+(?:xn--[a-z0-9-]{{1,59}}|[a-z]{{2,63}})", re.ASCII)
_HASHES = {
    "sha256": re.compile(r"[0-9a-f]{64}", re.ASCII),
    "sha1": re.compile(r"[0-9a-f]{40}", re.ASCII),
    "md5": re.compile(r"[0-9a-f]{32}", re.ASCII),
}
_ANY_HASH = re.compile("|".join(pattern.pattern for pattern in _HASHES.values()), re.ASCII)

#: An address has at most 45 characters; the rest can be spaces around it.
_LONGEST_TEXT = 100

#: Recorded Future documents no limit; browsers and mail gateways cut longer URLs.
LONGEST_URL = 2048

#: Hashes of content that is everywhere: the empty file and a single line break, as SHA-256, SHA-1, MD5.
TRIVIAL_HASHES = frozenset(
    {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "d41d8cd98f00b204e9800998ecf8427e",
        "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
        "adc83b19e793491b1c6ea0fd8b46cd9f32e592fc",
        "68b329da9893e34099c7d8ad5cb9c940",
    }
)


def read_ip(text: str) -> str | None:
    """Return the IP address in `text` in its canonical form, None if there is none.

    IPv6 is compressed and in lower case (RFC 5952); an IPv4-mapped IPv6 address becomes its IPv4 address.
    """
    return _read_ip(text.strip()) if len(text) <= _LONGEST_TEXT else None


@lru_cache(maxsize=8192)  # attackers return, and parsing an address costs more than the rest of the mapping
def _read_ip(text: str) -> str | None:
    if _IPV4.fullmatch(text):
        return text
    if ":" not in text or "%" in text or len(text) > 45:
        return None
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return str(address.ipv4_mapped or address)


@lru_cache(maxsize=8192)  # as above
def is_private_ip(ip: str) -> bool:
    """Return whether an address is not globally reachable (private, loopback, link-local, reserved)."""
    return not ipaddress.ip_address(ip).is_global


def read_domain(text: str) -> str | None:
    """Return the domain name in `text` in lower case and ASCII (IDNA), None if there is none.

    A domain has at least two labels, and the last one has letters: "unknown" and "10.0.0.300" are not domains.
    """
    text = text.strip().rstrip(".").lower()
    if len(text) > 253:
        return None
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return text if _DOMAIN.fullmatch(text) else None


def read_url(text: str) -> str | None:
    """Return the URL in `text` (http, https or ftp, with a host) unchanged, None if there is none."""
    text = text.strip()
    if len(text) > LONGEST_URL or " " in text or not text.isprintable():
        return None
    try:
        url = urlsplit(text)
        host = url.hostname
    except ValueError:
        return None
    return text if host and url.scheme in ("http", "https", "ftp") else None


def read_hash(kind: str, text: str | None) -> str | None:
    """Return a well-formed hash of `kind` (sha256, sha1, md5) in lower case, None for anything else."""
    if not text:
        return None
    text = text.strip().lower()
    return text if _HASHES[kind].fullmatch(text) else None


def is_hash(text: str) -> bool:
    """Return whether `text` is a SHA-256, SHA-1 or MD5 in lower-case hexadecimal digits."""
    return _ANY_HASH.fullmatch(text) is not None


def is_trivial_hash(text: str) -> bool:
    """Return whether a hash is that of content that is everywhere, or a placeholder (one digit repeated)."""
    return text in TRIVIAL_HASHES or text.count(text[:1]) == len(text)
