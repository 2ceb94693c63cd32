"""The Link header (RFC 8288): one field or several, in any order, with commas inside URLs."""

from __future__ import annotations

import re

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s,;"]*))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s,;"]*))', re.IGNORECASE)


def find_link(header: str | None, rel: str) -> str | None:
    """Return the URL with the relation `rel`, None if there is none.

    header: the field's value; HTTP clients join several fields with a comma.
    """
    for url, parameters in _LINK.findall(header or ""):
        found = _REL.search(parameters)
        relations = (found[1] or found[2] or "").lower().split() if found else []
        if rel in relations:
            return str(url)
    return None
