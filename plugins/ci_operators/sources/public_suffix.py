"""Which names are domains of the internet: those below a public suffix (https://publicsuffix.org)."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=8192)  # the same few names come again and again
def has_public_suffix(domain: str) -> bool:
    """Return whether a domain, in lower case and ASCII, is below a suffix of the ICANN section of the list.

    "srv.corp" is not, and neither is "john.doe": there is no such suffix. "co.uk" is a suffix itself.
    """
    return _suffixes().privatesuffix(domain) is not None


@cache
def _suffixes() -> PublicSuffixList:
    """Return the list that the package ships; nothing is fetched."""
    from publicsuffixlist import PublicSuffixList  # reading the list takes 60 ms: only for those who meet a domain

    return PublicSuffixList(accept_unknown=False, only_icann=True)
