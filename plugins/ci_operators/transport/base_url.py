"""The base URL of a vendor, out of whatever a person pasted."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from ci_operators.core.errors import ConfigurationError

_PLACEHOLDERS = ("{", "}", "<", ">", "yourdomain", "your-domain", "youroktadomain", "example.com", "$")


def repair_base_url(text: str | None, *, label: str, example: str) -> str:
    """Return scheme, host and port of `text`, without path, query and trailing slash.

    A missing scheme becomes https; a pasted browser address or API path loses everything behind the host.
    Raises ConfigurationError, in one sentence with the mend, for plain http (loopback excepted), a
    placeholder, credentials in the URL, or no host at all. `label` names the setting.
    """
    pasted = (text or "").strip().strip("'\"")
    mend = f"Enter it like {example}."
    if not pasted:
        raise ConfigurationError(f"{label} is empty. {mend}")
    if any(mark in pasted.lower() for mark in _PLACEHOLDERS):
        raise ConfigurationError(f"{label} {pasted[:80]!r} is still a placeholder. {mend}")
    url = _split(pasted, label, mend)
    scheme, host = url.scheme.lower(), (url.hostname or "").lower().rstrip(".")
    if scheme not in ("http", "https") or "//" in url.path or host.endswith(".com.com"):
        raise ConfigurationError(f"{label} {pasted[:80]!r} is no address of a web server. {mend}")
    if not host or (not is_loopback(host) and "." not in host):
        raise ConfigurationError(f"{label} {pasted[:80]!r} names no host. {mend}")
    if scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"{label} {pasted[:80]!r} would send the token in the clear: use https. {mend}")
    netloc = f"[{host}]" if ":" in host else host
    port = url.port
    return f"{scheme}://{netloc}" if port in (None, 443 if scheme == "https" else 80) else f"{scheme}://{netloc}:{port}"


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
        url = urlsplit(pasted if "://" in pasted else f"https://{pasted}")
        if url.username is not None or url.password is not None:
            raise ConfigurationError(f"{label} holds a user name or password: these have fields of their own. {mend}")
        url.port  # noqa: B018 - reading it is what checks it
    except ValueError as err:
        raise ConfigurationError(f"{label} {pasted[:80]!r} is no address ({err}). {mend}") from None
    return url
