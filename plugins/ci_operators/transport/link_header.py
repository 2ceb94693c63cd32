"""The Link header (RFC 8288): several fields or one, in any order, commas inside the URLs allowed."""

from __future__ import annotations

import re

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s,;"]*))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s,;"]*))', re.IGNORECASE)


def find_link(header: str | None, rel: str) -> str | None:
    """Return the URL whose relation is `rel`, None if there is none.

    `header`: the field's value; several fields come joined by a comma, as HTTP clients do it.
    """
    for url, parameters in _LINK.findall(header or ""):
        found = _REL.search(parameters)
        relations = (found[1] or found[2] or "").lower().split() if found else []
        if rel in relations:
            return str(url)
    return None
