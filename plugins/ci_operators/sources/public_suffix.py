"""Domains of the internet, which are below a public suffix (https://publicsuffix.org)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=8192)  # the same few names are read many times
def has_public_suffix(domain: str) -> bool:
    """Return whether a domain, in lower case and ASCII, is below a suffix of the ICANN section of the list.

    "srv.corp" and "john.doe" are not, because there is no such suffix. "co.uk" is a suffix itself.
    """
    return _suffixes().privatesuffix(domain) is not None


@cache
def _suffixes() -> PublicSuffixList:
    """Return the list that the package ships; nothing is downloaded."""
    from publicsuffixlist import PublicSuffixList  # reading the list takes 60 ms: only on first use

    return PublicSuffixList(accept_unknown=False, only_icann=True)
