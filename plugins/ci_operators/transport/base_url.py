"""The base URL of a vendor, out of whatever a person pasted."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.indicator import read_domain, read_ip

#: As vendors' pages write the name of a customer: {domain}, yourDomain, your-acme-domain.
_PLACEHOLDER = re.compile(r"[{}<>$]|your[a-z-]*domain")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)
#: A host of the company's own network, with a letter in it.
_LABEL = re.compile(r"(?=.*[a-z])[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)


def repair_base_url(text: str | None, *, label: str, example: str) -> str:
    """Return scheme, host and port of `text`, without path, query and trailing slash.

    A missing scheme becomes https; a pasted browser address or API path loses everything behind the host. A host
    without a dot needs the scheme: `acme` alone is a forgotten domain. `label` names the setting.

    Raises ConfigurationError, in one sentence with the fix, for plain http (loopback excepted), a placeholder,
    credentials in the URL, or no host at all.
    """
    pasted = (text or "").strip().strip("'\"")
    mend = f"Enter it like {example}."
    if not pasted:
        raise ConfigurationError(f"{label} is empty. {mend}")
    url, shown = _split(pasted, label, mend), repr(pasted[:80])
    scheme, host = url.scheme.lower(), (url.hostname or "").lower().rstrip(".")
    if _PLACEHOLDER.search(url.netloc.lower()) or f".{host}".endswith(".example.com"):
        raise ConfigurationError(f"{label} {shown} is still a placeholder. {mend}")
    if scheme not in ("http", "https") or "//" in url.path or host.endswith(".com.com"):
        raise ConfigurationError(f"{label} {shown} is not the URL of a web server. {mend}")
    if not is_loopback(host) and not read_domain(host) and not read_ip(host) and not _is_label(pasted, host):
        raise ConfigurationError(f"{label} {shown} does not name a host. {mend}")
    if scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"{label} {shown} would send the token in the clear: use https. {mend}")
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


def _split(pasted: str, label: str, mend: str) -> SplitResult:
    try:
        url = urlsplit(pasted if _SCHEME.match(pasted) else f"https://{pasted}")
        if url.username is not None or url.password is not None:
            raise ConfigurationError(f"{label} holds a user name or password: these have fields of their own. {mend}")
        url.port  # noqa: B018 - reading it is what checks it
    except ValueError as err:
        shown = pasted.rpartition("@")[2][:80]  # before the @ there may stand a password
        raise ConfigurationError(f"{label} {shown!r} is not a valid URL ({err}). {mend}") from None
    return url
