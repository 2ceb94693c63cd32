"""Whether an indicator value is well formed for its type."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_HASH: Final = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.ASCII | re.IGNORECASE)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}", re.ASCII | re.IGNORECASE)
_VULNERABILITY: Final = re.compile(r"CVE-\d{4}-\d{4,}", re.ASCII | re.IGNORECASE)


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _is_domain(value: str) -> bool:
    return len(value) <= 253 and _DOMAIN.fullmatch(value) is not None


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        return False
    has_blank = any(character.isspace() for character in value)
    return parts.scheme in ("http", "https", "ftp") and bool(host) and not has_blank


INDICATOR_RULES: Final[dict[str, Callable[[str], bool]]] = {
    "ip": _is_ip,
    "domain": _is_domain,
    "hash": lambda value: _HASH.fullmatch(value) is not None,
    "vulnerability": lambda value: _VULNERABILITY.fullmatch(value) is not None,
    "url": _is_url,
}
INDICATOR_TYPES: Final = tuple(INDICATOR_RULES)
