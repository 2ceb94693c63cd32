"""The base URL of a vendor, from the text that a person pasted."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.indicator import read_domain, read_ip

#: Placeholders on vendors' pages for the name of a customer: {domain}, yourDomain, your-acme-domain.
_PLACEHOLDER = re.compile(r"[{}<>$]|your[a-z-]*domain")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
#: A host in the company's own network, with at least one letter.
_LABEL = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)


def repair_base_url(text: str | None, *, label: str, example: str) -> str:
    """Return scheme, host, and port of `text`, without path, query, and trailing slash.

    A missing scheme becomes https. A browser's URL or an API path loses everything after the host. A host without a dot
    needs the scheme, because `acme` alone is an incomplete domain. label: names the setting.

    Raises ConfigurationError, with the fix, for plain http (except to loopback), a placeholder,
    credentials in the URL, or a missing host.
    """
    pasted = (text or "").strip().strip("'\"")
    fix = f"Enter it like {example}."
    if not pasted:
        raise ConfigurationError(f"{label} is empty. {fix}")
    url, shown = _split(pasted, label, fix), repr(pasted[:80])
    scheme, host = url.scheme.lower(), (url.hostname or "").lower().rstrip(".")
    if _PLACEHOLDER.search(url.netloc.lower()) or f".{host}".endswith(".example.com"):
        raise ConfigurationError(f"{label} {shown} is still a placeholder. {fix}")
    if scheme not in ("http", "https") or "//" in url.path or host.endswith(".com.com"):
        raise ConfigurationError(f"{label} {shown} is not the URL of a web server. {fix}")
    if not is_loopback(host) and not read_domain(host) and not read_ip(host) and not _is_label(pasted, host):
        raise ConfigurationError(f"{label} {shown} does not name a host. {fix}")
    if scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"{label} {shown} sends the token unencrypted. Use https. {fix}")
    netloc = f"[{host}]" if ":" in host else host
    port = url.port
    return f"{scheme}://{netloc}" if port in (None, 443 if scheme == "https" else 80) else f"{scheme}://{netloc}:{port}"


def _is_label(pasted: str, host: str) -> bool:
    return bool(_SCHEME.match(pasted) and _LABEL.fullmatch(host))


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(pasted: str, label: str, fix: str) -> SplitResult:
    try:
        url = urlsplit(pasted if _SCHEME.match(pasted) else f"https://{pasted}")
        if url.username is not None or url.password is not None:
            raise ConfigurationError(f"{label} contains a user name or password. Enter them in their own fields. {fix}")
        url.port  # noqa: B018 - reading it checks it
    except ValueError as err:
        shown = pasted.rpartition("@")[2][:80]  # the text before the @ can have a password
        raise ConfigurationError(f"{label} {shown!r} is not a valid URL ({err}). {fix}") from None
    return url
