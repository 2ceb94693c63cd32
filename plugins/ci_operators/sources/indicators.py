"""The indicators of an event: of a known type, unique, and allowed by the options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from ci_operators.core.detection import IndicatorType
from ci_operators.core.indicator import (
    LONGEST_URL,
    is_hash,
    is_private_ip,
    is_trivial_hash,
    read_domain,
    read_ip,
    read_url,
)
from ci_operators.core.verdict import Note
from ci_operators.sources.options import IndicatorPolicies
from ci_operators.sources.public_suffix import has_public_suffix

#: Note code -> its meaning.
NOTES = {
    "unusable_indicator": "An indicator is not an address, public domain, URL, or hash. The others are sent.",
    "excluded_indicator": "Option private_addresses or trivial_hashes excludes an indicator. The others are sent.",
}
#: A URL without its scheme: a host, an optional port, and a path or query.
_BARE_URL = re.compile(r"[^/?#@:]+(?::\d{1,5})?[/?#].*")
#: The field that names an indicator, the vendor's word for its type ("" or None: unknown), and its text.
Named = tuple[str, str | None, str | None]
#: Type and value.
Indicator = tuple[IndicatorType, str]
#: The first field that names each indicator.
Indicators = dict[Indicator, str]


def find_indicators(named: Iterable[Named], policies: IndicatorPolicies, note: Note) -> Indicators:
    """Return the indicators that an event names; note those that are left out."""
    found: Indicators = {}
    for indicator, field in read_indicators(named, policies, note):
        found.setdefault(indicator, field)
    return found


def read_indicators(named: Iterable[Named], policies: IndicatorPolicies, note: Note) -> Iterator[tuple[Indicator, str]]:
    """Yield each indicator and the field that names it; note those that are left out.

    A text may have several with commas between them, unless it is a URL.
    """
    for field, kind, text in named:
        if not text:
            continue
        word = (kind or "").strip().lower()
        for part in [text] if word.startswith("url") else text.split(","):
            if not part.strip():
                continue
            indicator = read_indicator(word, part)
            if indicator is None:
                note("unusable_indicator")
            elif _is_excluded(*indicator, policies):
                note("excluded_indicator")
            else:
                yield indicator, field


def read_indicator(kind: str, text: str) -> Indicator | None:
    """Return type and value by the start of a vendor's word for the type: hash_md5, sha256, ipv4, domain, url.

    Without a word, only addresses and hashes count, because the name of a file can look like a domain.
    """
    return _choose_reader(kind[:6])(text)


def read_address(text: str) -> Indicator | None:
    """Return the IP address, the domain below a public suffix, or the URL at one of these; None for any other text.

    A URL without a scheme, such as "example.com/login", gets http, because Recorded Future requires a scheme.
    """
    text = text.strip()
    return _read_address(text) if len(text) <= LONGEST_URL else None


@lru_cache(maxsize=1024)  # attackers return
def _read_address(text: str) -> Indicator | None:
    if found := _read_ip(text) or _read_domain(text):
        return found
    url = _read_url(f"http://{text}" if _BARE_URL.fullmatch(text) else text)
    host = _find_host(url[1]) if url else ""
    return url if _read_ip(host) or _read_domain(host) else None


@lru_cache(maxsize=64)  # a vendor has few words
def _choose_reader(start: str) -> Callable[[str], Indicator | None]:
    if not start:
        return lambda text: _read_hash(text) or _read_ip(text)
    readers = {"hash": _read_hash, "sha": _read_hash, "md5": _read_hash, "ip": _read_ip, "url": _read_url}
    readers["domain"] = _read_domain
    return next((read for word, read in readers.items() if start.startswith(word)), lambda _text: None)


def _read_hash(text: str) -> Indicator | None:
    value = text.strip().lower()
    return ("hash", value) if is_hash(value) else None


def _read_ip(text: str) -> Indicator | None:
    ip = read_ip(text)
    return ("ip", ip) if ip else None


def _read_url(text: str) -> Indicator | None:
    url = read_url(text)
    return ("url", url) if url else None


def _read_domain(text: str) -> Indicator | None:
    domain = read_domain(text)
    return ("domain", domain) if domain and has_public_suffix(domain) else None


def _is_excluded(kind: IndicatorType, value: str, policies: IndicatorPolicies) -> bool:
    if kind == "hash":
        return policies.trivial_hashes == "drop" and is_trivial_hash(value)
    return policies.private_addresses == "drop" and is_private(kind, value)


def is_private(kind: IndicatorType, value: str) -> bool:
    """Return whether an address is not globally reachable, or the host of a URL is not in the internet."""
    if kind not in ("ip", "url"):
        return False
    host = _find_host(value) if kind == "url" else value
    ip = read_ip(host)
    return is_private_ip(ip) if ip else _read_domain(host) is None


def _find_host(url: str) -> str:
    return urlsplit(url).hostname or ""
